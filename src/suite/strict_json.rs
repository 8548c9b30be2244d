//! JSON read strictly: a name that occurs twice in an object is an error.

use std::fmt;

use serde::{Deserialize, de};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// Why an answer or its body is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Mismatch(pub String);

/// Reads a whole body as one JSON value.
///
/// # Errors
/// What is not JSON (RFC 8259), what follows it, and a duplicate name, in words without the body's own.
pub(crate) fn parse(body: &[u8]) -> Result<Value, Mismatch> {
    match serde_json::from_slice::<Strict>(body) {
        Ok(Strict(value)) => Ok(value),
        Err(error) if error.is_data() => {
            let (line, column) = (error.line(), error.column());
            let text = format!("a name occurs twice in one object (line {line} column {column})");
            Err(Mismatch(text))
        }
        Err(error) => Err(Mismatch(format!("not JSON: {error}"))),
    }
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> de::Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value without duplicate names")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = access.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(de::Error::custom("duplicate name"));
            }
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = access.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_stands_twice_is_refused_at_any_depth() {
        assert!(
            parse(br#"{"error": {"a": 1, "a": 2}}"#)
                .unwrap_err()
                .0
                .contains("twice")
        );
        assert_eq!(
            parse(br#"{"a": [{"b": null}, true, 1.5, -2]}"#).unwrap(),
            serde_json::json!({"a": [{"b": null}, true, 1.5, -2]})
        );
    }

    #[test]
    fn what_stands_behind_the_value_is_refused() {
        assert!(
            parse(b"{} {}").is_err() && parse(b"\xef\xbb\xbf{}").is_err() && parse(b"").is_err()
        );
    }
}

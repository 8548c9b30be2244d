//! The JSON of a request's body: its fields in order, duplicates included.

use std::{borrow::Cow, fmt};

use serde::{de, de::MapAccess};
use serde_json::value::RawValue;

use crate::contract::Condition;

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldValue<'a> {
    /// `null`.
    Null,
    /// A number, a list, an object or a boolean.
    Other,
    /// A string, its escapes resolved; borrowed where it has none.
    Text(Cow<'a, str>),
}

/// Names and values of an object in order, each name as often as it occurs.
pub(crate) type JsonObject<'a> = Vec<(Cow<'a, str>, FieldValue<'a>)>;

/// Parses a body. RFC 8259 exactly: no byte order mark, nothing after the value.
///
/// # Errors
/// The condition of a body that is not JSON, or not an object.
pub(crate) fn parse(body: &[u8]) -> Result<JsonObject<'_>, Condition> {
    let text = str::from_utf8(body).map_err(|_| Condition::NotUtf8)?;
    let malformed = |_| Condition::MalformedBody;
    let raw: &RawValue = serde_json::from_str(text).map_err(malformed)?;
    if !raw.get().starts_with('{') {
        return Err(field_value(raw).map_or(Condition::MalformedBody, |_| Condition::NotAnObject));
    }
    let ObjectFields(fields) = serde_json::from_str(raw.get()).map_err(malformed)?;
    Ok(fields)
}

/// The same for text that does not live as long.
pub(crate) fn parse_owned(text: &str) -> Result<JsonObject<'static>, Condition> {
    let fields = parse(text.as_bytes())?.into_iter();
    let owned = fields.map(|(name, value)| {
        let value = match value {
            FieldValue::Null => FieldValue::Null,
            FieldValue::Other => FieldValue::Other,
            FieldValue::Text(text) => FieldValue::Text(text.into_owned().into()),
        };
        (name.into_owned().into(), value)
    });
    Ok(owned.collect())
}

/// Reads a value; `None` for a lone surrogate, and for a number that no `f64` holds.
fn field_value(raw: &RawValue) -> Option<FieldValue<'_>> {
    let text = raw.get();
    match text.as_bytes() {
        [b'"', ..] => {
            let JsonText(text) = serde_json::from_str(text).ok()?;
            Some(FieldValue::Text(text))
        }
        b"null" => Some(FieldValue::Null),
        [b'-' | b'0'..=b'9', ..] => {
            let is_finite = text.parse().is_ok_and(f64::is_finite);
            is_finite.then_some(FieldValue::Other)
        }
        _ => Some(FieldValue::Other),
    }
}

/// A string, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct JsonText<'a>(#[serde(borrow)] Cow<'a, str>);

/// The fields of an object.
struct ObjectFields<'a>(JsonObject<'a>);

impl<'de> de::Deserialize<'de> for ObjectFields<'de> {
    fn deserialize<D: de::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ObjectFields<'de>, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> de::Visitor<'de> for ObjectVisitor {
    type Value = ObjectFields<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ObjectFields<'de>, A::Error> {
        let mut fields = Vec::with_capacity(4);
        while let Some((JsonText(name), raw)) = map.next_entry::<JsonText<'de>, &'de RawValue>()? {
            let value = field_value(raw).ok_or_else(|| de::Error::custom("not a JSON value"))?;
            fields.push((name, value));
        }
        Ok(ObjectFields(fields))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", Condition::MalformedBody)]
    #[case::a_word("hello", Condition::MalformedBody)]
    #[case::a_bash_escape(r#"{"a": "b\!"}"#, Condition::MalformedBody)]
    #[case::trailing(r#"{} x"#, Condition::MalformedBody)]
    #[case::a_byte_order_mark("\u{feff}{}", Condition::MalformedBody)]
    #[case::a_lone_surrogate(r#"{"a": "\ud800"}"#, Condition::MalformedBody)]
    #[case::a_huge_number("1e999", Condition::MalformedBody)]
    #[case::a_list("[1, [2], {\"a\": 3}]", Condition::NotAnObject)]
    #[case::null("null", Condition::NotAnObject)]
    #[case::a_text("\"a\"", Condition::NotAnObject)]
    fn a_body_that_is_not_an_object(#[case] body: &str, #[case] expected: Condition) {
        assert_eq!(parse(body.as_bytes()), Err(expected));
    }

    #[test]
    fn an_object_keeps_order_and_duplicates() {
        let expected = vec![
            ("a".into(), FieldValue::Text("é\n".into())),
            ("b".into(), FieldValue::Null),
            ("a".into(), FieldValue::Other),
            ("c".into(), FieldValue::Other),
        ];
        assert_eq!(
            parse(br#" {"\u0061": "\u00e9\n", "b": null, "a": 12.5, "c": {"d": [true]}}"#),
            Ok(expected)
        );
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let body = r#"{"a": "b", "c": "\n"}"#.to_owned();
        let fields = parse(body.as_bytes()).unwrap();
        assert!(matches!(
            fields[..],
            [
                (_, FieldValue::Text(Cow::Borrowed("b"))),
                (_, FieldValue::Text(Cow::Owned(_)))
            ]
        ));
    }

    #[test]
    fn a_hundred_thousand_brackets_are_no_danger() {
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_ne!(parse(deep.as_bytes()), Err(Condition::NotAnObject));
        assert!(parse(&[b'['; 100_000]).is_err());
    }
}

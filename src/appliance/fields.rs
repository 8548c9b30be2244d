//! What stands in a request's body: the fields the law knows, whatever else there is.

use std::{borrow::Cow, fmt};

use serde::{
    de,
    de::{IgnoredAny, MapAccess, SeqAccess},
};

/// A value as a body gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given<'a> {
    /// `null`.
    Null,
    /// A number, a list, an object or a boolean.
    Other,
    /// A string, its escapes resolved; borrowed where it has none.
    Text(Cow<'a, str>),
}

/// A body that is JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// No object.
    NotAnObject,
    /// An object: names and values in order, each name as often as it stands there.
    Object(Vec<(Name<'a>, Given<'a>)>),
}

/// A name, borrowed where it has no escapes.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
pub(super) struct Name<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// Reads a body; `None` where it is no JSON. RFC 8259 to the letter: no byte order mark, nothing after the value.
pub(super) fn parse(body: &str) -> Option<Body<'_>> {
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let parsed = de::Deserializer::deserialize_any(&mut deserializer, BodyVisitor).ok()?;
    deserializer.end().ok()?;
    Some(parsed)
}

struct BodyVisitor;

impl<'de> de::Visitor<'de> for BodyVisitor {
    type Value = Body<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body<'de>, A::Error> {
        let mut fields = Vec::with_capacity(4);
        while let Some(name) = map.next_key::<Name<'de>>()? {
            fields.push((name, map.next_value::<Given<'de>>()?));
        }
        Ok(Body::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Body<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Body::NotAnObject)
    }

    fn visit_str<E>(self, _: &str) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }

    fn visit_unit<E>(self) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Body<'de>, E> {
        Ok(Body::NotAnObject)
    }
}

impl<'de> de::Deserialize<'de> for Given<'de> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Given<'de>, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> de::Visitor<'de> for GivenVisitor {
    type Value = Given<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Given<'de>, E> {
        Ok(Given::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Given<'de>, E> {
        Ok(Given::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Given<'de>, E> {
        Ok(Given::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Given<'de>, E> {
        Ok(Given::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Given<'de>, E> {
        Ok(Given::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Given<'de>, E> {
        Ok(Given::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Given<'de>, E> {
        Ok(Given::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Given::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Given::Other)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", None)]
    #[case::a_word("hello", None)]
    #[case::a_bash_escape(r#"{"a": "b\!"}"#, None)]
    #[case::trailing(r#"{} x"#, None)]
    #[case::a_byte_order_mark("\u{feff}{}", None)]
    #[case::a_lone_surrogate(r#"{"a": "\ud800"}"#, None)]
    #[case::a_huge_number("1e999", None)]
    #[case::a_list("[1, [2], {\"a\": 3}]", Some(Body::NotAnObject))]
    #[case::null("null", Some(Body::NotAnObject))]
    #[case::a_text("\"a\"", Some(Body::NotAnObject))]
    fn what_is_no_object(#[case] body: &str, #[case] expected: Option<Body<'_>>) {
        assert_eq!(parse(body), expected);
    }

    #[test]
    fn an_object_keeps_order_and_duplicates() {
        let given = |name: &'static str, value: Given<'static>| (Name(name.into()), value);
        let expected = vec![
            given("a", Given::Text("é\n".into())),
            given("b", Given::Null),
            given("a", Given::Other),
            given("c", Given::Other),
        ];
        assert_eq!(
            parse(r#"{"\u0061": "\u00e9\n", "b": null, "a": 12.5, "c": {"d": [true]}}"#),
            Some(Body::Object(expected))
        );
    }

    #[test]
    fn a_text_without_escapes_is_not_copied() {
        let body = r#"{"a": "b", "c": "\n"}"#.to_owned();
        let Some(Body::Object(fields)) = parse(&body) else {
            panic!("it is an object")
        };
        assert!(matches!(
            fields[..],
            [
                (_, Given::Text(Cow::Borrowed("b"))),
                (_, Given::Text(Cow::Owned(_)))
            ]
        ));
    }

    #[test]
    fn a_hundred_thousand_brackets_are_no_danger() {
        let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(parse(&deep), None | Some(Body::Object(_))));
        assert!(parse(&"[".repeat(100_000)).is_none());
    }
}

//! Redaction by place: what stands where a password may stand is replaced by its fingerprint, whatever it is.
//!
//! It goes the safe way round: of a body only the names, and the values of user names, are shown. So a password under a misspelt
//! name, in a list, as a number, or in a body that is no JSON is hidden as well.

use serde::de::IgnoredAny;

use crate::redact::Fingerprints;

/// Masks requests.
#[derive(Clone, Debug)]
pub struct Mask {
    fingerprints: Fingerprints,
    /// The names that may be shown in a body that cannot be read.
    names: Vec<String>,
}

impl Mask {
    /// Masks by these fingerprints; of a body that is no JSON, only these names are shown.
    pub fn new(fingerprints: Fingerprints, names: impl IntoIterator<Item = String>) -> Mask {
        Mask {
            fingerprints,
            names: names.into_iter().collect(),
        }
    }

    /// Returns a body: JSON with its texts and numbers masked, but for those under a user's name; of anything else its
    /// punctuation and the known names. What is not UTF-8 is summed up.
    pub fn body(&self, body: &[u8]) -> String {
        let Ok(text) = std::str::from_utf8(body) else {
            return format!("«{} bytes that are not UTF-8»", body.len());
        };
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => self.json(text),
            Err(_) => self.words(text),
        }
    }

    /// Returns a query, `a=b&c=d`, with its values masked, but for user names.
    pub fn query(&self, query: &str) -> String {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, value)) if names_a_user(name) || value.is_empty() => pair.to_owned(),
            Some((name, value)) => format!("{name}={}", self.masked(value)),
            // Who sends no name may send the password alone.
            None if pair.is_empty() || self.names.iter().any(|name| name == pair) => {
                pair.to_owned()
            }
            None => self.masked(pair),
        };
        query.split('&').map(pair).collect::<Vec<_>>().join("&")
    }

    /// Returns a header's value: masked unless the header is one that has no secret.
    pub fn header(&self, name: &str, value: &str) -> String {
        match SHOWN_HEADERS.contains(&name) {
            true => value.to_owned(),
            false => self.masked(value),
        }
    }

    /// Returns what stands for a value.
    pub fn masked(&self, value: &str) -> String {
        format!("«{}»", self.fingerprints.of(value))
    }

    /// Masks valid JSON without changing anything else of it.
    fn json(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        // Whether the values at each depth stand under a user's name.
        let mut open: Vec<bool> = Vec::new();
        let mut shows = false;
        while let Some(first) = rest.chars().next() {
            let (token, after) = rest.split_at(token_length(rest));
            rest = after;
            let names = first == '"' && after.trim_start().starts_with(':');
            match first {
                '{' | '[' => open.push(std::mem::take(&mut shows)),
                '}' | ']' => shows = open.pop().unwrap_or_default(),
                '"' if names => shows = names_a_user(token.trim_matches('"')),
                _ => {}
            }
            match first {
                '"' if !names && !shows && token.len() > 2 => {
                    let value: String = serde_json::from_str(token).unwrap_or_default();
                    masked.push_str(&format!("\"{}\"", self.masked(&value)));
                }
                '-' | '0'..='9' if !shows => {
                    masked.push_str(&format!("\"{}\"", self.masked(token)))
                }
                _ => masked.push_str(token),
            }
        }
        masked
    }

    /// Masks every word of a text but the known names.
    fn words(&self, text: &str) -> String {
        let masked = |piece: &str| {
            let word = piece.trim_end_matches(is_punctuation);
            match word.is_empty() || self.names.iter().any(|name| name == word) {
                true => piece.to_owned(),
                false => self.masked(word) + &piece[word.len()..],
            }
        };
        text.split_inclusive(is_punctuation).map(masked).collect()
    }
}

/// Returns whether what stands under a name is a user's, and so may be shown.
pub fn names_a_user(name: &str) -> bool {
    USER_NAMES.contains(&name.to_ascii_lowercase().as_str())
}

fn is_punctuation(next: char) -> bool {
    next.is_ascii_whitespace()
        || next.is_ascii_control()
        || matches!(next, '{' | '}' | '[' | ']' | '"' | ':' | ',' | '&' | '=')
}

/// Returns the length of the string, the number or the character that valid JSON goes on with.
pub(crate) fn token_length(json: &str) -> usize {
    if !json.starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit()) {
        return json.chars().next().map_or(0, char::len_utf8);
    }
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<IgnoredAny>();
    values.next();
    values.byte_offset().max(1)
}

/// The names of values that are shown.
const USER_NAMES: [&str; 5] = [
    "username",
    "user",
    "user_name",
    "admin_user",
    "admin_username",
];
/// The headers that are shown, in lower case.
const SHOWN_HEADERS: [&str; 16] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A mask, and a text with `«word»` for the fingerprint of each word.
    fn check(expected: &str, masked: impl Fn(&Mask) -> String) {
        let fingerprints = Fingerprints::new([7; 16]);
        let mask = Mask::new(
            fingerprints.clone(),
            ["username", "password", "new_password"].map(str::to_owned),
        );
        let mut filled = String::new();
        for (index, part) in expected.split(['«', '»']).enumerate() {
            if index % 2 == 1 {
                filled.push_str(&format!("«{}»", fingerprints.of(part)))
            } else {
                filled.push_str(part)
            }
        }
        assert_eq!(masked(&mask), filled);
    }

    #[rstest]
    #[case::usual(
        r#"{"username": "test", "password":"Old1234!"}"#,
        r#"{"username": "test", "password":"«Old1234!»"}"#
    )]
    #[case::misspelt(
        r#"{"Admin_User": "a", "pasword": "b"}"#,
        r#"{"Admin_User": "a", "pasword": "«b»"}"#
    )]
    #[case::no_name_of_a_user(
        r#"{"user_pwd": "a", "userSecret": "b", "user_name": "c"}"#,
        r#"{"user_pwd": "«a»", "userSecret": "«b»", "user_name": "c"}"#
    )]
    #[case::twice(
        r#"{"password": "b", "password": "b"}"#,
        r#"{"password": "«b»", "password": "«b»"}"#
    )]
    #[case::escapes_are_resolved(r#"{"password": "\u0062\"\\"}"#, r#"{"password": "«b"\»"}"#)]
    #[case::nested(
        r#"{"username": ["a", {"x": "b"}], "n": [-1.5e3, "b", true, null]}"#,
        r#"{"username": ["«a»", {"x": "«b»"}], "n": ["«-1.5e3»", "«b»", true, null]}"#
    )]
    #[case::behind_an_object(r#"[{"username": "a"}, "b"]"#, r#"[{"username": "a"}, "«b»"]"#)]
    #[case::empty(r#"{"password": ""}"#, r#"{"password": ""}"#)]
    #[case::a_number(
        r#"{"password": 1234, "username": 7}"#,
        r#"{"password": "«1234»", "username": 7}"#
    )]
    #[case::a_list(r#"["password", "Old1234!"]"#, r#"["«password»", "«Old1234!»"]"#)]
    #[case::no_json(
        r#"{"username": "test", "password": "Old\!", pasword: x"#,
        r#"{"username": "«test»", "password": "«Old\!»", «pasword»: «x»"#
    )]
    #[case::a_form(
        "username=test&new_password=Old1234!",
        "username=«test»&new_password=«Old1234!»"
    )]
    #[case::a_word("Old1234!", "«Old1234!»")]
    #[case::nothing("", "")]
    fn a_body_shows_names_and_user_names(#[case] body: &str, #[case] expected: &str) {
        check(expected, |mask| mask.body(body.as_bytes()));
    }

    #[test]
    fn a_body_that_is_not_utf_8_is_summed_up() {
        let mask = Mask::new(Fingerprints::new([7; 16]), []);
        assert_eq!(mask.body(b"Old\xff1234!"), "«9 bytes that are not UTF-8»");
    }

    #[rstest]
    #[case(
        "username=test&password=Old%201&x",
        "username=test&password=«Old%201»&«x»"
    )]
    #[case("user_pwd=Old", "user_pwd=«Old»")]
    #[case("Old1234!", "«Old1234!»")]
    #[case("password&&password=", "password&&password=")]
    #[case("", "")]
    fn a_query_shows_names_and_user_names(#[case] query: &str, #[case] expected: &str) {
        check(expected, |mask| mask.query(query));
    }

    #[rstest]
    #[case("authorization", "Bearer x", "«Bearer x»")]
    #[case("X-Api-Key", "x", "«x»")]
    #[case("Cookie", "x", "«x»")]
    #[case("x-user-pw", "x", "«x»")]
    #[case("x-trace", "x", "«x»")]
    #[case("content-type", "text/plain", "text/plain")]
    fn a_header_is_masked_unless_it_has_no_secret(
        #[case] name: &str,
        #[case] value: &str,
        #[case] expected: &str,
    ) {
        check(expected, |mask| mask.header(name, value));
    }
}

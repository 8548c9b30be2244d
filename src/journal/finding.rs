//! What is wrong with a client, told from one request of it, and what the documents say about that.

use http::Uri;

use crate::{
    appliance::Reason,
    contract::{Condition, closed_set},
};

closed_set! {
    /// A fault of the client. An appliance may accept the request all the same.
    #[non_exhaustive]
    Finding, "finding" {
        /// `admin_user` stands where the table has `admin_username`.
        AdminUser = "admin_user",
        /// The URL holds a query: names and passwords there end in every log on the way.
        CredentialsInUrl = "credentials_in_url",
        /// A field stands in the body twice.
        DuplicateField = "duplicate_field",
        /// There is no body.
        EmptyBody = "empty_body",
        /// A required field is an empty string.
        EmptyValue = "empty_value",
        /// JSON sent under curl's default content type.
        FormContentType = "form_content_type",
        /// A backslash stands before a character that JSON does not escape.
        InvalidEscape = "invalid_escape",
        /// The body is no JSON.
        MalformedBody = "malformed_body",
        /// A required field is absent.
        MissingField = "missing_field",
        /// The request names no content type.
        NoContentType = "no_content_type",
        /// The body is JSON, but no object.
        NotAnObject = "not_an_object",
        /// The body is not UTF-8.
        NotUtf8 = "not_utf8",
        /// A required field is null.
        NullValue = "null_value",
        /// The content type is one the operation does not read.
        OtherContentType = "other_content_type",
        /// The path is an operation's, the method is not.
        OtherMethod = "other_method",
        /// An `Authorization` header, where none is needed.
        Token = "token",
        /// The body is larger than an appliance reads.
        TooLarge = "too_large",
        /// The body holds a field that the operation does not have.
        UnknownField = "unknown_field",
        /// No operation has the path.
        UnknownPath = "unknown_path",
        /// What was sent breaks a rule of HTTP, or did not arrive in time.
        Unlawful = "unlawful",
        /// A field is a number, a list or another non-string.
        WrongType = "wrong_type",
    }
}

impl Finding {
    /// Returns what is wrong and what to do, with the lines of the documents where they say something about it.
    pub fn advice(self) -> &'static str {
        match self {
            Finding::AdminUser => {
                "the body names `admin_user`, as one command of the documents does (sensor:167, console:190); the tables have `admin_username` (sensor:121, console:172)"
            }
            Finding::CredentialsInUrl => {
                "the URL has a query: send name and password in the JSON body (sensor:197-201); the heading that speaks of query parameters (sensor:187) stands alone, and URLs end in logs"
            }
            Finding::DuplicateField => {
                "a field stands in the body twice: which of them counts differs between JSON readers"
            }
            Finding::EmptyBody => "there is no body: every operation takes a JSON object",
            Finding::EmptyValue => "a required field is an empty string",
            Finding::FormContentType => {
                "JSON was sent as application/x-www-form-urlencoded, which curl does unasked: add -H 'Content-Type: application/json'; only the console's validation command does without it (console:257, console:263)"
            }
            Finding::InvalidEscape => {
                "the body has a backslash before a character that JSON does not escape: write the character alone; the documents' examples have `\\!` from a shell (sensor:33, console:40)"
            }
            Finding::MalformedBody => "the body is no JSON",
            Finding::MissingField => {
                "a required field is missing (sensor:42-44, sensor:121-124, sensor:191-192; console:82-84, console:172-175, console:235-236)"
            }
            Finding::NoContentType => {
                "the request names no content type: add Content-Type: application/json"
            }
            Finding::NotAnObject => "the body is JSON, but no object",
            Finding::NotUtf8 => "the body is not UTF-8 (RFC 8259 section 8.1)",
            Finding::NullValue => "a required field is null",
            Finding::OtherContentType => "the content type is not application/json",
            Finding::OtherMethod => "the method is not POST (sensor:18, sensor:96, sensor:179)",
            Finding::Token => {
                "an Authorization header was sent: these operations need no token (sensor:177, console:197)"
            }
            Finding::TooLarge => "the body is larger than an appliance reads (64 KiB, assumed)",
            Finding::UnknownField => "the body holds a field that the operation does not have",
            Finding::UnknownPath => "no operation has this path",
            Finding::Unlawful => {
                "the request breaks a rule of HTTP, or did not arrive whole in time"
            }
            Finding::WrongType => "a field is no string",
        }
    }

    /// Returns the finding of the same name. A condition that is the appliance's state, such as
    /// a locked user, is not a finding.
    fn of(condition: Condition) -> Option<Finding> {
        match condition {
            Condition::BodyTooLarge => Some(Finding::TooLarge),
            Condition::UrlCredentials => Some(Finding::CredentialsInUrl),
            other => other.name().parse().ok(),
        }
    }
}

/// The findings of one request, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings(u32);

impl Findings {
    /// Returns the findings of a request that was evaluated. `has_token` says whether it has an
    /// `Authorization` header.
    pub fn of(uri: &Uri, has_token: bool, body: &[u8], reason: Option<Reason>) -> Findings {
        let mut findings = Findings::default();
        if let Some(Reason::In(condition)) = reason {
            findings.add(match condition {
                Condition::MalformedBody if has_invalid_escape(body) => {
                    Some(Finding::InvalidEscape)
                }
                Condition::MissingField if holds(body, b"\"admin_user\"") => {
                    Some(Finding::AdminUser)
                }
                _ => Finding::of(condition),
            });
        }
        if uri.query().is_some_and(|query| !query.is_empty()) {
            findings.add(Some(Finding::CredentialsInUrl));
        }
        if has_token {
            findings.add(Some(Finding::Token));
        }
        findings
    }

    /// Returns those of a request that the server refused by itself.
    pub fn unlawful() -> Findings {
        Findings(1 << Finding::Unlawful as u32)
    }

    /// Returns each.
    pub fn iter(self) -> impl Iterator<Item = Finding> {
        Finding::ALL
            .iter()
            .copied()
            .filter(move |finding| self.0 & 1 << *finding as u32 != 0)
    }

    fn add(&mut self, finding: Option<Finding>) {
        self.0 |= finding.map_or(0, |finding| 1 << finding as u32);
    }
}

/// Tells whether a backslash stands in a string before what JSON does not escape (RFC 8259 section 7).
fn has_invalid_escape(body: &[u8]) -> bool {
    let mut bytes = body.iter();
    while bytes.any(|byte| *byte == b'\\') {
        if !matches!(
            bytes.next(),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'u')
        ) {
            return true;
        }
    }
    false
}

fn holds(body: &[u8], wanted: &[u8]) -> bool {
    body.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(uri: &str, token: bool, body: &str, condition: Option<Condition>) -> Vec<Finding> {
        Findings::of(
            &uri.parse().unwrap(),
            token,
            body.as_bytes(),
            condition.map(Reason::In),
        )
        .iter()
        .collect()
    }

    #[rstest]
    #[case::nothing("/a", false, r#"{"a": "b\n"}"#, None, &[])]
    #[case::a_token("/a", true, "", None, &[Finding::Token])]
    #[case::a_query("/a?b=c", false, "", None, &[Finding::CredentialsInUrl])]
    #[case::an_empty_query("/a?", false, "", None, &[])]
    #[case::a_shell_escape("/a", false, r#"{"a": "b\!"}"#, Some(Condition::MalformedBody), &[Finding::InvalidEscape])]
    #[case::lawful_escapes("/a", false, r#"{"a": "\"
"#, Some(Condition::MalformedBody), &[Finding::MalformedBody])]
    #[case::a_backslash_at_the_end("/a", false, r"\", Some(Condition::MalformedBody), &[Finding::InvalidEscape])]
    #[case::admin_user("/a", false, r#"{"admin_user": "a"}"#, Some(Condition::MissingField), &[Finding::AdminUser])]
    #[case::a_state("/a", false, "", Some(Condition::LockedUser), &[])]
    fn a_request_tells_what_is_wrong_with_its_client(
        #[case] uri: &str,
        #[case] token: bool,
        #[case] body: &str,
        #[case] condition: Option<Condition>,
        #[case] expected: &[Finding],
    ) {
        assert_eq!(found(uri, token, body, condition), expected);
    }

    #[test]
    fn every_finding_has_a_name_and_a_bit_of_its_own() {
        for (index, finding) in Finding::ALL.iter().copied().enumerate() {
            assert_eq!(finding as usize, index);
            assert!(
                Finding::ALL
                    .iter()
                    .filter(|other| other.name() == finding.name())
                    .count()
                    == 1
                    && !finding.advice().is_empty()
            );
        }
    }
}

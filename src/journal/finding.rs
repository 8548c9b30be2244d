//! What is wrong with a client, told from one request of it, and what the documents say about that.

use std::fmt;

use http::Uri;

use crate::{appliance::Reason, contract::Circumstance};

/// A fault of the client's. An appliance may forgive it: it is a finding all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// `admin_user` stands where the table has `admin_username`.
    AdminUser,
    /// The URL holds a query: names and passwords there end in every log on the way.
    CredentialsInUrl,
    /// A field stands in the body twice.
    DuplicateField,
    /// There is no body.
    EmptyBody,
    /// A required field is an empty string.
    EmptyValue,
    /// JSON sent under curl's default content type.
    FormContentType,
    /// A backslash stands before a character that JSON does not escape.
    InvalidEscape,
    /// The body is no JSON.
    MalformedBody,
    /// A required field is absent.
    MissingField,
    /// The request names no content type.
    NoContentType,
    /// The body is JSON, but no object.
    NotAnObject,
    /// The body is not UTF-8.
    NotUtf8,
    /// A required field is null.
    NullValue,
    /// The content type is one the operation does not read.
    OtherContentType,
    /// The path is an operation's, the method is not.
    OtherMethod,
    /// An `Authorization` header, where none is needed.
    Token,
    /// The body is larger than an appliance reads.
    TooLarge,
    /// The body holds a field that the operation does not have.
    UnknownField,
    /// No operation has the path.
    UnknownPath,
    /// What was sent breaks a rule of HTTP, or did not arrive in time.
    Unlawful,
    /// A field is a number, a list or another non-string.
    WrongType,
}

impl Finding {
    /// Every one.
    pub const ALL: [Finding; 21] = [
        Finding::AdminUser,
        Finding::CredentialsInUrl,
        Finding::DuplicateField,
        Finding::EmptyBody,
        Finding::EmptyValue,
        Finding::FormContentType,
        Finding::InvalidEscape,
        Finding::MalformedBody,
        Finding::MissingField,
        Finding::NoContentType,
        Finding::NotAnObject,
        Finding::NotUtf8,
        Finding::NullValue,
        Finding::OtherContentType,
        Finding::OtherMethod,
        Finding::Token,
        Finding::TooLarge,
        Finding::UnknownField,
        Finding::UnknownPath,
        Finding::Unlawful,
        Finding::WrongType,
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Finding::AdminUser => "admin_user",
            Finding::CredentialsInUrl => "credentials_in_url",
            Finding::DuplicateField => "duplicate_field",
            Finding::EmptyBody => "empty_body",
            Finding::EmptyValue => "empty_value",
            Finding::FormContentType => "form_content_type",
            Finding::InvalidEscape => "invalid_escape",
            Finding::MalformedBody => "malformed_body",
            Finding::MissingField => "missing_field",
            Finding::NoContentType => "no_content_type",
            Finding::NotAnObject => "not_an_object",
            Finding::NotUtf8 => "not_utf8",
            Finding::NullValue => "null_value",
            Finding::OtherContentType => "other_content_type",
            Finding::OtherMethod => "other_method",
            Finding::Token => "token",
            Finding::TooLarge => "too_large",
            Finding::UnknownField => "unknown_field",
            Finding::UnknownPath => "unknown_path",
            Finding::Unlawful => "unlawful",
            Finding::WrongType => "wrong_type",
        }
    }

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

    fn of(circumstance: Circumstance) -> Option<Finding> {
        match circumstance {
            Circumstance::BodyTooLarge => Some(Finding::TooLarge),
            Circumstance::DuplicateField => Some(Finding::DuplicateField),
            Circumstance::EmptyBody => Some(Finding::EmptyBody),
            Circumstance::EmptyValue => Some(Finding::EmptyValue),
            Circumstance::FormContentType => Some(Finding::FormContentType),
            Circumstance::MalformedBody => Some(Finding::MalformedBody),
            Circumstance::MissingField => Some(Finding::MissingField),
            Circumstance::NoContentType => Some(Finding::NoContentType),
            Circumstance::NotAnObject => Some(Finding::NotAnObject),
            Circumstance::NotUtf8 => Some(Finding::NotUtf8),
            Circumstance::NullValue => Some(Finding::NullValue),
            Circumstance::OtherContentType => Some(Finding::OtherContentType),
            Circumstance::OtherMethod => Some(Finding::OtherMethod),
            Circumstance::UnknownField => Some(Finding::UnknownField),
            Circumstance::UnknownPath => Some(Finding::UnknownPath),
            Circumstance::UrlCredentials => Some(Finding::CredentialsInUrl),
            Circumstance::WrongType => Some(Finding::WrongType),
            // These are the appliance's state, and nobody's fault.
            Circumstance::AdminTarget
            | Circumstance::DirectoryUser
            | Circumstance::DisabledUser
            | Circumstance::LockedSource
            | Circumstance::LockedUser
            | Circumstance::MustChangeUser
            | Circumstance::SamePassword => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// The findings of one request, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings(u32);

impl Findings {
    /// Returns what is wrong with a request that was judged; `has_token` where it has an `Authorization` header. Costs next to nothing
    /// where nothing is wrong.
    pub fn of(uri: &Uri, has_token: bool, body: &[u8], reason: Option<Reason>) -> Findings {
        let mut findings = Findings::default();
        if let Some(Reason::In(circumstance)) = reason {
            findings.add(match circumstance {
                Circumstance::MalformedBody if has_invalid_escape(body) => {
                    Some(Finding::InvalidEscape)
                }
                Circumstance::MissingField if holds(body, b"\"admin_user\"") => {
                    Some(Finding::AdminUser)
                }
                _ => Finding::of(circumstance),
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
        // Nearly always none: then nothing is gone through.
        let all: &[Finding] = if self.0 == 0 { &[] } else { &Finding::ALL };
        all.iter()
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

    fn found(
        uri: &str,
        token: bool,
        body: &str,
        circumstance: Option<Circumstance>,
    ) -> Vec<Finding> {
        Findings::of(
            &uri.parse().unwrap(),
            token,
            body.as_bytes(),
            circumstance.map(Reason::In),
        )
        .iter()
        .collect()
    }

    #[rstest]
    #[case::nothing("/a", false, r#"{"a": "b\n"}"#, None, &[])]
    #[case::a_token("/a", true, "", None, &[Finding::Token])]
    #[case::a_query("/a?b=c", false, "", None, &[Finding::CredentialsInUrl])]
    #[case::an_empty_query("/a?", false, "", None, &[])]
    #[case::a_shell_escape("/a", false, r#"{"a": "b\!"}"#, Some(Circumstance::MalformedBody), &[Finding::InvalidEscape])]
    #[case::lawful_escapes("/a", false, r#"{"a": "\"
"#, Some(Circumstance::MalformedBody), &[Finding::MalformedBody])]
    #[case::a_backslash_at_the_end("/a", false, r"\", Some(Circumstance::MalformedBody), &[Finding::InvalidEscape])]
    #[case::admin_user("/a", false, r#"{"admin_user": "a"}"#, Some(Circumstance::MissingField), &[Finding::AdminUser])]
    #[case::a_state("/a", false, "", Some(Circumstance::LockedUser), &[])]
    fn a_request_tells_what_is_wrong_with_its_client(
        #[case] uri: &str,
        #[case] token: bool,
        #[case] body: &str,
        #[case] circumstance: Option<Circumstance>,
        #[case] expected: &[Finding],
    ) {
        assert_eq!(found(uri, token, body, circumstance), expected);
    }

    #[test]
    fn every_finding_has_a_name_and_a_bit_of_its_own() {
        for (index, finding) in Finding::ALL.into_iter().enumerate() {
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

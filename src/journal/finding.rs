//! What is wrong with a client, told from one request of it, and what the documents say about that.

use std::{collections::BTreeMap, sync::LazyLock};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};

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
        /// The body begins with a byte order mark.
        ByteOrderMark = "byte_order_mark",
        /// The body is compressed.
        CompressedBody = "compressed_body",
        /// The URL holds a query: names and passwords there end in every log on the way.
        CredentialsInUrl = "credentials_in_url",
        /// A field stands in the body twice.
        DuplicateField = "duplicate_field",
        /// There is no body.
        EmptyBody = "empty_body",
        /// A required field is an empty string.
        EmptyValue = "empty_value",
        /// The body is a form, and not JSON.
        FormBody = "form_body",
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
        /// The request names two content types or more.
        SeveralContentTypes = "several_content_types",
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
        static ADVICE: LazyLock<BTreeMap<Finding, String>> = LazyLock::new(|| {
            serde_saphyr::from_str(include_str!("findings.yaml")).expect("advice on each finding")
        });
        &ADVICE[&self]
    }

    /// Returns what is wrong with a request, which was rejected in a condition or evaluated.
    pub fn all_in(request: &Request<Bytes>, rejection: Option<Condition>) -> Vec<Finding> {
        let (body, headers) = (request.body(), request.headers());
        let has_several_types = headers.get_all(CONTENT_TYPE).iter().nth(1).is_some();
        // The headers first: what follows from them is no fault of the body's.
        let rejected = match rejection {
            Some(_) if is_compressed(headers) && !body.is_empty() => Some(Finding::CompressedBody),
            Some(_) if has_several_types => None,
            Some(Condition::FormContentType) if !body.trim_ascii_start().starts_with(b"{") => {
                Some(Finding::FormBody)
            }
            Some(Condition::MalformedBody) if body.starts_with(BYTE_ORDER_MARK) => {
                Some(Finding::ByteOrderMark)
            }
            Some(Condition::MalformedBody) if has_invalid_escape(body) => {
                Some(Finding::InvalidEscape)
            }
            Some(Condition::MissingField) if holds(body, b"\"admin_user\"") => {
                Some(Finding::AdminUser)
            }
            condition => condition.and_then(Finding::of),
        };
        let has_query = request.uri().query().is_some_and(|query| !query.is_empty());
        let has_token = headers.contains_key(AUTHORIZATION);
        let all = [
            rejected,
            has_query.then_some(Finding::CredentialsInUrl),
            has_token.then_some(Finding::Token),
            has_several_types.then_some(Finding::SeveralContentTypes),
        ];
        let mut all: Vec<Finding> = all.into_iter().flatten().collect();
        all.sort();
        all.dedup();
        all
    }

    /// Says what is wrong with a request that was rejected for a reason, and what to do.
    pub fn advice_on(findings: &[Finding], reason: Reason) -> String {
        let own = |finding: &&Finding| match reason {
            Reason::OfField(..) => **finding == Finding::AdminUser,
            Reason::In(Condition::UrlCredentials) => **finding == Finding::CredentialsInUrl,
            _ => !matches!(finding, Finding::Token | Finding::CredentialsInUrl),
        };
        let advice = findings.iter().find(own).map(|finding| finding.advice());
        advice.map_or_else(|| reason.to_string(), str::to_owned)
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

fn is_compressed(headers: &HeaderMap) -> bool {
    let encoding = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
    encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
}

/// Returns whether a backslash stands in a string before what JSON does not escape (RFC 8259 section 7).
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

/// What some editors and Windows programs write before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(uri: &str, token: bool, body: &str, condition: Option<Condition>) -> Vec<Finding> {
        let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
        *request.uri_mut() = uri.parse().unwrap();
        if token {
            let value = http::HeaderValue::from_static("x");
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Finding::all_in(&request, condition)
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
    fn every_finding_has_a_name_of_its_own() {
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

    #[test]
    fn the_documented_findings_are_up_to_date() {
        let row = |finding: &Finding| format!("| `{finding}` | {} |\n", finding.advice());
        let rows: String = Finding::ALL.iter().map(row).collect();
        let table = format!("| finding | what is wrong |\n| --- | --- |\n{rows}");
        crate::contract::bless::check_block("docs/answers.md", "findings", &table);
    }
}

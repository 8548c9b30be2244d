//! A cURL command of the documents, read as a shell and curl would read it.

use super::placeholder::StepError;

/// What a quote of the documents gives of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct QuotedRequest {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    /// The headers, without the content type.
    pub(super) headers: Vec<(String, String)>,
    pub(super) content_type: Option<String>,
    pub(super) body: Option<String>,
}

impl QuotedRequest {
    /// Reads a command.
    ///
    /// # Errors
    /// A command that no shell takes, or an option the documents' commands do not use.
    pub(super) fn command(text: &str) -> Result<QuotedRequest, StepError> {
        let words =
            shlex::split(text).ok_or("no shell takes this command: a quote is left open")?;
        let mut words = words.into_iter();
        if words.next().as_deref() != Some("curl") {
            return Err("not a curl command".into());
        }
        let mut quoted = QuotedRequest::default();
        while let Some(word) = words.next() {
            let missing = || StepError(format!("`{word}` needs a value"));
            let mut value = || words.next().ok_or_else(missing);
            match word.as_str() {
                "-k" => {}
                "-X" => quoted.method = Some(value()?),
                "-d" => quoted.body = Some(value()?),
                "-H" => {
                    let header = value()?;
                    let (name, value) = header.split_once(':').ok_or("a header needs a colon")?;
                    let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
                    if name.eq_ignore_ascii_case("content-type") {
                        quoted.content_type = Some(value);
                    } else {
                        quoted.headers.push((name, value));
                    }
                }
                option if option.starts_with('-') => {
                    let text =
                        format!("unexpected option `{option}`, expected one of -k, -X, -d, -H");
                    return Err(StepError(text));
                }
                url => {
                    let (_, rest) = url.split_once("://").unwrap_or_default();
                    let path = rest.find('/').ok_or("a URL without a path")?;
                    quoted.path = Some(rest[path..].to_owned());
                }
            }
        }
        if quoted.path.is_none() {
            return Err("no URL".into());
        }
        let method = if quoted.body.is_some() { "POST" } else { "GET" };
        quoted.method.get_or_insert_with(|| method.to_owned());
        // Curl sends this with `-d`.
        let form = || "application/x-www-form-urlencoded".to_owned();
        quoted.content_type.get_or_insert_with(form);
        quoted.body.get_or_insert_default();
        Ok(quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_without_a_content_type_goes_as_a_form_by_post() {
        let command = r#"curl -k -d '{"a":"b c"}' 'https://127.0.0.1/x/y'"#;
        let expected = QuotedRequest {
            method: Some("POST".to_owned()),
            path: Some("/x/y".to_owned()),
            headers: Vec::new(),
            content_type: Some("application/x-www-form-urlencoded".to_owned()),
            body: Some(r#"{"a":"b c"}"#.to_owned()),
        };
        assert_eq!(QuotedRequest::command(command), Ok(expected));
    }

    #[test]
    fn a_quote_left_open_is_refused() {
        let error = QuotedRequest::command("curl -k 'https://127.0.0.1/x").unwrap_err();
        assert!(error.0.contains("left open"));
    }
}

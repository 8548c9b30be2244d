//! A cURL command of the documents, read as a shell and curl would read it.

/// What a command sends.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The method: `-X`, else POST where there is data, else GET.
    pub method: String,
    /// The path of its URL.
    pub path: String,
    /// Its headers, without the content type.
    pub headers: Vec<(String, String)>,
    /// The content type it names, else the form's, which is what curl sends with `-d`.
    pub content_type: String,
    /// Its data.
    pub data: String,
}

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// A command that no shell takes, or an option the documents' commands do not use.
    pub(super) fn read(text: &str) -> Result<Command, String> {
        let words =
            shlex::split(text).ok_or("no shell takes this command: a quote is left open")?;
        let mut words = words.into_iter();
        if words.next().as_deref() != Some("curl") {
            return Err("not a curl command".into());
        }
        let (mut method, mut headers, mut data, mut url) = (None, Vec::new(), None, None);
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("`{word}` needs a value"))
            };
            match word.as_str() {
                "-k" => {}
                "-X" => method = Some(value()?),
                "-d" => data = Some(value()?),
                "-H" => headers.push(
                    value()?
                        .split_once(':')
                        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                        .ok_or("a header needs a colon")?,
                ),
                option if option.starts_with('-') => {
                    return Err(format!(
                        "unexpected option `{option}`, expected one of -k, -X, -d, -H"
                    ));
                }
                address => url = Some(address.to_owned()),
            }
        }
        let url = url.ok_or("no URL")?;
        let path = url
            .split_once("://")
            .and_then(|(_, rest)| rest.find('/').map(|start| rest[start..].to_owned()))
            .ok_or("a URL without a path")?;
        let named = headers
            .iter()
            .position(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map(|index| headers.remove(index).1);
        Ok(Command {
            method: method.unwrap_or_else(|| {
                if data.is_some() {
                    "POST".into()
                } else {
                    "GET".into()
                }
            }),
            path,
            headers,
            content_type: named.unwrap_or_else(|| "application/x-www-form-urlencoded".into()),
            data: data.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_without_a_content_type_goes_as_a_form_by_post() {
        let command = Command::read(r#"curl -k -d '{"a":"b c"}' 'https://127.0.0.1/x/y'"#).unwrap();
        let expected = (
            "POST",
            "/x/y",
            "application/x-www-form-urlencoded",
            r#"{"a":"b c"}"#,
        );
        assert_eq!(
            (
                command.method.as_str(),
                command.path.as_str(),
                command.content_type.as_str(),
                command.data.as_str()
            ),
            expected
        );
    }

    #[test]
    fn a_quote_left_open_is_refused() {
        assert!(
            Command::read("curl -k 'https://127.0.0.1/x")
                .unwrap_err()
                .contains("left open")
        );
    }
}

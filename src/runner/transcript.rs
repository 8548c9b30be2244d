//! What a run shows of an exchange: for the snapshot, and as a command a person can repeat. Values of accounts are placeholders.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};

use crate::{runner::Accounts, snapshot};

/// Returns an exchange as a snapshot shows it; `shown` is the request filled with its own placeholders.
pub(super) fn exchange(
    shown: &Request<Bytes>,
    answer: &Result<Response<Bytes>, String>,
    accounts: &Accounts,
) -> snapshot::Exchange {
    let body = Some(shown.body().to_vec()).filter(|body| !body.is_empty());
    let request = snapshot::Request {
        method: shown.method().as_str().to_owned(),
        path: path(shown),
        headers: sent(shown.headers()),
        body,
    };
    let answer = match answer {
        Ok(answer) => snapshot::Answer::Received {
            status: answer.status().as_u16(),
            headers: received(answer.headers(), accounts),
            body: accounts.redact_bytes(answer.body()),
        },
        Err(trouble) => snapshot::Answer::Failed(accounts.redact(trouble)),
    };
    snapshot::Exchange { request, answer }
}

/// Returns a request as a cURL command, values of accounts as shell variables: `$USER_PASSWORD`.
pub(super) fn curl(shown: &Request<Bytes>, address: &str) -> String {
    let mut words = vec![format!(
        "curl -sS -X {} {}",
        shown.method(),
        address_of(address, &path(shown))
    )];
    words.extend(
        sent(shown.headers())
            .into_iter()
            .map(|(name, value)| format!("-H {}", quoted(&format!("{name}: {value}")))),
    );
    match std::str::from_utf8(shown.body()) {
        Ok("") => {}
        Ok(body) if body.len() <= LONGEST && !body.contains('\0') => {
            words.push(format!("--data-binary {}", quoted(body)))
        }
        _ => words.push(format!(
            "--data-binary @body.bin  # {} bytes",
            shown.body().len()
        )),
    }
    words.join(" ")
}

/// Headers a case sends on purpose; those that every client adds say nothing.
fn sent(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                shortened(&String::from_utf8_lossy(value.as_bytes())),
            )
        })
        .collect()
}

/// Headers of an answer that matter, the value only where it is stable.
fn received(headers: &HeaderMap, accounts: &Accounts) -> Vec<(String, Option<String>)> {
    let matters = [
        header::CONTENT_TYPE,
        header::ALLOW,
        header::LOCATION,
        header::WWW_AUTHENTICATE,
        header::CONTENT_ENCODING,
    ];
    let stable = |value: &http::HeaderValue| {
        shortened(&accounts.redact(&String::from_utf8_lossy(value.as_bytes())))
    };
    let mut kept: Vec<(String, Option<String>)> = Vec::new();
    for name in matters {
        kept.extend(
            headers
                .get_all(&name)
                .iter()
                .map(|value| (name.as_str().to_owned(), Some(stable(value)))),
        );
    }
    kept.extend(
        [header::RETRY_AFTER, header::SET_COOKIE]
            .iter()
            .filter(|name| headers.contains_key(*name))
            .map(|name| (name.as_str().to_owned(), None)),
    );
    kept
}

fn path(request: &Request<Bytes>) -> String {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    // A query shows its placeholders percent-encoded; a reader wants them plain.
    path.replace("%C2%AB", "«").replace("%C2%BB", "»")
}

fn shortened(value: &str) -> String {
    if value.len() <= LONGEST {
        value.to_owned()
    } else {
        format!(
            "{}… ({} bytes)",
            value.chars().take(20).collect::<String>(),
            value.len()
        )
    }
}

/// An address that is a variable stands outside the single quotes.
fn address_of(address: &str, path: &str) -> String {
    if address.starts_with('$') {
        format!("\"{address}\"{}", quoted(path))
    } else {
        quoted(&format!("{address}{path}"))
    }
}

/// Quotes for a shell; a placeholder becomes a variable outside the single quotes.
fn quoted(text: &str) -> String {
    let mut quoted = format!("'{}'", text.replace('\'', r"'\''"));
    while let (Some(start), Some(end)) = (quoted.find('«'), quoted.find('»')) {
        let name = quoted[start + '«'.len_utf8()..end.max(start + 2)]
            .to_uppercase()
            .replace('.', "_");
        quoted.replace_range(start..end + '»'.len_utf8(), &format!("'\"${name}\"'"));
    }
    quoted
}

const LONGEST: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_and_shows_no_value() {
        let request = Request::post("/x?a=1")
            .header("content-type", "application/json")
            .body(Bytes::from("{\"a\": \"«user.password»\", \"b\": \"it's\"}"))
            .unwrap();
        let expected = r#"curl -sS -X POST "$TARGET"'/x?a=1' -H 'content-type: application/json' --data-binary '{"a": "'"$USER_PASSWORD"'", "b": "it'\''s"}'"#;
        assert_eq!(curl(&request, "$TARGET"), expected);
    }
}

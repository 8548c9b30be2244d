//! A snapshot's body read back: what was sent, as it is shown there, and what came. Only where it is as `render` writes it.

use super::{ShownAnswer, render::separator};

/// One exchange, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotSection {
    /// The request as it is shown: head, headers and body.
    pub request: String,
    /// What came back; none where a body was too long to be kept whole.
    pub answer: Option<ShownAnswer>,
}

/// Reads a snapshot's body back; none where it is not one of ours.
pub fn reread(mut body: &str) -> Option<Vec<SnapshotSection>> {
    let mut exchanges = Vec::new();
    while let Some((section, rest)) = body.split_once(&separator(exchanges.len() + 2)) {
        exchanges.push(exchange(section)?);
        body = rest;
    }
    exchanges.push(exchange(body)?);
    Some(exchanges)
}

fn exchange(section: &str) -> Option<SnapshotSection> {
    // No line of a head or a body is empty: an escaped string is one line, and pretty JSON has none.
    let parts: Vec<&str> = section.split("\n\n").collect();
    let [head, sent, received @ ..] = parts.as_slice() else {
        return None;
    };
    let answer = match received {
        [failed] => Some(ShownAnswer::Failed(
            failed.strip_prefix("failed: ")?.to_owned(),
        )),
        [head, body] => {
            let mut lines = head.lines();
            let status = lines.next()?.parse().ok()?;
            let headers = lines.map(header).collect::<Option<_>>()?;
            let body = unescaped(body.lines().next()?);
            body.map(|body| ShownAnswer::Received {
                status,
                headers,
                body,
            })
        }
        _ => return None,
    };
    let request = format!("{head}\n\n{sent}");
    Some(SnapshotSection { request, answer })
}

fn header(line: &str) -> Option<(String, Option<String>)> {
    let (name, value) = line.split_once(": ")?;
    let value = if value.starts_with('"') {
        String::from_utf8(unescaped(value)?).ok()?
    } else {
        value.to_owned()
    };
    Some((name.to_owned(), (value != "…").then_some(value)))
}

/// Returns the bytes of an escaped string; none where it is not a whole one.
fn unescaped(line: &str) -> Option<Vec<u8>> {
    let mut characters = line.strip_prefix('"')?.strip_suffix('"')?.chars();
    let (mut bytes, mut json) = (Vec::new(), String::from('"'));
    loop {
        match characters.next() {
            // A long body has its end between further quotes.
            Some('"') => return None,
            Some('\\') => match characters.next()? {
                'x' => {
                    // A byte that is not UTF-8.
                    bytes.extend(string(&mut json)?);
                    let digits: String = characters.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).ok()?);
                }
                escaped => json.extend(['\\', escaped]),
            },
            Some(plain) => json.push(plain),
            None => {
                bytes.extend(string(&mut json)?);
                return Some(bytes);
            }
        }
    }
}

/// Takes the JSON string that was read so far, and starts another.
fn string(json: &mut String) -> Option<Vec<u8>> {
    let whole = std::mem::replace(json, String::from('"')) + "\"";
    serde_json::from_str(&whole).ok().map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::snapshot::{Exchange, Request, render};

    #[rstest]
    #[case::json(b"{\"msg\": \"a\\n\\nb\"}\r\n")]
    #[case::no_text(b"\x00\xff\"\\x41 \xc3\x28")]
    #[case::empty(b"")]
    #[case::a_section_s_head("\n\n──── 2\n\n200".as_bytes())]
    fn what_was_rendered_reads_back(#[case] body: &[u8]) {
        let request = Request {
            method: "POST".into(),
            path: "/x".into(),
            headers: Vec::new(),
            body: Some(body.to_vec()),
        };
        let headers = vec![
            ("content-type".to_owned(), Some(" x".to_owned())),
            ("date".to_owned(), None),
        ];
        let answers = [
            ShownAnswer::Received {
                status: 200,
                headers,
                body: body.to_vec(),
            },
            ShownAnswer::Failed("reset".into()),
        ];
        let exchanges: Vec<Exchange> = answers
            .iter()
            .map(|answer| Exchange {
                request: request.clone(),
                answer: answer.clone(),
            })
            .collect();
        let read = reread(&render(&exchanges)).unwrap();
        assert_eq!(
            read.iter()
                .map(|one| one.answer.clone().unwrap())
                .collect::<Vec<_>>(),
            answers
        );
        assert_eq!(read[0].request, read[1].request);
    }

    #[rstest]
    #[case::nothing("")]
    #[case::prose("Hello\n\nWorld\n\nand more")]
    #[case::conflict("<<<<<<< HEAD")]
    fn what_is_none_of_ours_is_not_read(#[case] text: &str) {
        assert_eq!(reread(text), None);
    }

    #[test]
    fn a_long_body_is_not_whole() {
        let request = Request {
            method: "GET".into(),
            path: "/".into(),
            headers: Vec::new(),
            body: None,
        };
        let answer = ShownAnswer::Received {
            status: 200,
            headers: Vec::new(),
            body: vec![b'x'; 5000],
        };
        assert_eq!(
            reread(&render(&[Exchange { request, answer }])).unwrap()[0].answer,
            None
        );
    }
}

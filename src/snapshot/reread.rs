//! A snapshot's body read back: what was sent, as it stands there, and what came. Only where it is as `render` writes it.

use super::Answer;

/// One exchange, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    /// The request as it stands there: head, headers and body.
    pub request: String,
    /// What came back; none where a body was too long to be kept whole.
    pub answer: Option<Answer>,
}

/// Reads a snapshot's body back; none where it is none of ours.
pub fn reread(body: &str) -> Option<Vec<Reread>> {
    let mut sections = Vec::new();
    let mut rest = body;
    loop {
        let next = format!("\n\n──── {}\n", sections.len() + 2);
        let (section, further) = rest
            .split_once(&next)
            .map_or((rest, None), |(section, further)| (section, Some(further)));
        sections.push(one(section)?);
        match further {
            Some(further) => rest = further,
            None => return Some(sections),
        }
    }
}

fn one(section: &str) -> Option<Reread> {
    // No line of a head or a body is empty: an escaped string is one line, and pretty JSON has none.
    let parts: Vec<&str> = section.split("\n\n").collect();
    let [head, sent, came @ ..] = parts.as_slice() else {
        return None;
    };
    let request = format!("{head}\n\n{sent}");
    match came {
        [failed] => Some(Reread {
            request,
            answer: Some(Answer::Failed(failed.strip_prefix("failed: ")?.to_owned())),
        }),
        [head, body] => {
            let mut lines = head.lines();
            let status = lines.next()?.parse().ok()?;
            let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
            let line = body.lines().next()?;
            Some(Reread {
                request,
                answer: unescaped(line).map(|body| Answer::Received {
                    status,
                    headers,
                    body,
                }),
            })
        }
        _ => None,
    }
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

/// The bytes that a string stands for; none where it is no whole one.
fn unescaped(line: &str) -> Option<Vec<u8>> {
    let inner = line.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::new();
    let mut plain = String::new();
    let flush = |plain: &mut String, bytes: &mut Vec<u8>| -> Option<()> {
        let text: String = serde_json::from_str(&format!("\"{plain}\"")).ok()?;
        bytes.extend_from_slice(text.as_bytes());
        plain.clear();
        Some(())
    };
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next()? {
                // A byte that is no UTF-8.
                'x' => {
                    flush(&mut plain, &mut bytes)?;
                    let digits: String = characters.by_ref().take(2).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).ok()?);
                }
                other => plain.extend(['\\', other]),
            },
            // A long body has its end between further quotes.
            ('"', _) => return None,
            (other, _) => plain.push(other),
        }
    }
    flush(&mut plain, &mut bytes)?;
    Some(bytes)
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
            Answer::Received {
                status: 200,
                headers,
                body: body.to_vec(),
            },
            Answer::Failed("reset".into()),
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
        let answer = Answer::Received {
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

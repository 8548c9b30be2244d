//! Answers with odd heads or bodies, and answers cut short.

use super::{BROKEN, Row, Said};
use crate::hostile_target::server::Answer;

pub(super) fn odd_heads() -> Vec<Row> {
    let row = |name, text: &str, said| Row {
        name,
        answer: Answer::Bytes(text.as_bytes().to_vec()),
        said,
    };
    vec![
        row(
            "HTTP/0.9",
            "{\"msg\":\"Authentication succeeded.\"}",
            BROKEN,
        ),
        row("HTTP/2", "\0\0\u{12}\u{4}\0\0\0\0\0", BROKEN),
        row("SSH", "SSH-2.0-OpenSSH_9.2\r\n", BROKEN),
        row("a TLS alert", "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{28}", BROKEN),
        row(
            "status 000",
            "HTTP/1.1 000 x\r\ncontent-length: 2\r\n\r\n{}",
            Said::Either,
        ),
        row(
            "status 999",
            "HTTP/1.1 999 x\r\ncontent-length: 2\r\n\r\n{}",
            Said::Status(999),
        ),
        row(
            "status 99999",
            "HTTP/1.1 99999 x\r\ncontent-length: 2\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "status -1",
            "HTTP/1.1 -1 x\r\ncontent-length: 2\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "no status",
            "HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "switching protocols",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n{}",
            Said::Either,
        ),
        row(
            "no content, with content",
            "HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n{}",
            Said::Status(204),
        ),
        row(
            "not modified",
            "HTTP/1.1 304 Not Modified\r\n\r\n",
            Said::Status(304),
        ),
        row(
            "a redirect to itself",
            "HTTP/1.1 307 x\r\nlocation: /api/external/authentication/validation\r\ncontent-length: 0\r\n\r\n",
            Said::Status(307),
        ),
        row(
            "a redirect elsewhere",
            "HTTP/1.1 302 x\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n",
            Said::Status(302),
        ),
        row(
            "200 header lines",
            &format!(
                "HTTP/1.1 200 OK\r\n{}content-length: 2\r\n\r\n{{}}",
                "x: y\r\n".repeat(200)
            ),
            BROKEN,
        ),
        row(
            "a value of 300,000 bytes",
            &format!(
                "HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 2\r\n\r\n{{}}",
                "y".repeat(300_000)
            ),
            Said::Either,
        ),
        row(
            "a control byte in a header",
            "HTTP/1.1 200 OK\r\nx: \0\r\ncontent-length: 2\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "an escape in the reason",
            "HTTP/1.1 200 \u{1b}[31m\r\ncontent-length: 2\r\n\r\n{}",
            Said::Either,
        ),
        row(
            "a content type that is none",
            "HTTP/1.1 200 OK\r\ncontent-type: \u{e4}\r\ncontent-length: 2\r\n\r\n{}",
            Said::Status(200),
        ),
        row(
            "a folded line",
            "HTTP/1.1 200 OK\r\nx: y\r\n z\r\ncontent-length: 2\r\n\r\n{}",
            Said::Either,
        ),
        row(
            "a second answer behind the first",
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\ncontent-length: 36\r\n\r\n{\"msg\": \"Authentication succeeded.\"}",
            Said::Status(200),
        ),
    ]
}

pub(super) fn odd_bodies() -> Vec<Row> {
    let row = |name, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Row {
            name,
            answer: Answer::Bytes([head.as_bytes(), body].concat()),
            said: Said::Status(200),
        }
    };
    vec![
        row("an empty body", b""),
        row("no UTF-8", b"{\"msg\": \"Authentication succeeded.\xff\"}"),
        row(
            "a mark",
            b"\xef\xbb\xbf{\"msg\": \"Authentication succeeded!\"}",
        ),
        row("UTF-16", b"{\0\"\0m\0s\0g\0\"\0:\0\"\0\"\0}\0"),
        row("zeros", &[0; 1000]),
        row("every byte", &(0..=255).collect::<Vec<u8>>()),
        row("an unpaired surrogate", br#"{"msg": "\ud800"}"#),
        row("a number out of range", br#"{"msg": 1e999}"#),
        row(
            "one name many times",
            br#"{"msg": "a", "msg": "b", "error": "c", "msg": "d"}"#,
        ),
        row("null", b"null"),
        row(
            "both keys",
            br#"{"msg": "Authentication succeeded.", "error": {"userDisplayErrorMessage": "no"}}"#,
        ),
    ]
}

pub(super) fn cut() -> Vec<Row> {
    let row = |name, bytes: &[u8], said| Row {
        name,
        answer: Answer::Cut(bytes.to_vec()),
        said,
    };
    vec![
        row("a reset at once", b"", BROKEN),
        row("a reset in the head", b"HTTP/1.1 200 OK\r\ncont", BROKEN),
        row(
            "a reset in the body",
            b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"msg\"",
            BROKEN,
        ),
    ]
}

//! The table of answers, and what the runner says of each.

mod odd;

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};

use crate::hostile_target::server::Answer;

/// An answer, and what is said to have been received.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) answer: Answer,
    pub(crate) said: Said,
}

/// What a report says of an exchange.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    /// That there is an answer, or that there is none: how strict a client is here is the library's.
    Either,
    /// That there is none, in words that differ with the fault.
    None,
    /// That there is none, in these words.
    NoneAs(&'static str),
    /// An answer with this status.
    Status(u16),
}

/// Returns the table. Where an answer waits, it waits longer than the client.
pub(crate) fn all() -> Vec<Row> {
    [
        endless(),
        lies(),
        bombs(),
        slow(),
        odd::odd_heads(),
        odd::odd_bodies(),
        odd::cut(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn endless() -> Vec<Row> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n".as_slice();
    let row = |name, first: &[u8], again: &[u8], said| Row {
        name,
        answer: Answer::Endless(first.to_vec(), again.to_vec()),
        said,
    };
    vec![
        row(
            "a body without end",
            &[head, b"\r\n"].concat(),
            b"a",
            TOO_LONG,
        ),
        row(
            "chunks without end",
            &[head, b"transfer-encoding: chunked\r\n\r\n"].concat(),
            format!("1000\r\n{}\r\n", "a".repeat(4096)).as_bytes(),
            TOO_LONG,
        ),
        row(
            "an extension without end",
            &[head, b"transfer-encoding: chunked\r\n\r\n5;"].concat(),
            b"a",
            BROKEN,
        ),
        row(
            "trailers without end",
            &[head, b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"].concat(),
            b"x: y\r\n",
            BROKEN,
        ),
        row(
            "blanks without end",
            &[head, b"\r\n"].concat(),
            b" ",
            TOO_LONG,
        ),
        row("header lines without end", head, b"x: y\r\n", BROKEN),
        row(
            "a header line without end",
            &[head, b"x: "].concat(),
            b"y",
            BROKEN,
        ),
        row("a name without end", head, b"x", BROKEN),
        row("a reason without end", b"HTTP/1.1 200 ", b"OK", BROKEN),
        row("empty lines without end", b"", b"\r\n", BROKEN),
        row(
            "answers without end",
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
            Said::Status(200),
        ),
        row("zeros without end", b"", b"\0", BROKEN),
    ]
}

fn lies() -> Vec<Row> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let row = |name, rest: &str, said| Row {
        name,
        answer: Answer::Bytes(format!("{head}{rest}").into_bytes()),
        said,
    };
    vec![
        row(
            "less than announced",
            "content-length: 100\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "more than announced",
            "content-length: 2\r\n\r\n{}{}{}{}",
            Said::Status(200),
        ),
        row(
            "nothing announced, something sent",
            "content-length: 0\r\n\r\n{}",
            Said::Status(200),
        ),
        row(
            "a length below zero",
            "content-length: -1\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "a length that is none",
            "content-length: x\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "a length of 2^64 - 1",
            "content-length: 18446744073709551615\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "a length of 2^63",
            "content-length: 9223372036854775808\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "two lengths",
            "content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
            BROKEN,
        ),
        row(
            "a length and chunks",
            "content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            Said::Status(200),
        ),
        row(
            "a chunk of no size",
            "transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            BROKEN,
        ),
        row(
            "a chunk of 2^64 bytes",
            "transfer-encoding: chunked\r\n\r\n10000000000000000\r\n{}\r\n0\r\n\r\n",
            BROKEN,
        ),
        row(
            "a chunk that is longer than its size",
            "transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
            BROKEN,
        ),
        row(
            "chunks without their end",
            "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
            BROKEN,
        ),
        row(
            "another coding",
            "transfer-encoding: gzip\r\n\r\n{}",
            Said::Status(200),
        ),
    ]
}

fn bombs() -> Vec<Row> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let bomb = gzip(100 << 20);
    let with = |headers: &str, body: &[u8]| {
        Answer::Bytes(
            [
                format!("{head}{headers}content-length: {}\r\n\r\n", body.len()).as_bytes(),
                body,
            ]
            .concat(),
        )
    };
    let deep = |open: &str, close: &str| {
        with(
            "",
            format!("{}1{}", open.repeat(100_000), close.repeat(100_000)).as_bytes(),
        )
    };
    vec![
        Row {
            name: "a gigabyte announced and sent",
            answer: Answer::Endless(
                format!("{head}content-length: 1073741824\r\n\r\n").into_bytes(),
                b"a".to_vec(),
            ),
            said: TOO_LONG,
        },
        Row {
            name: "a gigabyte announced and not sent",
            answer: Answer::Hang(
                format!("{head}content-length: 1073741824\r\n\r\n{{").into_bytes(),
            ),
            said: LATE,
        },
        Row {
            name: "a gzip bomb",
            answer: with("content-encoding: gzip\r\n", &bomb),
            said: Said::Status(200),
        },
        Row {
            name: "a gzip bomb of transfer",
            answer: with("transfer-encoding: gzip\r\n", &bomb),
            said: Said::Either,
        },
        Row {
            name: "100,000 lists",
            answer: deep("[", "]"),
            said: Said::Status(200),
        },
        Row {
            name: "100,000 objects",
            answer: deep("{\"a\":", "}"),
            said: Said::Status(200),
        },
        Row {
            name: "100,000 lists without end",
            answer: with("", "[".repeat(100_000).as_bytes()),
            said: Said::Status(200),
        },
        Row {
            name: "500,000 members",
            answer: with(
                "",
                format!("{{{}\"a\":1}}", "\"a\":1,".repeat(150_000)).as_bytes(),
            ),
            said: Said::Status(200),
        },
        Row {
            name: "a mebibyte of markup",
            answer: with("", "<script>&\"'".repeat(90_000).as_bytes()),
            said: Said::Status(200),
        },
        Row {
            name: "a mebibyte of controls",
            answer: with("", "\u{1b}[31m\u{7}\r".repeat(100_000).as_bytes()),
            said: Said::Status(200),
        },
    ]
}

fn slow() -> Vec<Row> {
    let pause = Duration::from_millis(50);
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 36\r\n\r\n";
    let body = br#"{"msg": "Authentication succeeded."}"#;
    vec![
        Row {
            name: "nothing",
            answer: Answer::Hang(Vec::new()),
            said: LATE,
        },
        Row {
            name: "a byte",
            answer: Answer::Hang(b"H".to_vec()),
            said: LATE,
        },
        Row {
            name: "a head",
            answer: Answer::Hang(head.to_vec()),
            said: LATE,
        },
        Row {
            name: "a head in drips",
            answer: Answer::Drip(Vec::new(), head.to_vec(), pause),
            said: LATE,
        },
        Row {
            name: "a body in drips",
            answer: Answer::Drip(head.to_vec(), body.to_vec(), pause),
            said: LATE,
        },
        Row {
            name: "chunks in drips",
            answer: Answer::Drip(
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(),
                b"1\r\na\r\n".repeat(20),
                pause,
            ),
            said: LATE,
        },
        // At full speed the library below reads on for some 50 MiB before it looks at the time: docs/development/hostile-input.md, "At the runner".
        Row {
            name: "interim answers without end",
            answer: Answer::Trickle(
                b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
                Duration::from_millis(1),
            ),
            said: LATE,
        },
        Row {
            name: "early hints without end",
            answer: Answer::Trickle(
                b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".to_vec(),
                Duration::from_millis(1),
            ),
            said: LATE,
        },
        Row {
            name: "an interim answer alone",
            answer: Answer::Hang(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
            said: LATE,
        },
    ]
}

/// Compresses this many zeros.
fn gzip(count: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![b'0'; 1 << 20];
    for _ in 0..count >> 20 {
        encoder.write_all(&piece).unwrap();
    }
    encoder.finish().unwrap()
}

const TOO_LONG: Said = Said::NoneAs("the answer's body exceeds 1048576 bytes");
const LATE: Said = Said::NoneAs("no whole answer within");
const BROKEN: Said = Said::None;

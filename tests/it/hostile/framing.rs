//! Where a request ends: lengths and chunks that disagree, lie, or hide a second request.
//!
//! A server in front of ours may read such a request otherwise (request smuggling). So what is ambiguous is refused, or is the last
//! that its connection carries; what it hides is never taken as a request.

mod chunks;

use chunks::{behind_the_last, chunks, lengths, refused_early, trailers};
use rstest::rstest;

use crate::hostile::{
    client::{GOOD, good, post},
    table,
    table::{Row, SMUGGLED},
};

#[rstest]
#[tokio::test]
async fn what_a_request_hides_is_never_taken_as_one(#[values(false, true)] tls: bool) {
    let parts = [
        two_lengths(),
        length_and_chunks(),
        chunked_or_not(),
        no_length(),
        refused_early(),
        behind_the_last(),
    ];
    table::hold(
        "smuggling",
        &parts.into_iter().flatten().collect::<Vec<_>>(),
        tls,
    )
    .await;
}

#[rstest]
#[tokio::test]
async fn a_length_and_a_chunk_are_what_the_rfc_says(#[values(false, true)] tls: bool) {
    table::hold(
        "lengths and chunks",
        &[lengths(), chunks(), trailers()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>(),
        tls,
    )
    .await;
}

/// RFC 9112 section 6.3, RFC 9110 section 8.6: differing lengths are refused, equal ones may count as one.
fn two_lengths() -> Vec<Row> {
    let long = GOOD.len() + SMUGGLED.len();
    let short = GOOD.len();
    let hidden = |name: &str, headers: String, expected: &str| {
        Row::new(
            name,
            post(&headers, format!("{GOOD}{SMUGGLED}").as_bytes()),
            expected,
        )
    };
    vec![
        hidden(
            "CL.CL, the longer first",
            format!("content-length: {long}\r\ncontent-length: {short}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL, the shorter first",
            format!("content-length: {short}\r\ncontent-length: {long}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL, nothing first",
            format!("content-length: 0\r\ncontent-length: {long}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL in one line",
            format!("content-length: {short}, {long}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL in one line, equal",
            format!("content-length: {long}, {long}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL with different names",
            format!("content-length: {long}\r\nContent-Length: {short}\r\n"),
            REFUSED,
        ),
        hidden(
            "CL.CL, equal by number",
            format!("content-length: {long}\r\ncontent-length: 0{long}\r\n"),
            MALFORMED,
        ),
        hidden(
            "CL.CL, equal",
            format!("content-length: {long}\r\ncontent-length: {long}\r\n"),
            MALFORMED,
        ),
        hidden(
            "three, the last another",
            format!("content-length: {long}\r\ncontent-length: {long}\r\ncontent-length: 1\r\n"),
            REFUSED,
        ),
        hidden(
            "a length with an underscore",
            format!("content-length: {long}\r\ncontent_length: {short}\r\n"),
            MALFORMED,
        ),
    ]
}

/// RFC 9112 section 6.1: such a request is refused, or read by its chunks, and its connection ends with the answer.
fn length_and_chunks() -> Vec<Row> {
    let whole = format!("{}{END}", chunk(GOOD));
    let hiding = format!("{}{END}", chunk(&format!("{GOOD}{SMUGGLED}")));
    let row = |name: &str, headers: String, body: String, expected: &str| {
        Row::new(name, post(&headers, body.as_bytes()), expected)
    };
    let mut rows = Vec::new();
    for (name, te) in [
        ("chunked", "chunked"),
        ("CHUNKED", "CHUNKED"),
        ("tabbed", "\tchunked\t"),
        ("bare", "chunked"),
    ] {
        let te = format!("transfer-encoding:{te}\r\n");
        let length = whole.len() + SMUGGLED.len();
        rows.push(row(
            &format!("CL.TE {name}"),
            format!("content-length: {length}\r\n{te}"),
            format!("{whole}{SMUGGLED}"),
            "200 authenticated close",
        ));
        rows.push(row(
            &format!("CL.TE {name}, the other way round"),
            format!("{te}content-length: {length}\r\n"),
            format!("{whole}{SMUGGLED}"),
            "200 authenticated close",
        ));
        rows.push(row(
            &format!("TE.CL {name}"),
            format!("{te}content-length: 4\r\n"),
            hiding.clone(),
            "400 malformed_body close",
        ));
        rows.push(row(
            &format!("TE.CL {name}, the other way round"),
            format!("content-length: 4\r\n{te}"),
            hiding.clone(),
            "400 malformed_body close",
        ));
        rows.push(row(
            &format!("TE.0 {name}"),
            format!("content-length: 0\r\n{te}"),
            format!("{whole}{SMUGGLED}"),
            "200 authenticated close",
        ));
    }
    rows.push(row(
        "a length that is none beside chunks",
        "content-length: x\r\ntransfer-encoding: chunked\r\n".into(),
        format!("{whole}{SMUGGLED}"),
        REFUSED,
    ));
    rows
}

/// Spellings by which one reader sees chunks and another does not (TE.TE). With a length that covers what is hidden.
fn chunked_or_not() -> Vec<Row> {
    let body = format!("{}{END}{SMUGGLED}", chunk(GOOD));
    let row = |line: &str, expected: &str| {
        let headers = format!("content-length: {}\r\n{line}\r\n", body.len());
        Row::new(
            format!("TE.TE {line:?}"),
            post(&headers, body.as_bytes()),
            expected,
        )
    };
    let refused = [
        "transfer-encoding: xchunked",
        "transfer-encoding: chunkedx",
        "transfer-encoding: identity",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: chunked;q=1",
        "transfer-encoding: \"chunked\"",
        "transfer-encoding: 'chunked'",
        "transfer-encoding: chunked,",
        "transfer-encoding: chunk ed",
        "transfer-encoding:",
        "transfer-encoding: \u{ff43}hunked",
        "transfer-encoding: chunked\u{b}",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding:\u{c}chunked",
        "transfer-encoding: chunked\0",
        "transfer-encoding : chunked",
        "transfer-encoding\t: chunked",
        "transfer-encoding\0: chunked",
        "transfer-encoding\u{b}: chunked",
        " transfer-encoding: chunked",
        "\ttransfer-encoding: chunked",
        "x: y\rtransfer-encoding: chunked",
        "transfer-encoding\r\n: chunked",
        "transfer-encoding:\r\n chunked",
        "transfer-encoding: chunked\r\n\tx: y",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "transfer-encoding: chunked\r\ntransfer-encoding: cow",
        "transfer encoding: chunked",
        ":transfer-encoding: chunked",
    ];
    // Codings that we do not know are refused by the service (RFC 9112 section 6.1 has 501 for them, and 400 is as good).
    let unknown = [
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: identity, chunked",
        "transfer-encoding: , chunked",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: x\r\ntransfer-encoding: chunked",
    ];
    // Other headers, whatever they look like: the length holds.
    let others = [
        "transfer_encoding: chunked",
        "x-transfer-encoding: chunked",
        "te: chunked",
        "content-encoding: chunked",
        "transferencoding: chunked",
    ];
    let mut rows: Vec<Row> = refused.iter().map(|line| row(line, REFUSED)).collect();
    rows.extend(
        unknown
            .iter()
            .map(|line| row(line, "400 bad_request close")),
    );
    rows.extend(others.iter().map(|line| row(line, MALFORMED)));
    // RFC 9112 section 2.2: LF alone may end a line, and then it does so for everything.
    rows.push(row(
        "x: y\ntransfer-encoding: chunked",
        "200 authenticated close",
    ));
    rows.push(Row::new(
        "chunks in HTTP/1.0",
        String::from_utf8(post(
            &format!(
                "content-length: {}\r\ntransfer-encoding: chunked\r\n",
                body.len()
            ),
            body.as_bytes(),
        ))
        .unwrap()
        .replace(
            "HTTP/1.1\r\nhost: x\r\ncontent-type",
            "HTTP/1.0\r\nhost: x\r\ncontent-type",
        ),
        REFUSED,
    ));
    rows
}

/// A body where none is looked for is a body all the same (CL.0); bytes without a length are no body (RFC 9112 section 6.3).
fn no_length() -> Vec<Row> {
    let length = SMUGGLED.len();
    let methods = [
        ("GET", "405 method_not_allowed"),
        ("DELETE", "405 method_not_allowed"),
        ("PUT", "405 method_not_allowed"),
        ("OPTIONS", "405 method_not_allowed"),
        ("TRACE", "405 method_not_allowed"),
        ("FOO", "405 method_not_allowed"),
    ];
    let mut rows: Vec<Row> = methods
        .iter()
        .map(|(method, expected)| {
            let request = String::from_utf8(post(
                &format!("content-length: {length}\r\n"),
                SMUGGLED.as_bytes(),
            ))
            .unwrap();
            Row::new(
                format!("CL.0 {method}"),
                request.replacen("POST", method, 1),
                *expected,
            )
        })
        .collect();
    for path in [
        "/",
        "/nowhere",
        "/api/external",
        "/static/x.css",
        "/api/external/authentication/validation/",
    ] {
        rows.push(Row::new(
            format!("CL.0 at {path}"),
            format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{SMUGGLED}"
            ),
            "404 unknown_path",
        ));
    }
    rows.push(Row::new(
        "a body without a length",
        post("", GOOD.as_bytes()),
        "400 malformed_body, 400 empty close",
    ));
    rows.push(Row::new(
        "chunks without being called so",
        post("", format!("{}{END}", chunk(GOOD)).as_bytes()),
        "400 malformed_body, 400 empty close",
    ));
    rows
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

const END: &str = "0\r\n\r\n";
const OK: &str = "200 authenticated close";
const BAD: &str = "400 bad_request close";
const MALFORMED: &str = "400 malformed_body";
/// By the library below us, before the service is asked.
const REFUSED: &str = "400 empty close";

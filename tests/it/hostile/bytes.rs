//! Every byte in every place of a head.

use rstest::rstest;

use crate::hostile::{
    client::{GOOD, PATH},
    table,
    table::Row,
};

#[rstest]
#[tokio::test]
async fn a_byte_stands_where_it_may_stand(#[values(false, true)] tls: bool) {
    let rows: Vec<Row> = (0..=255_u8)
        .flat_map(|byte| {
            [
                in_a_method(byte),
                in_a_target(byte),
                in_a_version(byte),
                in_a_name(byte),
                in_a_value(byte),
                in_a_host(byte),
            ]
        })
        .collect();
    table::hold("bytes in heads", &rows, tls).await;
}

/// RFC 9110 section 9.1: a token, of any case.
fn in_a_method(byte: u8) -> Row {
    let expected = if is_token(byte) {
        "405 method_not_allowed close"
    } else {
        REFUSED
    };
    row(
        "method",
        byte,
        &[
            b"PO",
            &[byte],
            b"ST ",
            PATH.as_bytes(),
            b" HTTP/1.1\r\nhost: x\r\n",
        ],
        expected,
    )
}

/// RFC 9112 section 3.2. Above what a URI allows, the library below takes some more, which leads nowhere.
fn in_a_target(byte: u8) -> Row {
    let expected = match byte {
        b'#' => "400 bad_request close",
        b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
            "404 unknown_path close | 400 empty close"
        }
        0x21..=0x7e => "404 unknown_path close",
        // No UTF-8; what is, the service refuses (`targets` in heads.rs).
        0x80.. => REFUSED,
        _ => REFUSED,
    };
    row(
        "target",
        byte,
        &[b"POST /api", &[byte], b"/external HTTP/1.1\r\nhost: x\r\n"],
        expected,
    )
}

/// RFC 9112 section 2.3: eight bytes, to the letter. An HTTP/1.0 connection ends although its answer does not say so.
fn in_a_version(byte: u8) -> Row {
    let expected = match byte {
        b'0' => "200 authenticated",
        b'1' => OK,
        _ => REFUSED,
    };
    row(
        "version",
        byte,
        &[
            b"POST ",
            PATH.as_bytes(),
            b" HTTP/1.",
            &[byte],
            b"\r\nhost: x\r\n",
        ],
        expected,
    )
}

/// RFC 9110 section 5.1: a token.
fn in_a_name(byte: u8) -> Row {
    let expected = if is_token(byte) || byte == b':' {
        OK
    } else {
        REFUSED
    };
    row(
        "name",
        byte,
        &[START, b"host: x\r\nx", &[byte], b"y: z\r\n"],
        expected,
    )
}

/// RFC 9110 section 5.5: visible, blank, tabulator, or beyond ASCII.
fn in_a_value(byte: u8) -> Row {
    let expected = if byte == b'\t' || byte >= b' ' && byte != DEL {
        OK
    } else {
        REFUSED
    };
    row(
        "value",
        byte,
        &[START, b"host: x\r\nx: y", &[byte], b"z\r\n"],
        expected,
    )
}

/// RFC 9110 section 7.2 and RFC 3986 section 3.2.2: a name's bytes.
fn in_a_host(byte: u8) -> Row {
    let expected = match byte {
        b'!'
        | b'$'
        | b'&'..=b'.'
        | b'0'..=b'9'
        | b';'
        | b'='
        | b'A'..=b'Z'
        | b'_'
        | b'a'..=b'z'
        | b'~' => OK,
        b'\t' | b' '.. if byte != DEL => "400 bad_request close",
        _ => REFUSED,
    };
    row(
        "host",
        byte,
        &[START, b"host: x", &[byte], b"y\r\n"],
        expected,
    )
}

fn row(place: &str, byte: u8, head: &[&[u8]], expected: &str) -> Row {
    let tail = format!(
        "content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{GOOD}",
        GOOD.len()
    );
    Row::new(
        format!("{place} {byte:02x}"),
        [&head.concat(), tail.as_bytes()].concat(),
        expected,
    )
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const OK: &str = "200 authenticated close";
/// By the library below us, before the service is asked.
const REFUSED: &str = "400 empty close";
const START: &[u8] = b"POST /api/external/authentication/validation HTTP/1.1\r\n";
const DEL: u8 = 0x7f;

//! Header lines, sizes, pipelines and expectations.

use super::*;

/// RFC 9112 section 5.
pub(super) fn lines() -> Vec<Row> {
    let row = |line: &str, expected: &str| {
        Row::new(
            format!("header {line:.60?}"),
            good(&format!("{line}connection: close\r\n")),
            expected,
        )
    };
    let good = [
        "x:\r\n",
        "x:y\r\n",
        "x: \t y \t\r\n",
        "x: y\n",
        "x: \u{e4}\r\n",
        "x: a, b; c=\"d\"\r\n",
        "X: y\r\nx: y\r\n",
        "upgrade: websocket\r\nconnection: upgrade\r\n",
        "upgrade: h2c\r\nhttp2-settings: AA\r\n",
        "range: bytes=0-1\r\n",
        "if-match: \"x\"\r\n",
        "if-none-match: *\r\n",
        "accept-encoding: gzip;q=x\r\n",
        "cookie: \r\n",
        "authorization: \r\n",
        "x-http-method-override: DELETE\r\n",
        "x-original-url: /nowhere\r\n",
        "forwarded: for=\r\n",
        "max-forwards: 0\r\n",
        "content-encoding: gzip\r\n",
        "te: trailers\r\n",
        "trailer: host\r\n",
        "keep-alive: timeout=x\r\n",
        "proxy-connection: keep-alive\r\n",
        "date: never\r\n",
    ];
    let bad = [
        "x\r\n",
        ": y\r\n",
        "x y: z\r\n",
        "x : y\r\n",
        "x: y\r\n z\r\n",
        "x: y\r\n\tz\r\n",
        "x: y\r\n \r\n",
        " x: y\r\n",
        "x: y\0\r\n",
        "x\0: y\r\n",
        "x: y\rz: a\r\n",
        "x: y\r\r\n",
        "x: \u{7f}\r\n",
        "x: \u{1b}[31m\r\n",
        "(x): y\r\n",
        "\u{e4}: y\r\n",
        "x: y\r\n\r",
        "\"x\": y\r\n",
    ];
    let mut rows: Vec<Row> = good.iter().map(|line| row(line, OK)).collect();
    rows.extend(bad.iter().map(|line| row(line, REFUSED)));
    rows
}

/// As many and as long as the limits let through, and one more.
pub(super) fn sizes() -> Vec<Row> {
    let row = |name: &str, headers: String, expected: &str| {
        Row::new(
            name,
            good(&format!("{headers}connection: close\r\n")),
            expected,
        )
    };
    vec![
        // Four stand there anyway.
        row("96 further lines", "a: b\r\n".repeat(96), OK),
        row("97 further lines", "a: b\r\n".repeat(97), "431 empty close"),
        row("5,000 lines", "a: b\r\n".repeat(5_000), "431 empty close"),
        row(
            "100,000 lines",
            "a: b\r\n".repeat(100_000),
            "431 empty close",
        ),
        row(
            "a name of 30,000 bytes",
            format!("{}: b\r\n", "a".repeat(30_000)),
            OK,
        ),
        row(
            "a value of 32,000 bytes",
            format!("a: {}\r\n", "b".repeat(32_000)),
            OK,
        ),
        row(
            "a value of 33,000 bytes",
            format!("a: {}\r\n", "b".repeat(33_000)),
            "431 head_too_large close",
        ),
        row(
            "a value of 70,000 bytes",
            format!("a: {}\r\n", "b".repeat(70_000)),
            "431 empty close",
        ),
        row(
            "a value of 5,000,000 bytes",
            format!("a: {}\r\n", "b".repeat(5_000_000)),
            "431 empty close",
        ),
        row(
            "a name of 70,000 bytes",
            format!("{}: b\r\n", "a".repeat(70_000)),
            "431 empty close",
        ),
        row(
            "90 lines of 1,000 bytes",
            format!("a: {}\r\n", "b".repeat(1_000)).repeat(90),
            "431 empty close",
        ),
        Row::new(
            "a head without end",
            "a: b\r\n".repeat(1_000_000),
            "400 empty close",
        ),
        Row::new(
            "a line without end",
            format!("GET /{}", "a".repeat(5_000_000)),
            "431 empty close",
        ),
        Row::new(
            "empty lines without end",
            "\r\n".repeat(1_000_000),
            "431 empty close | nothing",
        ),
        Row::new(
            "a method of 60,000 bytes",
            format!(
                "{} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
                "A".repeat(60_000)
            ),
            "431 head_too_large close | 400 empty close",
        ),
        row(
            "60,000 blanks before a value",
            format!("a:{}b\r\n", " ".repeat(60_000)),
            OK,
        ),
    ]
}

/// Answered in order; what is no request ends the row.
pub(super) fn pipelines() -> Vec<Row> {
    let good = good("");
    let row = |name: &str, parts: &[&[u8]], expected: &[&str]| {
        Row::new(name, parts.concat(), expected.join(", "))
    };
    let ok = "200 authenticated";
    let get: &[u8] = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n";
    vec![
        row("100 at once", &[good.repeat(100).as_slice()], &[ok; 100]),
        row(
            "500 small ones",
            &[get.repeat(500).as_slice()],
            &["404 unknown_path"; 500],
        ),
        row(
            "a bad one in the middle",
            &[&good, b"\0\r\n\r\n", &good],
            &[ok, REFUSED],
        ),
        row(
            "a refused one in the middle",
            &[&good, b"GET / HTTP/1.1\r\n\r\n", &good],
            &[ok, "400 bad_request close"],
        ),
        row(
            "empty lines between",
            &[&good, b"\r\n\r\n", &good],
            &[ok, ok],
        ),
        row(
            "an unknown path in the middle",
            &[&good, get, &good],
            &[ok, "404 unknown_path", ok],
        ),
        row("half a request at the end", &[&good, b"GET / HT"], &[ok]),
        row(
            "the last one without its body",
            &[&good, &good[..good.len() - 1]],
            &[ok, "400 bad_request close"],
        ),
    ]
}

/// RFC 9110 section 10.1.1: an expectation that is met, and ones that nobody knows.
pub(super) fn expectations() -> Vec<Row> {
    let row = |value: &str, expected: &str| {
        Row::new(
            format!("expect {value:?}"),
            good(&format!("expect:{value}\r\nconnection: close\r\n")),
            expected,
        )
    };
    let mut rows = vec![
        row(
            "100-continue",
            "100 empty, 200 authenticated close | 200 authenticated close",
        ),
        row(
            "100-Continue",
            "100 empty, 200 authenticated close | 200 authenticated close",
        ),
    ];
    // 417 may be answered, and need not.
    rows.extend(
        [
            "",
            "200-ok",
            "100-continue, 200-ok",
            "x=y",
            "100-continue;a=b",
        ]
        .map(|value| row(value, OK)),
    );
    rows.push(Row::new(
        "expect without a body",
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
        ),
        "400 malformed_body close",
    ));
    rows.push(Row::new(
        "expect in HTTP/1.0",
        String::from_utf8(good("expect: 100-continue\r\n"))
            .unwrap()
            .replace("HTTP/1.1", "HTTP/1.0"),
        "200 authenticated close | 200 authenticated",
    ));
    rows.push(Row::new(
        "no body at all",
        format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            GOOD.len()
        ),
        "100 empty, 400 bad_request close | 400 bad_request close",
    ));
    rows
}

//! Request lines, header lines and Hosts that are none, too many, too long, or merely unusual.

mod lines;

use lines::{expectations, lines, pipelines, sizes};
use rstest::rstest;

use crate::hostile::{
    client::{GOOD, PATH, good},
    table,
    table::Row,
};

#[rstest]
#[tokio::test]
async fn a_head_is_read_or_refused_as_the_rfc_says(#[values(false, true)] tls: bool) {
    let parts = [
        request_lines(),
        targets(),
        hosts(),
        lines(),
        sizes(),
        pipelines(),
        expectations(),
    ];
    table::hold(
        "heads",
        &parts.into_iter().flatten().collect::<Vec<_>>(),
        tls,
    )
    .await;
}

/// RFC 9112 sections 2.2 and 3.
fn request_lines() -> Vec<Row> {
    let good = good("connection: close\r\n");
    let line = |line: &str, expected: &str| {
        Row::new(
            format!("line {line:?}"),
            String::from_utf8(good.clone()).unwrap().replacen(
                &format!("POST {PATH} HTTP/1.1\r\n"),
                line,
                1,
            ),
            expected,
        )
    };
    let before = |bytes: &str, expected: &str| {
        Row::new(
            format!("before the line {bytes:?}"),
            [bytes.as_bytes(), &good].concat(),
            expected,
        )
    };
    let wrong = [
        "POST  P HTTP/1.1\r\n",
        "POST P  HTTP/1.1\r\n",
        "POST\tP HTTP/1.1\r\n",
        "POST P\tHTTP/1.1\r\n",
        "POST P HTTP/1.1 \r\n",
        "POST P HTTP/1.1\t\r\n",
        "POST P\r\n",
        "P HTTP/1.1\r\n",
        "POST\r\n",
        "POST P HTTP/1.1x\r\n",
        "POST P HTTP/1.1\r",
        "POST P HTTP/1.2\r\n",
        "POST P HTTP/0.9\r\n",
        "POST P HTTP/2.0\r\n",
        "POST P HTTP/11\r\n",
        "POST P HTTP/1,1\r\n",
        "POST P http/1.1\r\n",
        "POST P HTCPCP/1.0\r\n",
        "POST P RTSP/1.0\r\n",
        "POST P HTTP/1.1\r\r\n",
        "POST P HTTP/1.1\0\r\n",
        "POST P x HTTP/1.1\r\n",
    ];
    let mut rows: Vec<Row> = wrong
        .iter()
        .map(|text| {
            line(
                &text
                    .replace('P', PATH)
                    .replace(&format!("{PATH}OST"), "POST")
                    .replace(&format!("HTT{PATH}"), "HTTP")
                    .replace(&format!("RTS{PATH}"), "RTSP")
                    .replace(&format!("HTC{PATH}C{PATH}"), "HTCPCP"),
                REFUSED,
            )
        })
        .collect();
    rows.extend([
        before("\r\n", OK),
        before("\r\n\r\n\r\n", OK),
        before("\n", OK),
        before(" ", REFUSED),
        before("\t", REFUSED),
        before("\0", REFUSED),
        before("\u{feff}", REFUSED),
        before("\r", REFUSED),
        before(" \r\n", REFUSED),
        before("x\r\n", REFUSED),
        before("GET\r\n\r\n", REFUSED),
    ]);
    rows.push(Row::new(
        "LF alone for all lines",
        String::from_utf8(good.clone())
            .unwrap()
            .replace("\r\n", "\n"),
        OK,
    ));
    rows.push(Row::new(
        "CR alone for all lines",
        String::from_utf8(good.clone())
            .unwrap()
            .replace("\r\n", "\r"),
        REFUSED,
    ));
    rows.push(Row::new(
        "CR CR LF for all lines",
        String::from_utf8(good.clone())
            .unwrap()
            .replace("\r\n", "\r\r\n"),
        REFUSED,
    ));
    rows.push(Row::new("nothing", "", "nothing"));
    rows.push(Row::new("empty lines alone", "\r\n\r\n\r\n\r\n", "nothing"));
    rows.push(Row::new(
        "a page of HTML",
        "<html><body>hello</body></html>\r\n\r\n",
        REFUSED,
    ));
    rows.push(Row::new(
        "an answer",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        REFUSED,
    ));
    rows.push(Row::new("SSH", "SSH-2.0-OpenSSH_9.2\r\n", REFUSED));
    rows.push(Row::new("SMTP", "EHLO x\r\nMAIL FROM:<a>\r\n", REFUSED));
    rows.push(Row::new("GET of HTTP/0.9", "GET /\r\n\r\n", REFUSED));
    rows
}

/// RFC 9112 section 3.2: origin, absolute, authority and asterisk form; a path is compared byte by byte.
fn targets() -> Vec<Row> {
    let row = |target: String, expected: &str| {
        Row::new(
            format!("target {target:.60?}"),
            String::from_utf8(good("connection: close\r\n"))
                .unwrap()
                .replacen(PATH, &target, 1),
            expected,
        )
    };
    let nowhere = [
        format!("/{PATH}"),
        format!("{PATH}/"),
        format!("/.{PATH}"),
        format!("/api/..{PATH}"),
        PATH.to_uppercase(),
        PATH.replacen("api", "%61pi", 1),
        PATH.replacen("/external", "%2fexternal", 1),
        PATH.replacen("/external", "//external", 1),
        PATH.replacen('/', "/;a=b/", 1),
        format!("{PATH};a=b"),
        format!("{PATH}%00"),
        format!("{PATH}%"),
        format!("{PATH}%zz"),
        "/".into(),
        "/../../../../etc/passwd".into(),
        format!("/{}", "a".repeat(30_000)),
        format!("/{}", "../".repeat(9_000)),
        "http://x".into(),
        "http://x/".into(),
        "/http://x/".into(),
    ];
    let here = [
        format!("{PATH}?"),
        format!("{PATH}?a=b&c=%zz&d"),
        format!("{PATH}?{}", "a".repeat(30_000)),
        format!("http://x{PATH}"),
        format!("HTTP://X:80{PATH}"),
        format!("https://other.example:443{PATH}"),
        format!("http://[::1]{PATH}"),
        format!("ftp://x{PATH}"),
        format!("{PATH}?http://x/"),
    ];
    let bad = [
        "http://user:word@x/".into(),
        format!("http://a b{PATH}"),
        "http://".into(),
        "http:///".into(),
        "http://x:99999/".into(),
        "http://[::1/".into(),
        String::new(),
        "?a=b".into(),
        "a".into(),
        "a/b".into(),
        "*".into(),
        "x:80".into(),
        "*/".into(),
        "://x/".into(),
        "/\u{e4}".into(),
        "/\u{1d11e}".into(),
        "//".into(),
    ];
    let mut rows: Vec<Row> = nowhere
        .into_iter()
        .map(|target| row(target, "404 unknown_path close"))
        .collect();
    rows.extend(here.into_iter().map(|target| row(target, OK)));
    // Some the library below refuses, some we do.
    rows.extend(bad.into_iter().map(|target| {
        let expected = if target == "//" {
            "404 unknown_path close"
        } else {
            "400 empty close | 400 bad_request close"
        };
        row(target, expected)
    }));
    rows.push(Row::new(
        "OPTIONS *",
        "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "204 empty close",
    ));
    rows
}

/// RFC 9112 section 3.2: one Host, and a good one.
fn hosts() -> Vec<Row> {
    let row = |lines: &str, expected: &str| {
        Row::new(
            format!("host {lines:.60?}"),
            String::from_utf8(good("connection: close\r\n"))
                .unwrap()
                .replacen("host: x\r\n", lines, 1),
            expected,
        )
    };
    let good = [
        "host: x:80\r\n",
        "HOST:x\r\n",
        "host:\tx\t\r\n",
        "host: 127.0.0.1:8443\r\n",
        "host: [::1]:1\r\n",
        "host: x.\r\n",
        "host: 1\r\n",
        "host: x:\r\n",
        "host: -\r\n",
        "host: %41\r\n",
    ];
    let bad = [
        "",
        "host:\r\n",
        "host: \r\n",
        "host: x\r\nhost: x\r\n",
        "host: x\r\nHost: y\r\n",
        "host: x, y z\r\n",
        "host: x:y\r\n",
        "host: x:80:80\r\n",
        "host: x:99999\r\n",
        "host: user@x\r\n",
        "host: x/\r\n",
        "host: http://x\r\n",
        "host: x?\r\n",
        "host: x#\r\n",
        "host: [::1\r\n",
        "host: ::1\r\n",
        "host: []\r\n",
        "host: %\r\n",
        "host: %zz\r\n",
        "host: x\\y\r\n",
        "host: \"x\"\r\n",
        "host: <x>\r\n",
        "host: \u{e4}\r\n",
        "host: :80\r\n",
        "x-forwarded-host: x\r\n",
    ];
    let unread = [
        "host : x\r\n",
        "host\r\n",
        " host: x\r\n",
        "host: x\0\r\n",
        "host: x\r\n y\r\n",
        "host x\r\n",
        "ho st: x\r\n",
    ];
    let mut rows: Vec<Row> = good.iter().map(|lines| row(lines, OK)).collect();
    rows.extend(bad.iter().map(|lines| row(lines, "400 bad_request close")));
    rows.extend(unread.iter().map(|lines| row(lines, REFUSED)));
    rows
}

const OK: &str = "200 authenticated close";
/// By the library below us, before the service is asked.
const REFUSED: &str = "400 empty close";

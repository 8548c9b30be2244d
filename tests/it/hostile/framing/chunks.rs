//! Requests that are refused early, and chunks.

use super::*;

/// A request that is refused before its body was read ends its connection.
pub(super) fn refused_early() -> Vec<Row> {
    let with = |headers: &str, body: String| post(headers, body.as_bytes());
    let no_host = format!(
        "POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n{SMUGGLED}",
        SMUGGLED.len()
    );
    let two = no_host.replace(
        "HTTP/1.1\r\ncontent",
        "HTTP/1.1\r\nhost: a\r\nhost: a\r\ncontent",
    );
    vec![
        Row::new(
            "behind a body that is too long",
            with(
                "content-length: 70000\r\n",
                format!("{}{SMUGGLED}", "b".repeat(70_000)),
            ),
            "413 body_too_large close",
        ),
        Row::new(
            "within a body that is too long",
            with("content-length: 70000\r\n", SMUGGLED.repeat(50)),
            "413 body_too_large close",
        ),
        Row::new(
            "instead of a body that was announced",
            with(
                "expect: 100-continue\r\ncontent-length: 70000\r\n",
                SMUGGLED.into(),
            ),
            "413 body_too_large close",
        ),
        Row::new("without a Host", no_host, "400 bad_request close"),
        Row::new("with two Hosts", two, "400 bad_request close"),
        Row::new(
            "behind a chunk of no size",
            with(
                "transfer-encoding: chunked\r\n",
                format!("zz\r\n\r\n{SMUGGLED}"),
            ),
            "400 bad_request close",
        ),
        Row::new(
            "behind a chunk that is too long",
            with(
                "transfer-encoding: chunked\r\n",
                format!("3\r\nabcd\r\n0\r\n\r\n{SMUGGLED}"),
            ),
            "400 bad_request close",
        ),
        Row::new(
            "behind chunks that are too many",
            with(
                "transfer-encoding: chunked\r\n",
                format!("{}{END}{SMUGGLED}", chunk(&"c".repeat(1000)).repeat(70)),
            ),
            "413 body_too_large close",
        ),
        Row::new(
            "behind a head of no HTTP",
            format!("rubbish\r\n\r\n{SMUGGLED}"),
            REFUSED,
        ),
        Row::new(
            "in a header value",
            post(&format!("x: {}\r\n", SMUGGLED.replace("\r\n", "\r")), b""),
            REFUSED,
        ),
        Row::new(
            "behind a URL that is none",
            format!("POST http:// HTTP/1.1\r\nhost: x\r\n\r\n{SMUGGLED}"),
            REFUSED,
        ),
    ]
}

/// What follows the last request of a connection is nobody's.
pub(super) fn behind_the_last() -> Vec<Row> {
    let hiding = |request: Vec<u8>| [request, SMUGGLED.into()].concat();
    let old = String::from_utf8(good(""))
        .unwrap()
        .replace("HTTP/1.1", "HTTP/1.0");
    vec![
        Row::new(
            "behind `close`",
            hiding(good("connection: close\r\n")),
            "200 authenticated close",
        ),
        Row::new(
            "behind `close` among others",
            hiding(good("connection: foo, Close ,bar\r\n")),
            "200 authenticated close",
        ),
        Row::new(
            "behind `close` and `keep-alive`",
            hiding(good("connection: close\r\nconnection: keep-alive\r\n")),
            "200 authenticated close",
        ),
        Row::new(
            "behind HTTP/1.0",
            hiding(old.into_bytes()),
            "200 authenticated close | 200 authenticated",
        ),
        Row::new(
            "behind CONNECT",
            format!("CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n{SMUGGLED}"),
            "400 bad_request close",
        ),
        Row::new(
            "behind HTTP/2's preface",
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{SMUGGLED}"),
            "nothing | 400 empty close",
        ),
    ]
}

/// RFC 9110 section 8.6: digits.
pub(super) fn lengths() -> Vec<Row> {
    let count = GOOD.len();
    let row = |value: String, expected: &str| {
        Row::new(
            format!("length {value:?}"),
            post(
                &format!("content-length:{value}\r\nconnection: close\r\n"),
                GOOD.as_bytes(),
            ),
            expected,
        )
    };
    let good = [
        format!("{count}"),
        format!(" {count}"),
        format!("\t{count}\t "),
        format!("000{count}"),
    ];
    let bad = [
        "+N",
        "-N",
        "0xN",
        "N.0",
        "Ne0",
        "N N",
        "N,N",
        "N;",
        "N\u{b}",
        "\"N\"",
        "",
        " ",
        "N\0",
        "\u{0664}\u{0663}",
        "x",
        "18446744073709551616",
        "99999999999999999999999999",
        "-1",
        "2e1",
    ];
    let mut rows: Vec<Row> = good.into_iter().map(|value| row(value, OK)).collect();
    rows.extend(
        bad.iter()
            .map(|value| row(value.replace('N', &count.to_string()), REFUSED)),
    );
    rows.push(row((count - 1).to_string(), "400 malformed_body close"));
    rows.push(row((count + 1).to_string(), "400 bad_request close"));
    // What the library below cannot count it refuses; what we will not read the contract does.
    rows.push(row("18446744073709551615".into(), "431 empty close"));
    rows.push(row(
        "9223372036854775807".into(),
        "413 body_too_large close",
    ));
    rows.push(row("65537".into(), "413 body_too_large close"));
    rows
}

/// RFC 9112 section 7.1.
pub(super) fn chunks() -> Vec<Row> {
    let size = format!("{:x}", GOOD.len());
    let (first, second) = GOOD.split_at(10);
    let row = |body: String, expected: &str| {
        Row::new(
            format!("chunks {:.60?}", body),
            post(
                "transfer-encoding: chunked\r\nconnection: close\r\n",
                body.as_bytes(),
            ),
            expected,
        )
    };
    let of_size = |size: &str, expected: &str| row(format!("{size}\r\n{GOOD}\r\n{END}"), expected);
    let mut rows = vec![
        row(format!("{}{}{END}", chunk(first), chunk(second)), OK),
        row(
            GOOD.chars()
                .map(|letter| chunk(&letter.to_string()))
                .collect::<String>()
                + END,
            OK,
        ),
        of_size(&size.to_uppercase(), OK),
        of_size(&format!("0000{size}"), OK),
        of_size(&format!("{size} "), OK),
        of_size(&format!("{size}\t"), OK),
        of_size(&format!("{size};a"), OK),
        of_size(&format!("{size};a=b;c=\"d\""), OK),
        of_size(&format!("{size} ; a = b"), OK),
        row(format!("{}000\r\n\r\n", chunk(GOOD)), OK),
        row(format!("{}0;a=b\r\n\r\n", chunk(GOOD)), OK),
        row(END.into(), "400 malformed_body close"),
    ];
    let sizes = [
        "",
        " ",
        "-1",
        "+N",
        " N",
        "0xN",
        "N N",
        "N,",
        "Ng",
        "N\u{b}",
        "N\0",
        "\u{ff12}b",
        "10000000000000000",
        "ffffffffffffffffffff",
        "N;a\nb",
        "N\n",
        "\nN",
        "\rN",
        "N\r",
    ];
    rows.extend(
        sizes
            .iter()
            .map(|value| of_size(&value.replace('N', &size), BAD)),
    );
    let broken = [
        format!("{size}\n{GOOD}\n0\n\n"),
        format!("{size}\r{GOOD}\r\n{END}"),
        format!("{size}\r\n{GOOD}{END}"),
        format!("{size}\r\n{GOOD}\n{END}"),
        format!("{size}\r\n{GOOD}\r{END}"),
        format!("{size}\r\n{GOOD}x\r\n{END}"),
        format!("{}0\r\n", chunk(GOOD)),
        format!("{}0", chunk(GOOD)),
        chunk(GOOD),
        format!("{}0\n\n", chunk(GOOD)),
        format!("{}0\r\nx\r\n", chunk(GOOD)),
        format!("fffffffffffffff0\r\n{GOOD}\r\n{END}"),
        format!("7fffffffffffffff\r\n{GOOD}\r\n{END}"),
        format!("{size};{}\r\n{GOOD}\r\n{END}", "a".repeat(20_000)),
        GOOD.to_owned(),
        String::new(),
    ];
    rows.extend(broken.into_iter().map(|body| row(body, BAD)));
    // More bytes of framing than of body: each extension is short, all of them are not.
    rows.push(row(
        GOOD.chars()
            .map(|letter| format!("1;{}\r\n{letter}\r\n", "a".repeat(1_000)))
            .collect::<String>()
            + END,
        BAD,
    ));
    rows
}

/// RFC 9110 section 6.5: fields behind a body change nothing of what was in front of it.
pub(super) fn trailers() -> Vec<Row> {
    let row = |trailer: &str, expected: &str| {
        let body = format!("{}0\r\n{trailer}\r\n", chunk(GOOD));
        Row::new(
            format!("trailer {trailer:.40?}"),
            post(
                "transfer-encoding: chunked\r\nconnection: close\r\n",
                body.as_bytes(),
            ),
            expected,
        )
    };
    let good = [
        "x: y\r\n",
        "x: y\r\nz: a\r\n",
        "content-length: 5\r\n",
        "transfer-encoding: chunked\r\n",
        "host: other\r\n",
        "content-type: text/plain\r\n",
        "authorization: x\r\n",
    ];
    let mut rows: Vec<Row> = good.iter().map(|trailer| row(trailer, OK)).collect();
    rows.push(row(&"x: y\r\n".repeat(2_000), BAD));
    rows.push(row(&format!("x: {}\r\n", "y".repeat(100_000)), BAD));
    rows
}

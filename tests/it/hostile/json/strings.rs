//! Strings and what stands between tokens.

use super::*;

/// A backslash before every byte, and `\u` before four characters of which some are no hexadecimal digits.
pub(super) fn escapes() -> Vec<Text> {
    let mut texts: Vec<Text> = (0..=255_u8)
        .filter(|byte| *byte != b'u' && *byte != b'"')
        .map(|byte| {
            let text = [b"\"\\".as_slice(), &[byte], b"\""].concat();
            member_of_bytes(
                format!("escape \\{}", byte.escape_ascii()),
                &text,
                lawful(b"\\/bfnrt".contains(&byte)),
            )
        })
        .collect();
    texts.push(member("escaped quote", r#""\"""#, Class::Accept));
    let digits = [
        ("0", true),
        ("9", true),
        ("a", true),
        ("F", true),
        ("g", false),
        (" ", false),
        ("\\", false),
        ("\u{ff11}", false),
        ("-", false),
    ];
    for (first, a) in digits {
        for (second, b) in digits {
            for (last, c) in digits {
                // `0` in front keeps surrogates out.
                let text = format!("\"\\u0{first}{second}{last}\"");
                texts.push(member(format!("escape {text}"), &text, lawful(a && b && c)));
            }
        }
    }
    let cut = [
        "\\u",
        "\\u0",
        "\\u00",
        "\\u004",
        "\\U0041",
        "\\x41",
        "\\101",
        "\\u{41}",
        "\\u+041",
        "\\N{DASH}",
    ];
    texts.extend(cut.map(|escape| {
        member(
            format!("escape {escape}"),
            &format!("\"{escape}\""),
            Class::Refuse,
        )
    }));
    texts
}

/// Two UTF-16 units beside each other, each none, a high one, a low one, or half an escape.
pub(super) fn surrogates() -> Vec<Text> {
    let mut texts = Vec::new();
    for high in ["\\uD800", "\\udbff", "\\uD834"] {
        for low in ["\\uDC00", "\\udfff", "\\uDD1E"] {
            texts.push(member(
                format!("pair {high}{low}"),
                &format!("\"{high}{low}\""),
                Class::Accept,
            ));
            // RFC 8259 section 8.2: what becomes of these is unpredictable.
            for lone in [
                format!("{low}{high}"),
                format!("{high}x{low}"),
                format!("{high}{high}{low}"),
                format!("{high}{low}{low}"),
                format!("{high}\\n{low}"),
                format!("{high}\\u0041"),
                high.into(),
                low.into(),
            ] {
                texts.push(member(
                    format!("unpaired {lone}"),
                    &format!("\"{lone}\""),
                    Class::Free,
                ));
            }
            texts.push(member(
                format!("half a low one {high}"),
                &format!("\"{high}{}\"", &low[..4]),
                Class::Refuse,
            ));
        }
    }
    texts
}

/// Every byte in a string, and sequences that are no UTF-8.
pub(super) fn bytes_in_strings() -> Vec<Text> {
    let mut texts: Vec<Text> = (0..=255_u8)
        .filter(|byte| !b"\"\\".contains(byte))
        .map(|byte| {
            member_of_bytes(
                format!("byte {byte:02x} in a string"),
                &[b'"', byte, b'"'],
                lawful((0x20..0x80).contains(&byte)),
            )
        })
        .collect();
    let sequences: [&[u8]; 23] = [
        b"\xc0\x80",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xe0\x80\x80",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\xb4\xed\xb4\x9e",
        b"\xf4\x90\x80\x80",
        b"\xf7\xbf\xbf\xbf",
        b"\xfe\xfe\xff\xff",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9d\x84",
        b"\xc3\xc3",
        b"\xe2\x28\xa1",
        b"\x80\xbf\x80\xbf",
        b"caf\xe9",
    ];
    texts.extend(sequences.map(|sequence| {
        member_of_bytes(
            format!("no UTF-8: {}", sequence.escape_ascii()),
            &[b"\"", sequence, b"\""].concat(),
            Class::Refuse,
        )
    }));
    texts.extend(
        [
            "\u{80}",
            "\u{7ff}",
            "\u{800}",
            "\u{ffff}",
            "\u{10000}",
            "\u{10ffff}",
            "\u{feff}",
            "\u{0}\u{1}",
        ]
        .map(|text| {
            member(
                format!("UTF-8 {}", text.escape_unicode()),
                &format!("\"{text}\""),
                lawful(!text.starts_with('\0')),
            )
        }),
    );
    texts
}

/// Every byte beside the tokens of the whole: four are white space, the others are too much.
pub(super) fn bytes_between_tokens() -> Vec<Text> {
    let whole = member("", "1", Class::Accept).bytes;
    let places = [
        ("before all", 0),
        ("before the first name", 1),
        ("before a colon", 11),
        ("after a colon", 12),
        ("before a comma", 18),
        ("after a comma", 19),
        ("before the end", whole.len() - 1),
        ("after all", whole.len()),
    ];
    let mut texts = Vec::new();
    for (place, at) in places {
        for byte in 0..=255_u8 {
            // A further digit makes another number.
            let class = lawful(
                b" \t\r\n".contains(&byte) || place == "before the end" && byte.is_ascii_digit(),
            );
            let bytes = [&whole[..at], &[byte], &whole[at..]].concat();
            texts.push(Text {
                name: format!("byte {byte:02x} {place}"),
                bytes,
                class,
            });
        }
    }
    texts
}

/// The tokens of an object, each left out, doubled, or swapped with the next; and its bytes, cut at each.
pub(super) fn structures() -> Vec<Text> {
    let tokens = [
        "{",
        "\"username\"",
        ":",
        "\"test\"",
        ",",
        "\"password\"",
        ":",
        "\"Test12345!\"",
        ",",
        "\"x\"",
        ":",
        "[",
        "1",
        ",",
        "{",
        "\"y\"",
        ":",
        "null",
        "}",
        "]",
        "}",
    ];
    let text = |name: String, tokens: &[&str]| Text {
        name,
        bytes: tokens.join(" ").into_bytes(),
        class: Class::Refuse,
    };
    let mut texts = vec![Text {
        class: Class::Accept,
        ..text("all tokens".into(), &tokens)
    }];
    for at in 0..tokens.len() {
        let (before, after) = (&tokens[..at], &tokens[at + 1..]);
        texts.push(text(
            format!("without token {at}"),
            &[before, after].concat(),
        ));
        texts.push(text(
            format!("token {at} twice"),
            &[before, &[tokens[at]], &[tokens[at]], after].concat(),
        ));
        if let [next, rest @ ..] = after {
            texts.push(text(
                format!("tokens {at} and {} swapped", at + 1),
                &[before, &[*next, tokens[at]], rest].concat(),
            ));
        }
    }
    let whole = texts[0].bytes.clone();
    texts.extend((1..whole.len()).map(|length| Text {
        name: format!("cut after {length} bytes"),
        bytes: whole[..length].to_vec(),
        class: Class::Refuse,
    }));
    texts
}

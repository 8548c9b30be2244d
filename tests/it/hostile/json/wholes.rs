//! Depths, encodings and whole bodies.

use super::*;

/// Lists and objects within each other: a reader may limit how deep (RFC 8259 section 9), and must not fall.
pub(super) fn depths() -> Vec<Text> {
    let mut texts = Vec::new();
    for depth in [1, 10, 60, 127, 128, 129, 1_000, 10_000, 100_000] {
        let class = if depth <= 60 {
            Class::Accept
        } else {
            Class::Free
        };
        for (open, middle, close) in [
            ("[", "1", "]"),
            ("{\"a\":", "1", "}"),
            ("[{\"a\":", "[]", "}]"),
            ("[1,", "2", ",3]"),
        ] {
            let value = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
            texts.push(member(format!("{depth} times {open}"), &value, class));
            texts.push(member(
                format!("{depth} times {open} without end"),
                &open.repeat(depth),
                Class::Refuse,
            ));
            let without = Text {
                name: format!("{depth} times {open} alone"),
                bytes: open.repeat(depth).into_bytes(),
                class: Class::Refuse,
            };
            texts.push(without);
            texts.push(member(
                format!("{depth} times {open}, one end missing"),
                &value[..value.len() - close.len()],
                Class::Refuse,
            ));
        }
    }
    texts
}

/// The whole in other encodings, and with their marks.
pub(super) fn encodings() -> Vec<Text> {
    let whole = String::from_utf8(member("", "1", Class::Accept).bytes).unwrap();
    let units: Vec<u16> = whole.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let wide: Vec<u8> = whole
        .chars()
        .flat_map(|letter| (letter as u32).to_be_bytes())
        .collect();
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    let text = whole.as_bytes();
    let rows: [(&str, Vec<u8>); 12] = [
        ("UTF-8 with a mark", marked(b"\xef\xbb\xbf", text)),
        ("two marks", marked(b"\xef\xbb\xbf\xef\xbb\xbf", text)),
        ("half a mark", marked(b"\xef\xbb", text)),
        ("a mark alone", b"\xef\xbb\xbf".to_vec()),
        ("a mark at the end", marked(text, b"\xef\xbb\xbf")),
        ("UTF-16 little", little.clone()),
        ("UTF-16 little with a mark", marked(b"\xff\xfe", &little)),
        ("UTF-16 big", big.clone()),
        ("UTF-16 big with a mark", marked(b"\xfe\xff", &big)),
        ("UTF-32", wide.clone()),
        ("UTF-32 with a mark", marked(b"\0\0\xfe\xff", &wide)),
        ("UTF-7", marked(b"+/v8-", text)),
    ];
    // RFC 8259 section 8.1 lets a reader ignore a mark; ours is held to the letter by the contract.
    rows.into_iter()
        .map(|(name, bytes)| Text {
            name: name.into(),
            bytes,
            class: Class::Refuse,
        })
        .collect()
}

/// Texts that are no object, and what stands around one.
pub(super) fn wholes() -> Vec<Text> {
    let whole = String::from_utf8(member("", "1", Class::Accept).bytes).unwrap();
    let no_object = [
        "[]",
        "[1,{}]",
        "\"\"",
        "\"username\"",
        "0",
        "-1.5e3",
        "true",
        "false",
        "null",
        " null ",
        "[[[]]]",
        &format!("[{whole}]"),
    ];
    let refused = [
        "a",
        "\"",
        "-",
        "[",
        "{",
        "nul",
        "username=test&password=Test12345!",
        "<validation/>",
        "---\nusername: test\n",
        "username: test",
        "/**/{}",
        ")]}',\n{}",
        "for(;;);{}",
        "callback({})",
        "{}{}",
        "{} {}",
        "[][]",
        "1 1",
        "\"\"\"\"",
        "{},",
        "{};",
        "{}\0",
        "\0",
        "\0{}",
        " ",
        "\n\n",
    ];
    let around = [
        "}", "]", ",", ":", ";", "x", "0", "\"", "null", "{}", "[]", "\0", "\u{1a}", "//", "/**/",
        "#", "\u{a0}", "\u{2028}", "\u{b}", "\u{c}", &whole,
    ];
    let mut texts: Vec<Text> = no_object
        .iter()
        .map(|text| Text {
            name: format!("whole {text}"),
            bytes: text.as_bytes().to_vec(),
            class: Class::NoObject,
        })
        .collect();
    texts.extend(refused.iter().map(|text| Text {
        name: format!("whole {text:?}"),
        bytes: text.as_bytes().to_vec(),
        class: Class::Refuse,
    }));
    texts.extend(around.iter().flat_map(|text| {
        [
            ("after", format!("{whole}{text}")),
            ("before", format!("{text}{whole}")),
        ]
        .map(|(place, bytes)| Text {
            name: format!("{text:?} {place} all"),
            bytes: bytes.into_bytes(),
            class: Class::Refuse,
        })
    }));
    texts
}

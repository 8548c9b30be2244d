//! Texts that are JSON, are not, or may be either, made from a description of the grammar (RFC 8259).
//!
//! Most stand as the value of a member that no operation knows, beside the right credentials: whoever reads the text signs in.

/// What a reader must make of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// It is JSON, and the credentials in it are right.
    Accept,
    /// It is JSON, and no object.
    NoObject,
    /// It is no JSON.
    Refuse,
    /// The grammar allows it and RFC 8259 lets a reader refuse it (depth, range, unpaired surrogates).
    Free,
}

pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) class: Class,
}

/// Returns all texts.
pub(crate) fn all() -> Vec<Text> {
    let parts = [
        numbers(),
        literals(),
        values(),
        escapes(),
        surrogates(),
        bytes_in_strings(),
        bytes_between_tokens(),
        structures(),
        depths(),
        encodings(),
        wholes(),
        sizes(),
    ];
    parts.into_iter().flatten().collect()
}

/// Sign, digits, fraction and exponent, each lawful or not: the number is lawful if all of its parts are.
fn numbers() -> Vec<Text> {
    let signs = [
        ("", true),
        ("-", true),
        ("+", false),
        ("--", false),
        ("- ", false),
    ];
    let digits = [
        ("0", true),
        ("7", true),
        ("10", true),
        ("1234567890", true),
        ("", false),
        ("01", false),
        ("00", false),
        ("0x1F", false),
        ("1_000", false),
        ("1,000.", false),
        ("\u{0663}", false),
        ("Infinity", false),
        ("NaN", false),
    ];
    let fractions = [
        ("", true),
        (".5", true),
        (".0", true),
        (".000001", true),
        (".", false),
        (".5.5", false),
        (". 5", false),
        (".-5", false),
        ("..5", false),
    ];
    let exponents = [
        ("", true),
        ("e1", true),
        ("E1", true),
        ("e+1", true),
        ("e-1", true),
        ("E-02", true),
        ("e", false),
        ("e+", false),
        ("e+-1", false),
        ("e1.5", false),
        ("e 1", false),
        ("ee1", false),
        ("f", false),
    ];
    let mut texts = Vec::new();
    for (sign, a) in signs {
        for (digit, b) in digits {
            for (fraction, c) in fractions {
                for (exponent, d) in exponents {
                    let number = format!("{sign}{digit}{fraction}{exponent}");
                    texts.push(member(
                        format!("number {number}"),
                        &number,
                        lawful(a && b && c && d),
                    ));
                }
            }
        }
    }
    // RFC 8259 section 6: a reader may limit range and precision.
    let far = [
        "1e400",
        "-1e400",
        "1e-400",
        "123e99999999999999999999",
        "0e99999999999999999999",
        &"9".repeat(400),
        &format!("0.{}1", "0".repeat(400)),
        "18446744073709551616",
        "-9223372036854775809",
        "-0",
    ];
    texts.extend(
        far.iter()
            .map(|number| member(format!("number far out: {number:.30}"), number, Class::Free)),
    );
    texts
}

/// The three words, in every case, cut and continued.
fn literals() -> Vec<Text> {
    let mut texts = Vec::new();
    for word in ["true", "false", "null"] {
        for cases in 0..1_u32 << word.len() {
            let cased: String = word
                .char_indices()
                .map(|(at, letter)| {
                    if cases >> at & 1 == 1 {
                        letter.to_ascii_uppercase()
                    } else {
                        letter
                    }
                })
                .collect();
            texts.push(member(format!("word {cased}"), &cased, lawful(cases == 0)));
        }
        texts.extend((1..word.len()).map(|length| {
            member(
                format!("cut word {}", &word[..length]),
                &word[..length],
                Class::Refuse,
            )
        }));
        texts.extend(["e", "0", "\"\"", "_", "\u{e9}"].map(|rest| {
            member(
                format!("word {word}{rest}"),
                &format!("{word}{rest}"),
                Class::Refuse,
            )
        }));
    }
    let others = [
        "undefined",
        "nil",
        "None",
        "yes",
        "NULL",
        "nan",
        "NaN",
        "-NaN",
        "Infinity",
        "-Infinity",
        "inf",
        "a",
        "\u{2028}",
        "true false",
        "1 2",
        "$1",
        "'a'",
        "`a`",
        "\u{201c}a\u{201d}",
        "<a/>",
        "#a",
        "%61",
        "@a",
        "&a",
        "=1",
        "\\u0041",
    ];
    texts.extend(others.map(|word| member(format!("no word {word}"), word, Class::Refuse)));
    texts
}

/// Lists and objects, empty, ended too early, too late or otherwise, with commas and colons too many and too few.
fn values() -> Vec<Text> {
    let good = [
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "{\"\":{}}",
        "[1,2]",
        "{\"a\":1,\"a\":2}",
        "[ 1 , 2 ]",
        "\t[\r\n]",
        "{\"a\" : [ ] }",
        "\"\"",
        "\"/\"",
        "[\"\",\"\"]",
        "{\"a\\u0000b\":0}",
        "[null,true,false,0,\"\",[],{}]",
        "\"\u{fdd0}\u{ffff}\u{10ffff}\"",
    ];
    let bad = [
        "[",
        "]",
        "{",
        "}",
        "[}",
        "{]",
        "[[]",
        "[]]",
        "{{}}",
        "[,]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1;2]",
        "[1:2]",
        "[1=2]",
        "(1)",
        "<1>",
        "{1}",
        "{\"a\"}",
        "{\"a\":}",
        "{:1}",
        "{\"a\":1,}",
        "{,\"a\":1}",
        "{\"a\":1,,\"b\":2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1;\"b\":2}",
        "{\"a\"=1}",
        "{\"a\"=>1}",
        "{\"a\"::1}",
        "{\"a\":1:2}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{null:1}",
        "{[]:1}",
        "{\"a\":1,1}",
        "[\"a\":1]",
        "[*]",
        "[...]",
        "[1/**/]",
        "[1//\n]",
        "[1#\n]",
        "/**/1",
        "1/**/",
        "\"",
        "\"a",
        "a\"",
        "\"a\"b\"",
        "\"a\"\"b\"",
        "\"a\" \"b\"",
        "\"a\"+\"b\"",
        "'\"a\"'",
        "\"\\\"",
        "[\"",
        "[\"a",
        "[\"a\",",
        "{\"a",
        "{\"a\":\"b",
    ];
    good.iter()
        .map(|value| member(format!("value {value}"), value, Class::Accept))
        .chain(
            bad.iter()
                .map(|value| member(format!("no value {value}"), value, Class::Refuse)),
        )
        .collect()
}

/// A backslash before every byte, and `\u` before four characters of which some are no hexadecimal digits.
fn escapes() -> Vec<Text> {
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
fn surrogates() -> Vec<Text> {
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
fn bytes_in_strings() -> Vec<Text> {
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
fn bytes_between_tokens() -> Vec<Text> {
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
fn structures() -> Vec<Text> {
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

/// Lists and objects within each other: a reader may limit how deep (RFC 8259 section 9), and must not fall.
fn depths() -> Vec<Text> {
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
fn encodings() -> Vec<Text> {
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
fn wholes() -> Vec<Text> {
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

/// Much of everything, all of it lawful.
fn sizes() -> Vec<Text> {
    let long = "a".repeat(60_000);
    let members = (0..4_000)
        .map(|number| format!("\"k{number}\":{number}"))
        .collect::<Vec<_>>()
        .join(",");
    [
        ("a string of 60,000 characters", format!("\"{long}\"")),
        ("a name of 60,000 characters", format!("{{\"{long}\":0}}")),
        (
            "10,000 escapes",
            format!("\"{}\"", "\\u0041".repeat(10_000)),
        ),
        ("4,000 members", format!("{{{members}}}")),
        ("20,000 items", format!("[{}0]", "0,".repeat(20_000))),
        ("60,000 blanks", " ".repeat(60_000) + "1"),
        (
            "one name 5,000 times",
            format!("{{{}\"a\":0}}", "\"a\":0,".repeat(5_000)),
        ),
    ]
    .into_iter()
    .map(|(name, value)| member(name, &value, Class::Accept))
    .collect()
}

fn member(name: impl Into<String>, value: &str, class: Class) -> Text {
    member_of_bytes(name, value.as_bytes(), class)
}

fn member_of_bytes(name: impl Into<String>, value: &[u8], class: Class) -> Text {
    Text {
        name: name.into(),
        bytes: [
            br#"{"username":"test","password":"Test12345!","x":"#,
            value,
            b"}",
        ]
        .concat(),
        class,
    }
}

fn lawful(lawful: bool) -> Class {
    if lawful { Class::Accept } else { Class::Refuse }
}

//! Texts that are JSON, are not, or may be either, made from a description of the grammar (RFC 8259).
//!
//! Most stand as the value of a member that no operation knows, beside the right credentials: a server that reads the text signs in.

mod wholes;

mod strings;

use strings::{bytes_between_tokens, bytes_in_strings, escapes, structures, surrogates};
use wholes::{depths, encodings, wholes};

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

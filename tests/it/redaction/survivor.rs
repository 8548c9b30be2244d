//! Looking for what survived: a text is decoded in every order that a reader may try, and searched. It knows nothing of the redactor,
//! and goes the other way round: that one spells a secret, this reads a text.

use std::collections::BTreeSet;

/// Tells whether somebody who decodes a text, however often and in whatever order, comes upon a secret.
pub(crate) fn survives(text: &str, secret: &str) -> bool {
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut next = vec![text.as_bytes().to_vec()];
    for _ in 0..DEPTH {
        for text in std::mem::take(&mut next) {
            if holds(&text, secret.as_bytes()) || base64_holds(&text, secret.as_bytes()) {
                return true;
            }
            let decoded = DECODERS.map(|decode| decode(&text));
            next.extend(
                decoded
                    .into_iter()
                    .filter(|decoded| *decoded != text && seen.insert(decoded.clone())),
            );
        }
    }
    false
}

/// A text as decoded once by one reader.
type Decode = fn(&[u8]) -> Vec<u8>;

const DECODERS: [Decode; 4] = [
    json,
    |text| percent(text, false),
    |text| percent(text, true),
    html,
];
/// One more than what a test nests: twice one form round another, and three in the innermost.
const DEPTH: usize = 6;

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// RFC 8259 section 7, and `\u{…}` as Rust writes it. What is no escape stays, and a backslash before any other character is dropped, as a shell does.
fn json(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    let mut high: Option<u32> = None;
    while let Some((&first, after)) = rest.split_first() {
        let (bytes, length) = match (first, after.first()) {
            (b'\\', Some(b'u')) => match unit(&after[1..]) {
                Some((value, length)) => {
                    let whole = match (high.take(), value) {
                        (Some(high), 0xdc00..0xe000) => {
                            char::from_u32(0x10000 + ((high - 0xd800) << 10) + (value - 0xdc00))
                        }
                        _ => char::from_u32(value),
                    };
                    high = (0xd800..0xdc00).contains(&value).then_some(value);
                    (
                        whole
                            .map(|whole| whole.to_string().into_bytes())
                            .unwrap_or_default(),
                        2 + length,
                    )
                }
                None => (vec![first], 1),
            },
            (b'\\', Some(letter)) => {
                let meant = match letter {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    b'0' => 0,
                    other => *other,
                };
                (vec![meant], 2)
            }
            _ => (vec![first], 1),
        };
        decoded.extend(bytes);
        rest = &rest[length..];
    }
    decoded
}

/// The number and the length of `0021` or `{21}`.
fn unit(after: &[u8]) -> Option<(u32, usize)> {
    let (digits, length) = match after.strip_prefix(b"{") {
        Some(inner) => {
            let end = inner.iter().position(|byte| *byte == b'}')?;
            (&inner[..end], end + 2)
        }
        None => (after.get(..4)?, 4),
    };
    Some((
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?,
        length,
    ))
}

/// RFC 3986 section 2.1; with plus signs for blanks, as forms have them, or without.
fn percent(text: &[u8], plus: bool) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let value = text
            .get(at + 1..at + 3)
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match (byte, value) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 3;
            }
            (b'+', _) if plus => {
                decoded.push(b' ');
                at += 1;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// The references of HTML that stand for a character by number, or by one of the five names that every writer of HTML uses.
fn html(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let end = after
            .iter()
            .take(12)
            .position(|byte| *byte == b';')
            .filter(|_| first == b'&');
        let meant = end.and_then(|end| match &after[..end] {
            b"amp" => Some('&'),
            b"lt" => Some('<'),
            b"gt" => Some('>'),
            b"quot" => Some('"'),
            b"apos" => Some('\''),
            [b'#', b'x' | b'X', digits @ ..] => {
                char::from_u32(u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?)
            }
            [b'#', digits @ ..] => char::from_u32(std::str::from_utf8(digits).ok()?.parse().ok()?),
            _ => None,
        });
        match (meant, end) {
            (Some(meant), Some(end)) => {
                decoded.extend(meant.to_string().into_bytes());
                rest = &after[end + 1..];
            }
            _ => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    decoded
}

/// Whether some run of base64's letters (RFC 4648 sections 4 and 5), read from any of its first four, holds a secret.
fn base64_holds(text: &[u8], secret: &[u8]) -> bool {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let runs = text
        .split(|byte| value(*byte).is_none())
        .filter(|run| run.len() * 3 / 4 >= secret.len());
    runs.into_iter().any(|run| {
        let sixes: Vec<u8> = run.iter().copied().filter_map(value).collect();
        (0..4.min(sixes.len())).any(|from| {
            let groups = sixes[from..].chunks(4).flat_map(|four| {
                let whole = four
                    .iter()
                    .fold(0_u32, |whole, six| whole << 6 | u32::from(*six))
                    << (6 * (4 - four.len()));
                whole.to_be_bytes()[1..four.len()].to_vec()
            });
            holds(&groups.collect::<Vec<u8>>(), secret)
        })
    })
}

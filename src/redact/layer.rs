//! A text as somebody has it who has undone an escaping of the whole: what one writer escaped, another may have escaped again in a form of
//! his own, as a page does with a JSON body.

use crate::redact::{spelled, spelled::number};

/// A text that was read out of another, each of its bytes with the place where that begins.
pub(super) struct Layer {
    pub(super) text: Vec<u8>,
    /// One more than there are bytes: the last is the end.
    places: Vec<usize>,
}

/// What can be undone.
#[derive(Clone, Copy)]
enum Escaping {
    Json,
    Percent,
    Html,
}

/// Calls for every text that undoing one escaping, or two of any kinds one after the other, makes of this one. The last form, in which single
/// characters may be spelt in any way, is left to `spelled`.
pub(super) fn each(bytes: &[u8], mut call: impl FnMut(&Layer)) {
    for outer in ALL
        .into_iter()
        .filter_map(|escaping| undone(bytes, escaping))
    {
        call(&outer);
        for inner in ALL
            .into_iter()
            .filter_map(|escaping| undone(&outer.text, escaping))
        {
            let places = inner
                .places
                .iter()
                .map(|place| outer.places[*place])
                .collect();
            call(&Layer { places, ..inner });
        }
    }
}

const ALL: [Escaping; 3] = [Escaping::Json, Escaping::Percent, Escaping::Html];

impl Layer {
    /// Returns where in the text below a piece of this one begins and ends.
    pub(super) fn place(&self, start: usize, end: usize) -> (usize, usize) {
        (self.places[start], self.places[end])
    }
}

/// Undoes an escaping; none where there is nothing to undo.
fn undone(bytes: &[u8], escaping: Escaping) -> Option<Layer> {
    let opener = escaping.opener();
    if !bytes.contains(&opener) {
        return None;
    }
    let (mut text, mut places) = (
        Vec::with_capacity(bytes.len()),
        Vec::with_capacity(bytes.len() + 1),
    );
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest[0] == opener {
            escaping.read(rest, &mut text)
        } else {
            None
        };
        if length.is_none() {
            text.push(rest[0]);
        }
        places.resize(text.len(), at);
        at += length.unwrap_or(1);
    }
    places.push(bytes.len());
    (text.len() < bytes.len()).then_some(Layer { text, places })
}

impl Escaping {
    /// What every escape begins with.
    fn opener(self) -> u8 {
        match self {
            Escaping::Json => b'\\',
            Escaping::Percent => b'%',
            Escaping::Html => b'&',
        }
    }

    /// Writes what the escape that begins here stands for, and returns its length; none where there is none.
    fn read(self, rest: &[u8], text: &mut Vec<u8>) -> Option<usize> {
        let (character, length) = match self {
            Escaping::Json => json(rest)?,
            Escaping::Html => html(rest)?,
            Escaping::Percent => {
                // A byte, which need not be a character.
                text.push(u8::try_from(number(rest.get(1..3)?, 16)?).ok()?);
                return Some(3);
            }
        };
        text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Some(length)
    }
}

/// An escape of JSON or Rust, or a backslash before a character that stands for itself.
fn json(rest: &[u8]) -> Option<(char, usize)> {
    match rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(LONGEST).position(|byte| *byte == b'}')?;
            Some((char::from_u32(number(rest.get(3..end)?, 16)?)?, end + 1))
        }
        b'u' => {
            let first = number(rest.get(2..6)?, 16)?;
            let second = || {
                rest[6..]
                    .strip_prefix(b"\\u")
                    .and_then(|after| number(after.get(..4)?, 16))
                    .filter(|second| (0xdc00..0xe000).contains(second))
            };
            match first {
                0xd800..0xdc00 => Some((
                    char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second()? - 0xdc00))?,
                    12,
                )),
                _ => Some((char::from_u32(first)?, 6)),
            }
        }
        other if other.is_ascii() => {
            Some((spelled::short(*other).unwrap_or(char::from(*other)), 2))
        }
        _ => None,
    }
}

/// A reference by number, or one of the five names that every writer of HTML uses.
fn html(rest: &[u8]) -> Option<(char, usize)> {
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let meant = match &rest[1..end] {
        b"amp" => '&',
        name => char::from_u32(spelled::referred(name)?)?,
    };
    Some((meant, end + 1))
}

/// The longest escape of one character.
const LONGEST: usize = 13;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn layers(text: &str) -> Vec<String> {
        let mut layers = Vec::new();
        each(text.as_bytes(), |layer| {
            layers.push(String::from_utf8_lossy(&layer.text).into_owned())
        });
        layers
    }

    #[rstest]
    #[case::nothing("a + b = 100 % & more", &[])]
    #[case::json(r#"\"\u00e9\ud83d\ude00\u{21}\n\!"#, &["\"é😀!\n!"])]
    #[case::json_letters(r"\r\t\b\f\0", &["\r\t\u{8}\u{c}\0"])]
    #[case::json_of_other_letters(r"\é\n", &["\\é\n"])]
    #[case::html_names("&amp;&gt;", &["&>"])]
    #[case::half_a_pair(r"\ud83d\u0021", &[r"\ud83d!"])]
    #[case::percent("%41%c3%A9%", &["Aé%"])]
    #[case::html("&lt;&#33;&#x21;&apos;&nbsp;", &["<!!'&nbsp;"])]
    #[case::one_round_another(r"\&quot;%26lt;", &[r#"&quot;%26lt;"#, r"&quot;&lt;", "\"%26lt;", r"\&quot;&lt;", "&quot;&lt;", "\\\"<", "\\\"%26lt;", "\"%26lt;", "\\\"&lt;"])]
    fn what_is_escaped_is_undone(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(layers(text), expected);
    }

    #[test]
    fn a_piece_has_its_place_in_the_text_that_was_escaped_twice() {
        let text = r"a\&quot;é%22&amp;b";
        let mut places = Vec::new();
        each(text.as_bytes(), |layer| {
            for (start, _) in layer
                .text
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'b')
            {
                let (start, end) = layer.place(start, start + 1);
                places.push(&text[start..end]);
            }
        });
        assert!(
            places.len() > 6 && places.iter().all(|piece| *piece == "b"),
            "{places:?}"
        );
    }
}

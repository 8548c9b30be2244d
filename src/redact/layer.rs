//! A text after an escaping was undone: what one writer escaped, another may have escaped again in its own form, as a page
//! does with a JSON body.

use std::{borrow::Cow, ops::Range};

/// A text that was read out of another, each of its bytes with the place where that begins there.
pub(super) struct Layer<'a> {
    pub(super) text: Cow<'a, [u8]>,
    /// One more than there are bytes: the last is the end.
    places: Vec<usize>,
}

/// An escaping, by the bytes that its escapes begin with.
type Escaping = &'static [u8];

/// Calls for every text that undoing up to three escapings makes of a text, one after the other, and for what a mixture of
/// escapings in those stands for.
pub(super) fn each(bytes: &[u8], call: &mut dyn FnMut(&Layer<'_>)) {
    if !bytes.iter().any(|byte| ANY.contains(byte)) {
        return;
    }
    let whole = Layer {
        text: bytes.into(),
        places: (0..=bytes.len()).collect(),
    };
    descend(&whole, MOST_SINGLE, call);
    let mut next = undo(ANY, &whole);
    for _ in 0..MOST_MIXED {
        let Some(layer) = next else { return };
        call(&layer);
        next = undo(ANY, &layer);
    }
}

fn descend(layer: &Layer<'_>, levels: usize, call: &mut dyn FnMut(&Layer<'_>)) {
    for inner in SINGLE.iter().filter_map(|escaping| undo(escaping, layer)) {
        call(&inner);
        undo(ANY, &inner).iter().for_each(&mut *call);
        if levels > 1 {
            descend(&inner, levels - 1, call);
        }
    }
}

impl Layer<'_> {
    /// Returns where in the original text a piece of this one begins and ends.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        self.places[range.start]..self.places[range.end]
    }
}

/// Undoes an escaping; none where there is nothing to undo.
fn undo(escaping: Escaping, layer: &Layer<'_>) -> Option<Layer<'static>> {
    let bytes = &*layer.text;
    let first = bytes.iter().position(|byte| escaping.contains(byte))?;
    // Without a plus sign, a query is the same as percent-encoding.
    if escaping == QUERY && !bytes.contains(&b'+') {
        return None;
    }
    let (mut text, mut places) = (bytes[..first].to_vec(), layer.places[..first].to_vec());
    let mut is_changed = false;
    let mut at = first;
    while at < bytes.len() {
        let opens = escaping.contains(&bytes[at]);
        let length = opens.then(|| read(&bytes[at..], &mut text)).flatten();
        if length.is_none() {
            text.push(bytes[at]);
        }
        is_changed |= length.is_some();
        places.resize(text.len(), layer.places[at]);
        at += length.unwrap_or(1);
    }
    places.push(layer.places[bytes.len()]);
    is_changed.then_some(Layer {
        text: text.into(),
        places,
    })
}

/// Writes what the escape that begins here stands for, and returns its length; none where there is none.
fn read(rest: &[u8], text: &mut Vec<u8>) -> Option<usize> {
    let (character, length) = match rest[0] {
        b'\\' => json(rest)?,
        b'&' => html(rest)?,
        b'%' => {
            // A byte, which need not be a character.
            text.push(u8::try_from(number(rest.get(1..3)?, 16)?).ok()?);
            return Some(3);
        }
        _ => (' ', 1),
    };
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    Some(length)
}

/// An escape of JSON or Rust, or a backslash before a character that stands for itself.
fn json(rest: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| number(rest.get(at..at + 4)?, 16);
    let character = match *rest.get(1)? {
        b'u' if rest.get(2) == Some(&b'{') => {
            let end = rest.iter().take(LONGEST).position(|byte| *byte == b'}')?;
            let code = number(rest.get(3..end)?, 16)?;
            return Some((char::from_u32(code)?, end + 1));
        }
        b'u' => {
            let units = [
                unit(2)?,
                unit(8)
                    .filter(|_| rest[6..].starts_with(b"\\u"))
                    .unwrap_or(0),
            ];
            let units = units.map(|unit| u16::try_from(unit).unwrap_or(0));
            let character = char::decode_utf16(units).next()?.ok()?;
            return Some((character, 6 * character.len_utf16()));
        }
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'0' => '\0',
        other => char::from(other),
    };
    character.is_ascii().then_some((character, 2))
}

/// A reference by number, or one of the five names that every writer of HTML uses.
fn html(rest: &[u8]) -> Option<(char, usize)> {
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b';')?;
    let character = match &rest[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(digits, 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?)?,
        _ => return None,
    };
    Some((character, end + 1))
}

/// Reads digits alone: `from_str_radix` would take a sign too.
fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let is_number = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u32::from_str_radix(digits, radix).ok()
}

/// Of JSON, of percent-encoding without and with `+` for a blank, of HTML.
const SINGLE: [Escaping; 4] = [b"\\", b"%", QUERY, b"&"];
const QUERY: Escaping = b"%+";
/// All of these, in any mixture.
const ANY: Escaping = b"\\%&+";
/// The longest escape of one character.
const LONGEST: usize = 13;
/// How many escapings of a whole are undone, one after the other.
const MOST_SINGLE: usize = 3;
/// How often a mixture is undone.
const MOST_MIXED: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn layers(text: &str) -> Vec<String> {
        let mut layers = Vec::new();
        each(text.as_bytes(), &mut |layer| {
            layers.push(String::from_utf8_lossy(&layer.text).into_owned())
        });
        layers
    }

    #[rstest]
    #[case::blanks("a+b = 100 % & more", &["a b = 100 % & more"])]
    #[case::json(r#"\"\u00e9\ud83d\ude00\u{21}\n\!"#, &["\"é😀!\n!"])]
    #[case::json_letters(r"\r\t\b\f\0", &["\r\t\u{8}\u{c}\0"])]
    #[case::json_of_other_letters(r"\é\n", &["\\é\n"])]
    #[case::html_names("&amp;&gt;", &["&>"])]
    #[case::half_a_pair(r"\ud83d\u0021", &[r"\ud83d!"])]
    #[case::percent("%41%c3%A9%", &["Aé%"])]
    #[case::html("&lt;&#33;&#x21;&apos;&nbsp;", &["<!!'&nbsp;"])]
    #[case::one_round_another(r"\&quot;%26lt;", &[r#"&quot;%26lt;"#, r"&quot;&lt;", "\"%26lt;", r"\&quot;&lt;", "&quot;&lt;", "\\\"<", "\\\"%26lt;", "\"%26lt;", "\\\"&lt;"])]
    fn what_is_escaped_is_undone(#[case] text: &str, #[case] expected: &[&str]) {
        let layers = layers(text);
        let is_missing = |text: &&&str| !layers.iter().any(|layer| layer == **text);
        assert_eq!(expected.iter().find(is_missing), None, "{layers:?}");
    }

    #[test]
    fn a_piece_has_its_place_in_the_text_that_was_escaped_twice() {
        let text = r"a\&quot;é%22&amp;b";
        let mut places = Vec::new();
        each(text.as_bytes(), &mut |layer| {
            for (start, _) in layer
                .text
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'b')
            {
                places.push(&text[layer.place(start..start + 1)]);
            }
        });
        assert!(
            places.len() > 6 && places.iter().all(|piece| *piece == "b"),
            "{places:?}"
        );
    }
}

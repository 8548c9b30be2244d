//! Redaction by value: what stands under every sink.

use std::{borrow::Cow, cmp::Reverse, collections::BTreeSet, fmt};

use crate::redact::{layer, spelled};

/// Replaces values by labels, wherever they stand and however they are spelt: raw, escaped for JSON, URLs or HTML, in base64.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The longest first, so that no part of one is left.
    patterns: Vec<Pattern>,
    /// By the first byte of their first character, which those are.
    beginning: Vec<Vec<u32>>,
    /// A bit for each two bytes that one of them may begin with, where both stand for themselves: nearly every place of a text is passed by it.
    pairs: Vec<u64>,
}

#[derive(Clone)]
struct Pattern {
    text: Vec<char>,
    /// The second byte of it, raw.
    second: Option<u8>,
    label: String,
    /// Whether base64 has a character before it, and after it, that tells something of it too.
    borders: (bool, bool),
}

impl Redactor {
    /// Hides secrets behind `«secret»`: those of 8 bytes and more that are nobody's user name. A shorter one would be found in
    /// words that are no secret, and is kept out by place alone.
    pub fn of_secrets<'a>(
        secrets: impl IntoIterator<Item = &'a str>,
        usernames: &BTreeSet<&str>,
    ) -> Redactor {
        let hidden = secrets
            .into_iter()
            .filter(|secret| secret.len() >= SHORTEST && !usernames.contains(secret));
        Redactor::of(hidden.map(|secret| (secret, "«secret»")))
    }

    /// Hides values behind labels, however short they are; an empty one is nowhere.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Redactor {
        let mut patterns: Vec<Pattern> = values
            .into_iter()
            .flat_map(|(value, label)| patterns(value, label))
            .collect();
        // Of two values that are alike, the label that came first counts.
        patterns.sort_by_key(|pattern| Reverse(pattern.text.len()));
        let mut beginning = vec![Vec::new(); if patterns.is_empty() { 0 } else { 256 }];
        let mut pairs = vec![0; if patterns.is_empty() { 0 } else { 1 << 16 >> 6 }];
        for (index, pattern) in (0..).zip(&patterns) {
            let first = pattern.text[0].encode_utf8(&mut [0; 4]).as_bytes()[0];
            beginning[usize::from(first)].push(index);
            for second in pattern.second.map_or(0..=255, |second| second..=second) {
                let (word, bit) = pair(first, second);
                pairs[word] |= bit;
            }
        }
        Redactor {
            patterns,
            beginning,
            pairs,
        }
    }

    /// Returns bytes without the values.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.patterns.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut hidden = self.hidden(bytes);
        layer::each(bytes, |layer| {
            hidden.extend(
                self.hidden(&layer.text)
                    .into_iter()
                    .map(|(start, end, label)| {
                        let (start, end) = layer.place(start, end);
                        (start, end, label)
                    }),
            );
        });
        if hidden.is_empty() {
            return Cow::Borrowed(bytes);
        }
        // The same one was perhaps found in several ways, some of which take in more of its borders: that has one label.
        hidden.sort_by_key(|(start, ..)| *start);
        let mut clean: Vec<u8> = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for (start, end, label) in hidden {
            if start >= copied {
                clean.extend_from_slice(&bytes[copied..start]);
                clean.extend_from_slice(label.as_bytes());
            }
            copied = copied.max(end);
        }
        clean.extend_from_slice(&bytes[copied..]);
        Cow::Owned(clean)
    }

    /// Returns from where to where a value stands in bytes, and its label, one after the other.
    fn hidden(&self, bytes: &[u8]) -> Vec<(usize, usize, &str)> {
        let mut hidden = Vec::new();
        let (mut at, mut from, mut run) = (0, 0, 0);
        while at < bytes.len() {
            if let [first, second, ..] = bytes[at..]
                && self.passes(first, second)
            {
                (at, run) = (at + 1, 0);
                continue;
            }
            // What begins in a run of backslashes begins with the whole of it; each as a new beginning would cost the square of its length.
            run = if bytes[at] == b'\\' {
                run % spelled::MOST_ESCAPED + 1
            } else {
                0
            };
            match if run > 1 {
                None
            } else {
                self.find(bytes, at, from)
            } {
                Some(found) => {
                    (at, from, run) = (found.1, found.1, 0);
                    hidden.push(found);
                }
                None => at += 1,
            }
        }
        hidden
    }

    /// Tells at a glance whether nothing begins with these two bytes; where one of them may be the spelling of another, nothing is told.
    fn passes(&self, first: u8, second: u8) -> bool {
        let (word, bit) = pair(first, second);
        !spells(first) && !spells(second) && self.pairs[word] & bit == 0
    }

    /// Returns a text without the values.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Whole characters are replaced by whole ones.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Tells whether a text holds one of the values.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        matches!(self.bytes(bytes), Cow::Owned(_))
    }

    /// Returns what begins at a place: from where to where it is hidden, and behind what.
    fn find(&self, bytes: &[u8], at: usize, from: usize) -> Option<(usize, usize, &str)> {
        // Nearly every text goes on otherwise than its first byte: that is seen at once where the next one stands for itself.
        let next = bytes
            .get(at + 1)
            .copied()
            .filter(|next| !spells(bytes[at]) && !spells(*next));
        let goes_on = move |pattern: &Pattern| {
            next.is_none() || pattern.second.is_none() || pattern.second == next
        };
        let begin = |first: u8| {
            self.beginning[usize::from(first)]
                .iter()
                .copied()
                .filter(move |index| goes_on(&self.patterns[*index as usize]))
        };
        let ends = |index: u32| {
            Some((
                index,
                spelled::end_of(&self.patterns[index as usize].text, bytes, at)?,
            ))
        };
        // Of each beginning the longest comes first; of all that are found, the longest counts.
        let (index, end) = spelled::beginnings(&bytes[at..])
            .filter_map(|first| begin(first).find_map(ends))
            .min()?;
        let pattern = &self.patterns[index as usize];
        let border =
            |there: bool, place: Option<&u8>| there && place.is_some_and(|byte| is_base64(*byte));
        let before = at > from && border(pattern.borders.0, bytes.get(at.wrapping_sub(1)));
        let after = border(pattern.borders.1, bytes.get(end));
        Some((
            at - usize::from(before),
            end + usize::from(after),
            &pattern.label,
        ))
    }
}

/// Returns what is looked for to find a value: itself, and what it is in base64 wherever it begins.
fn patterns(value: &str, label: &str) -> Vec<Pattern> {
    let pattern = |text: &str, borders| Pattern {
        text: text.chars().collect(),
        second: text.as_bytes().get(1).copied(),
        label: label.to_owned(),
        borders,
    };
    let mut patterns = vec![pattern(value, (false, false))];
    if value.len() >= SHORTEST {
        patterns.extend((0..3).flat_map(|alignment| {
            let (core, borders) = base64(value.as_bytes(), alignment);
            let safe = core.replace('+', "-").replace('/', "_");
            [pattern(&safe, borders), pattern(&core, borders)]
        }));
    }
    patterns.retain(|pattern| !pattern.text.is_empty());
    patterns
}

impl fmt::Debug for Redactor {
    /// Tells how many values there are and shows none.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Redactor({} patterns)", self.patterns.len())
    }
}

/// Returns the characters of base64 (RFC 4648 section 4) that bytes alone decide when they begin this far into a group of three,
/// and whether a character before and after them is decided in part.
fn base64(bytes: &[u8], alignment: usize) -> (String, (bool, bool)) {
    let bits: Vec<bool> = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1))
        .collect();
    // So many bits belong to a character that the byte before begins.
    let skipped = (6 - alignment * 8 % 6) % 6;
    let core = bits[skipped..].chunks_exact(6).map(|six| {
        char::from(
            ALPHABET[six
                .iter()
                .fold(0, |value, bit| value << 1 | usize::from(*bit))],
        )
    });
    (
        core.collect(),
        (skipped > 0, !(bits.len() - skipped).is_multiple_of(6)),
    )
}

/// Tells whether a byte may begin the spelling of another character.
fn spells(byte: u8) -> bool {
    matches!(byte, b'\\' | b'%' | b'&' | b'+')
}

/// Returns where the bit of two bytes is.
fn pair(first: u8, second: u8) -> (usize, u64) {
    let number = usize::from(first) << 8 | usize::from(second);
    (number >> 6, 1 << (number & 63))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// What is shorter is found in words that are no secret.
const SHORTEST: usize = 8;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
    };
    use rstest::rstest;

    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::of_secrets(secrets.iter().copied(), &BTreeSet::from(["yoshimitsu"]))
    }

    #[rstest]
    #[case::raw("a Test12345! b", "a «secret» b")]
    #[case::twice("Test12345!Test12345!", "«secret»«secret»")]
    #[case::url("p=Test12345%21&q", "p=«secret»&q")]
    #[case::once_more_its_last("p=Test12345%21%21&q", "p=«secret»%21&q")]
    #[case::nothing("Test1234", "Test1234")]
    fn a_value_is_replaced(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(redactor(&["Test12345!"]).text(text), expected);
    }

    #[test]
    fn a_value_in_a_json_body_on_a_page_is_replaced() {
        let page = r"<pre>{&quot;password&quot;:&quot;Te\&quot;st\\\u00e912345&quot;}</pre>";
        assert_eq!(
            redactor(&[r#"Te"st\é12345"#]).text(page),
            "<pre>{&quot;password&quot;:&quot;«secret»&quot;}</pre>"
        );
    }

    /// Every character that a bit of the secret is in, and no other.
    #[test]
    fn base64_is_found_at_every_alignment_and_in_both_alphabets() {
        let secret = "Test1?>2~\u{ff}345!";
        let redactor = redactor(&[secret]);
        for before in ["", "u", "us", "use", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let (first, end) = (
                    before.len() * 8 / 6,
                    ((before.len() + secret.len()) * 8).div_ceil(6),
                );
                for engine in [STANDARD, URL_SAFE, STANDARD_NO_PAD] {
                    let whole = engine.encode(format!("{before}{secret}{after}"));
                    assert_eq!(
                        redactor.text(&whole),
                        format!("{}«secret»{}", &whole[..first], &whole[end..]),
                        "{before}…{after}: {whole}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_stands_beside_base64_stays() {
        let whole = STANDARD.encode("use-Test12345!");
        assert_eq!(
            redactor(&["Test12345!"]).text(&format!("a:{whole}.b")),
            "a:dXNlL«secret»=.b"
        );
        assert_eq!(
            redactor(&["Test12345!"]).text(&format!("Test12345!{}", STANDARD.encode("Test12345!"))),
            "«secret»«secret»=="
        );
    }

    /// The character that a secret shares with what is before it is no part of another secret that ends there.
    #[test]
    fn base64_that_begins_where_another_secret_ends_has_a_label_of_its_own() {
        let redactor = redactor(&["Test12345a", "Gone-12345!"]);
        let whole = STANDARD.encode("uGone-12345!");
        assert_eq!(
            redactor.text(&format!("Test12345a{}", &whole[2..])),
            "«secret»«secret»"
        );
        // Of base64 that is cut, what stands there instead is no part of it.
        assert_eq!(
            redactor.text(&format!(
                "{}.",
                &STANDARD_NO_PAD.encode("Gone-12345!")[..14]
            )),
            "«secret»."
        );
    }

    #[test]
    fn no_formatting_shows_a_value() {
        assert_eq!(
            format!("{:?}", redactor(&["Test12345!"])),
            "Redactor(7 patterns)"
        );
    }

    #[test]
    fn a_run_of_backslashes_hides_nothing_and_costs_no_square_of_it() {
        let redactor = redactor(&[r"\est12345!"]);
        for length in [1, 2, 63, 64, 65, 128, 1 << 14] {
            let run = r"\".repeat(length);
            let clean = redactor.text(&format!("a{run}est12345!b")).into_owned();
            assert!(
                clean.ends_with("«secret»b") && !clean.contains("12345"),
                "{length}: {clean:.200}"
            );
            assert_eq!(redactor.text(&run), run);
        }
    }

    #[test]
    fn the_longest_goes_first_so_that_no_part_of_it_is_left() {
        assert_eq!(
            redactor(&["Test1234", "Test12345!", "12345!67"]).text("Test12345!"),
            "«secret»"
        );
    }

    #[test]
    fn the_short_and_the_names_are_left_to_their_places() {
        assert_eq!(
            redactor(&["test", "yoshimitsu"]).text("test yoshimitsu"),
            "test yoshimitsu"
        );
        let labelled = Redactor::of([("test", "«user.username»"), ("", "«nothing»")]);
        assert_eq!(
            (labelled.text("test"), labelled.text("a")),
            ("«user.username»".into(), "a".into())
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_no_danger() {
        let redactor = redactor(&["Test12345!"]);
        assert_eq!(
            redactor.bytes(b"\xff%\xffTest12345!\\u\xfe&"),
            b"\xff%\xff\xc2\xabsecret\xc2\xbb\\u\xfe&".as_slice()
        );
        assert!(!redactor.finds(b"\xff\\") && redactor.finds(b"&#84;est12345!"));
    }
}

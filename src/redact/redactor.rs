//! Redaction by value: secrets are replaced in every output.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::{Bound, Range},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::{
    contract::encoding::hex,
    redact::{layer, names_a_user},
};

/// Replaces values by labels, in any spelling: raw, escaped for JSON, URLs or HTML, in base64, in hexadecimal.
#[derive(Clone, Default)]
pub struct Redactor {
    /// By the text that is looked for.
    patterns: BTreeMap<Vec<u8>, Replacement>,
}

#[derive(Clone)]
struct Replacement {
    label: String,
    /// Whether a base64 character before it, and one after it, holds bits of the value too.
    borders: (bool, bool),
}

/// Where a value was found, and what stands for it.
type Occurrence<'a> = (Range<usize>, &'a str);

impl Redactor {
    /// Hides secrets behind `«secret»`: those of at least 8 bytes that are not a user name. A
    /// shorter one occurs in ordinary words; it is masked by place only.
    pub fn of_secrets<'a>(
        secrets: impl IntoIterator<Item = &'a str>,
        usernames: &BTreeSet<&str>,
    ) -> Redactor {
        let hidden = secrets
            .into_iter()
            .filter(|secret| secret.len() >= MIN_BYTES && !usernames.contains(secret));
        Redactor::of(hidden.map(|secret| (secret, "«secret»")))
    }

    /// Hides the texts of fields, each with its name, that are not a user's.
    pub fn of_fields(fields: &[(String, String)]) -> Redactor {
        let fields = fields.iter().map(|(name, text)| (name, text.as_str()));
        let (users, secrets): (Vec<_>, Vec<_>) = fields.partition(|(name, _)| names_a_user(name));
        let users = users.into_iter().map(|(_, user)| user).collect();
        Redactor::of_secrets(secrets.into_iter().map(|(_, secret)| secret), &users)
    }

    /// Hides values behind labels, whatever their length. An empty value is ignored.
    pub fn of<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Redactor {
        let mut found = BTreeMap::new();
        for (value, label) in values {
            for (text, borders) in patterns(value) {
                let label = label.to_owned();
                // Of two equal values, the first label counts.
                found.entry(text).or_insert(Replacement { label, borders });
            }
        }
        Redactor { patterns: found }
    }

    /// Returns bytes without the values.
    pub fn bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.patterns.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut found = self.find_all(bytes);
        layer::each(bytes, &mut |layer| {
            let inner = self.find_all(&layer.text).into_iter();
            found.extend(inner.map(|(range, label)| (layer.place(range), label)));
        });
        if found.is_empty() {
            return Cow::Borrowed(bytes);
        }
        // One value may be found in several layers, with more or less around it: it gets one label.
        found.sort_by_key(|(range, _)| range.start);
        let mut clean: Vec<u8> = Vec::with_capacity(bytes.len());
        let mut copied = 0;
        for (range, label) in found {
            if range.start >= copied {
                clean.extend_from_slice(&bytes[copied..range.start]);
                clean.extend_from_slice(label.as_bytes());
            }
            copied = copied.max(range.end);
        }
        clean.extend_from_slice(&bytes[copied..]);
        Cow::Owned(clean)
    }

    /// Returns a text without the values.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Whole characters are replaced by whole characters.
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Returns whether bytes contain one of the values.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        matches!(self.bytes(bytes), Cow::Owned(_))
    }

    /// Returns the values in bytes, from left to right.
    fn find_all(&self, bytes: &[u8]) -> Vec<Occurrence<'_>> {
        let (mut found, mut at): (Vec<Occurrence<'_>>, usize) = (Vec::new(), 0);
        while at < bytes.len() {
            let last_end = found.last().map_or(0, |(range, _)| range.end);
            let next = self.find_at(bytes, at, last_end);
            at = next.as_ref().map_or(at + 1, |(range, _)| range.end);
            found.extend(next);
        }
        found
    }

    /// Returns the longest value that begins at a place, so that no part of one is left. `last_end` is the end of the one before.
    fn find_at(&self, bytes: &[u8], at: usize, last_end: usize) -> Option<Occurrence<'_>> {
        let mut rest = &bytes[at..];
        // In the order of texts, all values that a text begins with lie before it, and what lies between begins with them too.
        let (end, found) = loop {
            let before = (Bound::Unbounded, Bound::Included(rest));
            let (value, found) = self.patterns.range::<[u8], _>(before).next_back()?;
            let pairs = value.iter().zip(rest);
            let common = pairs.take_while(|(one, other)| one == other).count();
            match common {
                0 => return None,
                _ if common == value.len() => break (at + common, found),
                _ => rest = &rest[..common],
            }
        };
        let is_border = |place: Option<&u8>| place.is_some_and(|byte| is_base64(*byte));
        let before = found.borders.0 && at > last_end && is_border(bytes.get(at - 1));
        let after = found.borders.1 && is_border(bytes.get(end));
        let range = at - usize::from(before)..end + usize::from(after);
        Some((range, &found.label))
    }
}

/// Returns the patterns of a value, each with its borders: the value itself, its base64 at each alignment, and its hexadecimal digits.
fn patterns(value: &str) -> Vec<(Vec<u8>, (bool, bool))> {
    let mut patterns: Vec<(Vec<u8>, _)> = vec![(value.into(), (false, false))];
    if value.len() >= MIN_BYTES {
        for alignment in 0..3 {
            let (start, length, borders) = base64_core(value.len(), alignment);
            let padded = [&[0; 3][..alignment], value.as_bytes()].concat();
            for engine in [&URL_SAFE_NO_PAD, &STANDARD_NO_PAD] {
                let text = engine.encode(&padded);
                patterns.push((text[start..start + length].into(), borders));
            }
        }
        let digits = hex(value.as_bytes());
        patterns.push((digits.to_uppercase().into(), (false, false)));
        patterns.push((digits.into(), (false, false)));
    }
    patterns.retain(|(text, _)| !text.is_empty());
    patterns
}

/// Returns which characters of the base64 (RFC 4648 section 4) of a value depend on the value
/// alone: the first one, their number, and whether the characters before and after them depend on
/// it in part. `alignment` is the number of bytes before it in its group of three.
fn base64_core(bytes: usize, alignment: usize) -> (usize, usize, (bool, bool)) {
    let (first_bit, end_bit) = (alignment * 8, (alignment + bytes) * 8);
    let (start, end) = (first_bit.div_ceil(6), end_bit / 6);
    let borders = (!first_bit.is_multiple_of(6), !end_bit.is_multiple_of(6));
    (start, end - start, borders)
}

impl fmt::Debug for Redactor {
    /// Shows no value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Redactor(«secret»)")
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Shorter secrets occur in ordinary words.
const MIN_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
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
    #[case::hexadecimal("a:54657374313233343521.", "a:«secret».")]
    #[case::nothing("Test1234", "Test1234")]
    fn a_value_is_replaced(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(redactor(&["Test12345!"]).text(text), expected);
    }

    #[rstest]
    #[case("abcd", "2")]
    #[case("abcX", "1cX")]
    #[case("abZab", "31")]
    #[case("aabcc", "a4")]
    fn the_longest_value_is_replaced(#[case] text: &str, #[case] expected: &str) {
        let values = [("ab", "1"), ("abcd", "2"), ("abZ", "3"), ("abcc", "4")];
        assert_eq!(Redactor::of(values).text(text), expected);
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
    fn adjacent_base64_secret_has_its_own_label() {
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
            "Redactor(«secret»)"
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

    #[rstest]
    #[case::raw("p<é😀 \"", "p<é😀 \"")]
    #[case::json(r#"a"b\c/"#, r#"a\"b\\c\/"#)]
    #[case::json_in_json(r#"a"b\c"#, r#"a\\\"b\\\\c"#)]
    #[case::as_a_shell_has_it("Gone1234!", r"Gone1234\!")]
    #[case::units("aé😀", r"\u0061\u00E9\ud83d\uDE00")]
    #[case::units_escaped_twice("é😀", r"\\u00e9\\ud83d\\ude00")]
    #[case::rust("a😀", r"\u{61}\u{1f600}")]
    #[case::control("a\nb\t", r"a\nb\t")]
    #[case::control_of_other_letters("\r\u{8}\u{c}\0", r"\r\b\f\0")]
    #[case::a_pair_first("😀a", r"\ud83d\ude00a")]
    #[case::a_pair_of_the_last_plane_first("\u{10ffff}a", r"\udbff\udfffa")]
    #[case::percent_first("éa", "%c3%a9a")]
    #[case::percent_twice_first("éa", "%25c3%25a9a")]
    #[case::a_percent_sign_first("%a", "%25a")]
    #[case::a_percent_sign_twice_first("%a", "%2525a")]
    #[case::blank_first(" a", "+a")]
    #[case::url("p@ é+", "p%40+%c3%A9%2b")]
    #[case::url_twice("p@%b", "p%2540%2525b")]
    #[case::url_three_times("p%b", "p%252525b")]
    #[case::url_that_looks_encoded_twice("p%25b", "p%2525b")]
    #[case::html("<a&\"'>", "&lt;a&amp;&quot;&#39;&#x3E;")]
    #[case::html_names(">'a", "&gt;&apos;a")]
    #[case::html_twice("<&", "&amp;lt;&amp;amp;")]
    #[case::mixed("ab<!", r"\u0061%62&#x3c;\!")]
    #[case::backslashes(r"a\\b", r"a\\\\b")]
    #[case::backslashes_by_number(r"a\\b", r"a\u005c\u005cb")]
    #[case::backslashes_by_entity(r"a\\b", "a&#92;&#92;b")]
    #[case::backslashes_percent_encoded(r"a\\b", "a%5c%5cb")]
    #[case::a_backslash_before_an_escape(r"a\éb", r"a\\\u00e9b")]
    #[case::a_backslash_before_an_escape_elsewhere("a\\\nb", r"a&#92;\u000ab")]
    fn every_spelling_is_found(#[case] value: &str, #[case] spelled: &str) {
        let within = format!("«{spelled}»");
        let redactor = Redactor::of([(value, "LABEL")]);
        assert_eq!(redactor.text(&within), "«LABEL»");
        // One character more is another text.
        let other = format!("{value}ж");
        assert!(!Redactor::of([(other.as_str(), "LABEL")]).finds(within.as_bytes()));
    }

    #[rstest]
    #[case("a", "")]
    #[case("a", "+")]
    #[case("a", "%")]
    #[case("a", "%6")]
    #[case("B", "%4142")]
    #[case("a", "%252525252525252525252525252525252525252525252561")]
    #[case("a", "%25")]
    #[case("a", r"\")]
    #[case("a", r"\u")]
    #[case("a", r"\u{61")]
    #[case("😀", r"\ud83d")]
    #[case("<", "&")]
    #[case("<", "&lt")]
    #[case("<", "&#;")]
    #[case("<", "&#x+3c;")]
    fn half_a_spelling_is_not_found(#[case] value: &str, #[case] spelled: &str) {
        assert!(!Redactor::of([(value, "LABEL")]).finds(spelled.as_bytes()));
    }
}

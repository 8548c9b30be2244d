//! Finding a text in whatever spelling a sink may have given it: each character raw, as an escape of JSON or Rust, percent-encoded,
//! or as an entity of HTML, in any mixture, also when escaped more than once.

/// Returns where a text ends that begins at `start`, if it does: of several ways to read it, the longest.
pub(super) fn end_of(text: &[char], bytes: &[u8], start: usize) -> Option<usize> {
    let (mut here, mut next) = (vec![start], Vec::new());
    let mut before = None;
    for &wanted in text {
        // However often a run of backslashes was escaped, it is a run of them.
        if wanted == '\\' && before == Some('\\') {
            continue;
        }
        before = Some(wanted);
        // Nearly every character stands for itself.
        if let [at] = here[..]
            && wanted != '\\'
            && !matches!(bytes.get(at), Some(b'\\' | b'%' | b'&' | b'+'))
        {
            let mut buffer = [0; 4];
            let raw = wanted.encode_utf8(&mut buffer).as_bytes();
            if !bytes[at..].starts_with(raw) {
                return None;
            }
            here[0] = at + raw.len();
            continue;
        }
        for &at in &here {
            next.extend(ends(wanted, bytes, at).into_iter().flatten());
        }
        if wanted == '\\' {
            // Where it ends is not told: the last of them may begin the escape of what follows.
            let mut run = 0;
            while run < next.len() && next.len() < MOST_ESCAPED {
                next.extend(ends(wanted, bytes, next[run]).into_iter().flatten());
                run += 1;
            }
        }
        next.sort_unstable();
        next.dedup();
        (here, next) = (next, here);
        next.clear();
        if here.is_empty() {
            return None;
        }
    }
    here.pop()
}

/// Returns the first bytes of the characters that may begin here, in whatever spelling: only texts that begin so are looked for.
pub(super) fn beginnings(rest: &[u8]) -> impl Iterator<Item = u8> {
    let mut found = [None; 4];
    found[0] = rest.first().copied();
    match rest.first() {
        Some(b'+') => found[1] = Some(b' '),
        Some(b'\\') => {
            let after = &rest[run(rest, b'\\')..];
            found[1] = after.first().copied();
            found[2] = after
                .first()
                .and_then(|letter| short(*letter))
                .map(|value| value as u8);
            found[3] = unit(after).map(first_byte);
        }
        Some(b'%') => {
            let pairs = rest[1..]
                .chunks_exact(2)
                .take(MOST_LEVELS)
                .map(|pair| number(pair, 16));
            for pair in pairs {
                found[if pair == Some(0x25) { 1 } else { 2 }] =
                    pair.and_then(|byte| u8::try_from(byte).ok());
                if pair != Some(0x25) {
                    break;
                }
            }
        }
        Some(b'&') => found[1] = reference(rest).map(|(value, _)| first_byte(value)),
        _ => {}
    }
    found.into_iter().flatten()
}

fn first_byte(value: u32) -> u8 {
    // Half a pair stands for a character beyond 16 bits, of which it decides the first byte.
    let value = if (0xd800..0xdc00).contains(&value) {
        0x10000 + ((value - 0xd800) << 10)
    } else {
        value
    };
    char::from_u32(value).map_or(0, |value| value.encode_utf8(&mut [0; 4]).as_bytes()[0])
}

/// How often a byte stands here, in a row; beyond what anybody escapes it is not counted, so that a text of nothing else costs no more.
fn run(rest: &[u8], byte: u8) -> usize {
    rest.iter()
        .take(MOST_ESCAPED)
        .take_while(|next| **next == byte)
        .count()
}

/// Returns where a character may end that begins at a place: in its spellings, and raw.
fn ends(wanted: char, bytes: &[u8], at: usize) -> [Option<usize>; 3] {
    let mut buffer = [0; 4];
    let raw = wanted.encode_utf8(&mut buffer).as_bytes();
    let rest = bytes.get(at..).unwrap_or_default();
    let [once, twice] = match rest.first() {
        Some(b'\\') => [escaped(wanted, rest), None],
        Some(b'%') => [
            percent(raw, rest),
            (wanted == '%').then(|| percent_twice(rest)).flatten(),
        ],
        Some(b'&') => [entity(wanted, rest), None],
        Some(b'+') if wanted == ' ' => [Some(1), None],
        _ => [None, None],
    };
    [once, twice, rest.starts_with(raw).then_some(raw.len())]
        .map(|length| length.map(|length| at + length))
}

/// An escape: `\n`, `\"`, `\!`, `\u0021`, `\ud83d\ude00`, `\u{21}`, with as many backslashes as levels of escaping need.
fn escaped(wanted: char, rest: &[u8]) -> Option<usize> {
    let slashes = run(rest, b'\\');
    let after = &rest[slashes..];
    if after.first().and_then(|letter| short(*letter)) == Some(wanted) {
        return Some(slashes + 1);
    }
    if after.first() == Some(&b'u')
        && let Some(length) = unicode(wanted, after)
    {
        return Some(slashes + length);
    }
    let mut buffer = [0; 4];
    let raw = wanted.encode_utf8(&mut buffer).as_bytes();
    (wanted != '\\' && after.starts_with(raw)).then_some(slashes + raw.len())
}

/// What a letter behind a backslash stands for.
pub(super) fn short(letter: u8) -> Option<char> {
    match letter {
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        b'b' => Some('\u{8}'),
        b'f' => Some('\u{c}'),
        b'0' => Some('\0'),
        _ => None,
    }
}

/// The first unit of `u0021` or `u{21}`.
fn unit(after: &[u8]) -> Option<u32> {
    match (after.first()?, after.get(1)?) {
        (b'u', b'{') => number(
            after.get(
                2..after
                    .iter()
                    .take(LONGEST_ENTITY)
                    .position(|byte| *byte == b'}')?,
            )?,
            16,
        ),
        (b'u', _) => number(after.get(1..5)?, 16),
        _ => None,
    }
}

/// `u0021`, `u{21}`, or two units of UTF-16.
fn unicode(wanted: char, after: &[u8]) -> Option<usize> {
    if after.get(1) == Some(&b'{') {
        let length = after
            .iter()
            .take(LONGEST_ENTITY)
            .position(|byte| *byte == b'}')?;
        return (number(after.get(2..length)?, 16)? == u32::from(wanted)).then_some(length + 1);
    }
    let mut units = [0; 2];
    let mut at = 0;
    for (index, unit) in wanted.encode_utf16(&mut units).iter().enumerate() {
        if index > 0 {
            at += run(&after[at..], b'\\');
        }
        if after.get(at) != Some(&b'u')
            || number(after.get(at + 1..at + 5)?, 16)? != u32::from(*unit)
        {
            return None;
        }
        at += 5;
    }
    Some(at)
}

/// `%21`, and `%2521` where it was encoded twice.
fn percent(raw: &[u8], rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    for byte in raw {
        if rest.get(at) != Some(&b'%') {
            return None;
        }
        at += 1;
        let mut levels = 1;
        while number(rest.get(at..at + 2)?, 16)? != u32::from(*byte) {
            if rest.get(at..at + 2)? != b"25" || levels == MOST_LEVELS {
                return None;
            }
            levels += 1;
            at += 2;
        }
        at += 2;
    }
    Some(at)
}

/// A percent sign that was encoded more than once: as often as its digits say.
fn percent_twice(rest: &[u8]) -> Option<usize> {
    let digits = rest[1..]
        .chunks_exact(2)
        .take(MOST_LEVELS)
        .take_while(|digits| *digits == b"25")
        .count();
    (digits > 1).then_some(1 + 2 * digits)
}

/// `&lt;`, `&#60;`, `&#x3c;`, and `&amp;lt;` where it was escaped twice.
fn entity(wanted: char, rest: &[u8]) -> Option<usize> {
    let (value, length) = reference(rest)?;
    (value == u32::from(wanted)).then_some(length)
}

/// What an entity stands for, and how long it is.
fn reference(rest: &[u8]) -> Option<(u32, usize)> {
    let levels = rest[1..]
        .chunks_exact(4)
        .take(MOST_LEVELS)
        .take_while(|next| *next == b"amp;")
        .count();
    let at = 1 + 4 * levels;
    let name = &rest[at..];
    let whole = || {
        let length = name
            .iter()
            .take(LONGEST_ENTITY)
            .position(|byte| *byte == b';')?;
        Some((referred(&name[..length])?, at + length + 1))
    };
    whole().or((levels > 0).then_some((u32::from('&'), at)))
}

/// What stands between the ampersand and the semicolon: a number, or one of the names that every writer of HTML uses; `amp` is read by levels.
pub(super) fn referred(name: &[u8]) -> Option<u32> {
    match name {
        b"lt" => Some(u32::from('<')),
        b"gt" => Some(u32::from('>')),
        b"quot" => Some(u32::from('"')),
        b"apos" => Some(u32::from('\'')),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    }
}

pub(super) fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, radix).ok()
}

/// The longest entity that stands for a character, without its ampersand.
const LONGEST_ENTITY: usize = 12;
/// The longest run of backslashes that stands for fewer.
pub(super) const MOST_ESCAPED: usize = 64;
/// How often a text may be encoded for URLs or HTML, one time round another.
const MOST_LEVELS: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
    #[case::url_thrice("p%b", "p%252525b")]
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
    fn every_spelling_is_the_text(#[case] text: &str, #[case] spelled: &str) {
        let chars: Vec<char> = text.chars().collect();
        let within = format!("«{spelled}»");
        let first = text.as_bytes()[0];
        assert!(
            beginnings(spelled.as_bytes()).any(|byte| byte == first),
            "{:?}",
            beginnings(spelled.as_bytes()).collect::<Vec<_>>()
        );
        assert_eq!(
            end_of(&chars, within.as_bytes(), "«".len()),
            Some("«".len() + spelled.len())
        );
        // One character more is another text.
        let other: Vec<char> = text.chars().chain(['ж']).collect();
        assert_eq!(end_of(&other, within.as_bytes(), "«".len()), None);
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
    fn half_a_spelling_is_none(#[case] text: &str, #[case] spelled: &str) {
        assert_eq!(
            end_of(&text.chars().collect::<Vec<_>>(), spelled.as_bytes(), 0),
            None
        );
    }
}

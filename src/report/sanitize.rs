//! Text from outside made safe to show: no character acts on a terminal, a page or a parser.

use sha2::{Digest, Sha256};

use crate::contract::encoding::hex;

/// Returns the text as one line: control characters and invisible ones as escapes, `\n`, `\r`, `\t`, `\u{1b}`.
///
/// A backslash stays single, so that JSON and commands stay readable; the JSON report has the exact text. The second of two number
/// signs is escaped: build servers take `##[…]` and `##vso[…]` for commands wherever they stand in a line of a log.
pub(super) fn line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '#' if before == '#' => shown.push_str("\\u{23}"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            character if acts(character) => shown.extend(character.escape_unicode()),
            character => shown.push(character),
        }
        before = character;
    }
    shown
}

/// Returns the text as one line, cut after some hundred characters with a note of how many are left out.
pub(super) fn short(text: &str) -> String {
    cut(text, LONGEST)
}

/// Returns the text as one line, cut after `most` characters with a note of how many are left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return line(text);
    };
    let rest = text[end..].chars().count();
    format!("{}… ({rest} more characters)", line(&text[..end]))
}

/// Returns each line of the text, made safe. Only a line feed ends a line. Two colons at its beginning, which to GitHub are a command, are not left so.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
    lines.map(line).map(|line| {
        let is_command = line.trim_start().starts_with("::");
        line.replacen(':', "\\u{3a}", usize::from(is_command))
    })
}

/// Lays words out with blanks between them, in lines of at most [`WIDTH`] columns where they allow it. The first line begins after
/// `before` columns, each other one after `indent` blanks.
pub(super) fn wrapped<'a>(
    words: impl Iterator<Item = &'a str>,
    before: usize,
    indent: usize,
) -> String {
    let (mut text, mut width) = (String::new(), before);
    for (index, word) in words.enumerate() {
        let length = word.chars().count();
        if index > 0 && width + 1 + length > WIDTH {
            text.push_str(&format!("\n{:indent$}", ""));
            width = indent;
        } else if index > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text
}

/// Returns whether a character does something rather than show something: control characters, directions, what has no width, and what XML forbids.
pub(super) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Returns a body as text, and whether it is escaped: bytes that are not UTF-8 are `\xff` then, and a backslash is `\\`.
pub(crate) fn body_text(bytes: &[u8]) -> (String, bool) {
    if let Ok(text) = str::from_utf8(bytes) {
        return (text.to_owned(), false);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    (text, true)
}

/// Cuts a long body, with a note of what is left out. Different bodies stay different.
pub(crate) fn cut_body(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_BODY) {
        let (rest, hash) = (text.len() - end, hex(&Sha256::digest(&text)[..8]));
        text.truncate(end);
        text.push_str(&format!("… ({rest} more bytes, sha256 {hash}…)"));
    }
    text
}

/// How wide a line of a report for people may be, in columns.
pub(super) const WIDTH: usize = 100;
/// How many characters of a body a report keeps.
const MAX_BODY: usize = 16_384;
/// How many characters of an answer are shown. The documented answers have about a hundred; an error page has thousands.
const LONGEST: usize = 500;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("Authentication succeeded.", "Authentication succeeded.")]
    #[case::lines("a\r\nb\tc", "a\\r\\nb\\tc")]
    #[case::escape("\u{1b}[31mred", "\\u{1b}[31mred")]
    #[case::eight_bit_escape("\u{9b}31mred", "\\u{9b}31mred")]
    #[case::direction("\u{202e}txt", "\\u{202e}txt")]
    #[case::no_character_of_xml("\u{ffff}\0", "\\u{ffff}\\u{0}")]
    #[case::placeholder("«user.password» – ü", "«user.password» – ü")]
    #[case::command_of_a_build_server("a ##vso[x] ###", "a #\\u{23}vso[x] #\\u{23}\\u{23}")]
    #[case::backslash(r#"{"a":"\u001b"}"#, r#"{"a":"\u001b"}"#)]
    fn nothing_shown_acts(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(line(text), expected);
    }

    #[rstest]
    #[case::text(b"a\\b", "a\\b", false)]
    #[case::one_byte(b"a\xff\\", "a\\xff\\\\", true)]
    #[case::a_surrogate(b"\xed\xa0\x80", "\\xed\\xa0\\x80", true)]
    fn every_byte_of_a_body_is_kept(#[case] body: &[u8], #[case] text: &str, #[case] is: bool) {
        assert_eq!(body_text(body), (text.to_owned(), is));
    }

    #[test]
    fn long_bodies_are_cut_and_stay_different() {
        let long = |end: &str| cut_body("x".repeat(200_000) + end);
        assert!(long("a").len() < 17_000 && long("a") != long("b"));
        assert_eq!(cut_body("short".into()), "short");
    }

    #[test]
    fn items_fill_a_line_before_the_next_begins() {
        let items = || ["one,", "two,", "three,", "four"].into_iter();
        let in_columns = |columns| wrapped(items(), WIDTH - columns, WIDTH - columns);
        let lines =
            |text: String| -> Vec<String> { text.lines().map(|it| it.trim().to_owned()).collect() };
        assert_eq!(lines(in_columns(11)), ["one, two,", "three, four"]);
        assert_eq!(lines(in_columns(1)), ["one,", "two,", "three,", "four"]);
    }

    #[test]
    fn a_long_text_says_how_much_is_left_out() {
        assert_eq!(short(&"é".repeat(LONGEST)), "é".repeat(LONGEST));
        assert_eq!(
            short(&"é".repeat(LONGEST + 3)),
            format!("{}… (3 more characters)", "é".repeat(LONGEST))
        );
    }
}

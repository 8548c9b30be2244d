//! Whether words stand in a line as they are meant: whole, with their full stop or without it.

use crate::contract::LineKind;

/// Tells whether `words` stand in `line`, and are not a part of longer ones.
///
/// After a letter or a digit none of `letter digit _ - .` may follow, so that a text without a full stop is not found in one with it; before one,
/// none of `letter digit _` may stand. A path may follow the start of a word or `scheme://host`, no other path.
pub(super) fn stand(words: &str, line: &str) -> bool {
    around(words, line).any(|(before, after)| begins(words, before) && ends(words, after))
}

/// Tells whether `words` stand in `line` and, where they are a sentence, fill a table's cell, a string, a list's item or the line: a longer sentence is another one.
pub(super) fn fill(words: &str, line: &str) -> bool {
    let filled = |before: &str, after: &str| {
        let (before, after) = (before.trim_end(), after.trim_start());
        (before.is_empty() || before.ends_with(['|', '"', ':']))
            && (after.is_empty() || after.starts_with(['|', '"']))
    };
    if words.contains(' ') {
        around(words, line).any(|(before, after)| filled(before, after))
    } else {
        stand(words, line)
    }
}

/// Tells whether a line looks like one of a kind. A sentence is never a heading.
pub(super) fn is_kind(kind: LineKind, line: &str) -> bool {
    let line = line.trim();
    line.is_empty()
        || match kind {
            LineKind::Comment | LineKind::Introduction => true,
            LineKind::Frame => {
                ["{", "}", "},", "request:", "response:", "\"error\": {"].contains(&line)
            }
            LineKind::Heading => {
                let label = line
                    .strip_prefix("**")
                    .and_then(|label| label.split_once("**"));
                line.starts_with('#') || label.is_some_and(|(_, rest)| ["", ":"].contains(&rest))
            }
            LineKind::Rule => line == "---",
            LineKind::Table => {
                let is_rule = line.chars().all(|letter| "|-".contains(letter));
                let heads = ["**Name**", "Message"];
                let cell = line.trim_matches('|').split('|').next().unwrap_or_default();
                line.starts_with('|') && (is_rule || heads.contains(&cell.trim()))
            }
        }
}

/// Returns a line for a message: in quotes of its own, and short.
pub(super) fn shown(line: &str) -> String {
    let short: String = line.chars().take(SHOWN).collect();
    if short.len() < line.len() {
        format!("`{short}…`")
    } else {
        format!("`{short}`")
    }
}

/// Returns what stands before and after `words`, wherever they are found.
fn around<'a>(words: &'a str, line: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let starts = line
        .char_indices()
        .map(|(at, _)| at)
        .filter(move |at| line[*at..].starts_with(words));
    starts.map(move |at| (&line[..at], &line[at + words.len()..]))
}

fn begins(words: &str, before: &str) -> bool {
    if words.starts_with('/') {
        let start = before
            .rfind([' ', '\'', '"', '`', '('])
            .map_or(0, |at| at + 1);
        let prefix = &before[start..];
        return prefix.is_empty()
            || prefix
                .split_once("://")
                .is_some_and(|(_, host)| !host.contains('/'));
    }
    !(words.starts_with(char::is_alphanumeric)
        && before.ends_with(|last: char| last.is_alphanumeric() || last == '_'))
}

fn ends(words: &str, after: &str) -> bool {
    !(words.ends_with(char::is_alphanumeric)
        && after
            .starts_with(|next: char| next.is_alphanumeric() || matches!(next, '_' | '-' | '.')))
}

/// How many characters of a line a message shows.
const SHOWN: usize = 100;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::whole("admin_user", r#"{"admin_user":"a"}"#, true)]
    #[case::part("admin_user", r#"{"admin_username":"a"}"#, false)]
    #[case::end_of_another("username", "admin_username", false)]
    #[case::later_in_the_line("user", "username user", true)]
    #[case::without_its_full_stop("It is so", "It is so.", false)]
    #[case::with_its_full_stop("It is so.", "It is so.", true)]
    #[case::path("/a/b", "**URI**: `/a/b`", true)]
    #[case::path_of_a_template("/a/b", "curl https://<ADDRESS>/a/b", true)]
    #[case::path_of_a_host("/a/b", "curl 'https://127.0.0.1/a/b'", true)]
    #[case::path_under_another("/a/b", "curl 'https://127.0.0.1/api/a/b'", false)]
    #[case::path_under_a_root("/a/b", "`/api/a/b`", false)]
    #[case::longer_path("/a/b", "`/a/b_by`", false)]
    #[case::capitals("it is so", "It is so", false)]
    #[case::beyond_ascii("– x", "– – x", true)]
    fn words_stand(#[case] words: &str, #[case] line: &str, #[case] expected: bool) {
        assert_eq!(stand(words, line), expected);
    }

    #[rstest]
    #[case::cell("It is so", "| **a** |  It is so   |", true)]
    #[case::string("It is so.", r#""a": "It is so.","#, true)]
    #[case::item("It is so", "- **a**: It is so", true)]
    #[case::longer("It is so", "- **a**: It is so now", false)]
    #[case::longer_before("is so", "- **a**: It is so", false)]
    #[case::with_a_full_stop("It is so", "| It is so. |", false)]
    #[case::no_sentence("POST", "curl -X POST -d", true)]
    fn a_sentence_fills(#[case] words: &str, #[case] line: &str, #[case] expected: bool) {
        assert_eq!(fill(words, line), expected);
    }

    #[test]
    fn a_long_line_is_shortened() {
        assert_eq!(shown(&"ü".repeat(101)), format!("`{}…`", "ü".repeat(100)));
        assert_eq!(shown("short"), "`short`");
    }
}

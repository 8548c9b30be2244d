//! Splits a page into parts. A comment before a block says how to test it.
//!
//! ```text
//! <!-- tested: exit 2, stderr -->   the next block is a command, the one after it is its output
//! <!-- serves -->                   the same, but the command keeps running for the parts below
//! <!-- client: exit 1 -->           a command that connects to the ports shown by `serves`
//! <!-- file: plant.yaml -->         the next block is a file that the commands below can read
//! <!-- from: examples/a.rs -->      the next block is an excerpt of that file
//! <!-- unmet -->                    the next block is the output of examples/expectations.rs
//! <!-- table: register -->          the text up to `<!-- end of table -->` is generated
//! ```
//!
//! A line `…` of an output matches any number of lines.

use std::ops::Range;

/// A page and its marked parts.
pub(crate) struct Page {
    text: String,
    pub(crate) parts: Vec<Part>,
}

/// A marked part.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) role: Role,
    /// The block's text: a command, or a file.
    pub(crate) code: String,
    shown: Range<usize>,
}

/// How a part is tested.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client { exit: i32 },
    File(String),
    From(String),
    Serves,
    Table(String),
    Tested { exit: i32, stderr: bool },
    Unmet,
}

impl Page {
    pub(crate) fn new(text: String) -> Page {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(start) = text[at..].find("<!-- ").map(|start| at + start) {
            let (marker, after) = until(&text, start + "<!-- ".len(), " -->\n");
            at = after;
            let Some(role) = role(&text[marker]) else {
                continue;
            };
            let shown = match role {
                Role::Table(_) => Some(until(&text, after, "<!-- end of table -->").0),
                Role::Unmet => {
                    let (_, opened) = until(&text, after, "```text\n");
                    Some(until(&text, opened, "```\n").0)
                }
                _ => None,
            };
            let part = if let Some(shown) = shown {
                Part {
                    role,
                    code: String::new(),
                    shown,
                }
            } else {
                let (_, opened) = until(&text, after, "\n");
                let (code, closed) = until(&text, opened, "```\n");
                let shown = text[closed..]
                    .trim_start()
                    .starts_with("```text\n")
                    .then(|| {
                        let (_, opened) = until(&text, closed, "```text\n");
                        until(&text, opened, "```\n").0
                    });
                Part {
                    role,
                    code: text[code].to_owned(),
                    shown: shown.unwrap_or(closed..closed),
                }
            };
            at = at.max(part.shown.end);
            parts.push(part);
        }
        Page { text, parts }
    }

    /// Returns the output that the page shows for a part.
    pub(crate) fn shown(&self, part: &Part) -> &str {
        self.text[part.shown.clone()].trim_end()
    }

    /// Returns whether the page shows only some lines of a part's output.
    pub(crate) fn is_shortened(&self, part: &Part) -> bool {
        self.shown(part).lines().any(|line| line == ANY)
    }

    /// Returns the page with other outputs. Shortened outputs stay.
    pub(crate) fn with(&self, outputs: &[(&Part, String)]) -> String {
        let mut text = self.text.clone();
        for (part, output) in outputs
            .iter()
            .rev()
            .filter(|(part, _)| !self.is_shortened(part))
        {
            text.replace_range(part.shown.clone(), &format!("{output}\n"));
        }
        text
    }
}

/// Returns the range from `start` to the next `end`, and where that ends.
fn until(text: &str, start: usize, end: &str) -> (Range<usize>, usize) {
    let length = text[start..].find(end).unwrap_or_else(|| {
        panic!(
            "`{end}` is missing after `{}`",
            text[start..].lines().next().unwrap_or_default()
        )
    });
    (start..start + length, start + length + end.len())
}

fn role(marker: &str) -> Option<Role> {
    let (name, rest) = marker.split_once(": ").unwrap_or((marker, ""));
    let exit = rest
        .split(", ")
        .find_map(|word| word.strip_prefix("exit "))
        .map_or(0, |code| code.parse().expect("an exit code is a number"));
    match name {
        "client" => Some(Role::Client { exit }),
        "file" => Some(Role::File(rest.to_owned())),
        "from" => Some(Role::From(rest.to_owned())),
        "serves" => Some(Role::Serves),
        "unmet" => Some(Role::Unmet),
        "table" => Some(Role::Table(rest.to_owned())),
        "tested" => Some(Role::Tested {
            exit,
            stderr: rest.split(", ").any(|word| word == "stderr"),
        }),
        _ => None,
    }
}

/// Returns whether a text matches the text shown, in which a line `…` matches any number of lines.
pub(crate) fn agrees(shown: &str, text: &str) -> bool {
    fn lines(shown: &[&str], text: &[&str]) -> bool {
        match shown.split_first() {
            None => text.is_empty(),
            Some((&ANY, rest)) => (0..=text.len()).any(|skipped| lines(rest, &text[skipped..])),
            Some((line, rest)) => text.split_first().is_some_and(|(first, others)| {
                line.trim_end() == first.trim_end() && lines(rest, others)
            }),
        }
    }
    lines(
        &shown.lines().collect::<Vec<_>>(),
        &text.lines().collect::<Vec<_>>(),
    )
}

const ANY: &str = "…";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PAGE: &str = "# A\n<!-- a note -->\n<!-- tested: exit 2, stderr -->\n```sh\nrun it\n```\n```text\nbad\n```\n\n<!-- file: a.yaml -->\n```yaml\na: 1\n```\n\
                        more\n<!-- table: x -->\n| 1 |\n<!-- end of table -->\n";

    #[test]
    fn a_page_is_split_and_joined() {
        let page = Page::new(PAGE.to_owned());
        let seen: Vec<_> = page
            .parts
            .iter()
            .map(|part| (&part.role, part.code.as_str(), page.shown(part)))
            .collect();
        let expected = [
            (
                &Role::Tested {
                    exit: 2,
                    stderr: true,
                },
                "run it\n",
                "bad",
            ),
            (&Role::File("a.yaml".into()), "a: 1\n", ""),
            (&Role::Table("x".into()), "", "| 1 |"),
        ];
        assert_eq!(seen, expected);
        let other = page.with(&[
            (&page.parts[0], "worse".into()),
            (&page.parts[2], "| 2 |".into()),
        ]);
        assert_eq!(
            other,
            PAGE.replace("bad", "worse").replace("| 1 |", "| 2 |")
        );
    }

    #[rstest]
    #[case::same("a\nb", "a\nb\n", true)]
    #[case::other("a\nb", "a\nc", false)]
    #[case::more("a", "a\nb", false)]
    #[case::less("a\nb", "a", false)]
    #[case::shortened("a\n…\nd", "a\nb\nc\nd", true)]
    #[case::shortened_by_nothing("a\n…\nd", "a\nd", true)]
    #[case::shortened_and_other("a\n…\nd", "a\nb\ne", false)]
    fn outputs_are_compared_line_by_line(
        #[case] shown: &str,
        #[case] text: &str,
        #[case] expected: bool,
    ) {
        assert_eq!(agrees(shown, text), expected);
    }
}

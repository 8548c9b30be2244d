//! Snapshots: what a case sent and what came back, as text in insta's file format.
//!
//! ```text
//! Exchanges ── render ──▶ body ── file ──▶ the whole `.snap` file ── parse ──▶ Snapshot
//! ```
//!
//! The same bytes serve `cargo test` (insta's macro), `check`, `cargo insta review` and `d4iot-double review`.

mod error;
mod escape;
mod folder;
mod header;
mod pretty;
mod render;
pub mod reread;
mod write_file;

use std::fmt;

pub use error::SnapshotError;
pub use folder::{PendingSnapshot, SnapshotFolder, is_id};
use header::Fields;
use insta::{TextSnapshotKind, internals::TextSnapshotContents};
pub use render::render;
pub(crate) use write_file::write_file;

/// One request and its answer, as a snapshot shows them. Values of accounts are placeholders already (`«user.password»`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub answer: Answer,
}

/// A request, as a snapshot shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method, in upper case.
    pub method: String,
    /// The path, with the query.
    pub path: String,
    /// The headers that matter, name and value, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body; none where the request has no body, which differs from an empty one.
    pub body: Option<Vec<u8>>,
}

/// What came back for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No whole answer came; why, in words that are the same on every run ("connection closed without an answer").
    Failed(String),
    /// An answer came.
    Received {
        /// The status code.
        status: u16,
        /// The headers that matter, in order; the value only where it is the same on every run.
        headers: Vec<(String, Option<String>)>,
        /// The bytes of the body.
        body: Vec<u8>,
    },
}

/// A snapshot file, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// What the file says of itself.
    pub header: Header,
    /// The text below the header, without trailing blanks, lines ending in LF: as insta compares it.
    pub body: String,
}

/// What a snapshot file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The test that wrote it, relative to the workspace; none for baselines of real targets, which no test names
    /// (`cargo insta test --unreferenced=delete` deletes what opens with `source:` and no test named).
    pub source: Option<String>,
    /// What the case is about, in a sentence.
    pub description: String,
    /// The file the case stands in, relative to the workspace; empty where there is none.
    pub input_file: String,
}

/// Why a text is no snapshot of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A line of the header is not as insta writes it.
    Header {
        /// The line of the file, counted from 1.
        line: usize,
        /// What is wrong with it.
        wrong: String,
    },
    /// No line `---` ends the header.
    Unclosed,
    /// The first line is not `---`.
    Unopened,
}

impl Snapshot {
    /// Returns the whole file, as [`file()`] gives it.
    pub fn text(&self) -> String {
        file(&self.header, &self.body)
    }
}

/// Returns the whole `.snap` file, byte for byte as insta 1.49 writes it: trailing blanks of the body dropped, CR LF turned into LF, one LF at the end.
pub fn file(header: &Header, body: &str) -> String {
    let mut text = format!("{FENCE}\n");
    let source = header.source.as_deref().map(|source| ("source", source));
    // The description stands there even when it is empty: insta cannot read a header without a field.
    let description = Some(("description", header.description.as_str()));
    let input_file =
        Some(("input_file", header.input_file.as_str())).filter(|(_, file)| !file.is_empty());
    for (name, value) in [source, description, input_file].into_iter().flatten() {
        text.push_str(&format!("{name}: {}\n", header::scalar(value)));
    }
    format!("{text}{FENCE}\n{}\n", contents(body))
}

/// Reads a `.snap` or `.snap.new` file. CR LF is taken for LF; the `assertion_line` of insta's pending files is dropped, as insta drops it on accept.
///
/// # Errors
/// Where the text is not in insta's file format, or its header has a field that our snapshots do not have, such as those of binary snapshots.
pub fn parse(text: &str) -> Result<Snapshot, FormatError> {
    let mut end = 0;
    let mut lines = text.split_inclusive('\n').map(|line| {
        end += line.len();
        (line.trim_end_matches(['\n', '\r']), end)
    });
    lines
        .next()
        .filter(|(line, _)| line.trim_end() == FENCE)
        .ok_or(FormatError::Unopened)?;
    let mut fields = Fields::default();
    for (index, (line, end)) in lines.enumerate() {
        if line.trim_end() == FENCE {
            let Fields {
                source,
                description,
                input_file,
                ..
            } = fields;
            let header = Header {
                source,
                description: description.unwrap_or_default(),
                input_file: input_file.unwrap_or_default(),
            };
            return Ok(Snapshot {
                header,
                body: contents(&text[end..]),
            });
        }
        // The opening line is line 1.
        fields.take(line).map_err(|wrong| FormatError::Header {
            line: index + 2,
            wrong,
        })?;
    }
    Err(FormatError::Unclosed)
}

/// Tells at a glance whether a file holds this body to the byte; where it does not, they may be the same all the same.
pub fn holds(text: &str, body: &str) -> bool {
    text.split_once("\n---\n")
        .is_some_and(|(_, rest)| rest.strip_suffix('\n') == Some(body))
}

/// Tells what insta's `DefaultComparator` would say of two bodies, by its own code.
///
/// The comparator itself would warn on stderr where only its older, laxer rules see no difference; its parts do not.
pub fn same(left: &str, right: &str) -> bool {
    // Nearly always; the comparator would copy both and normalise them.
    if left == right {
        return true;
    }
    let (left, right) = (of_file(left), of_file(right));
    left.matches_latest(&right) || left.matches_legacy(&right)
}

/// Returns the lines that differ, with three lines around them, as plain text; empty where nothing differs.
pub fn diff(old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .missing_newline_hint(false)
        .to_string()
}

/// Returns a body as insta writes it, without the LF at the end. Of several CR before an LF insta drops one each time it reads and writes;
/// here they go at once, so that what was written reads as it was.
fn contents(body: &str) -> String {
    let text = of_file(body).to_string();
    if text.contains("\r\n") {
        text.split('\n')
            .map(|line| line.trim_end_matches('\r'))
            .collect::<Vec<_>>()
            .join("\n")
    } else {
        text
    }
}

fn of_file(body: &str) -> TextSnapshotContents {
    TextSnapshotContents::new(body.to_owned(), TextSnapshotKind::File)
}

impl fmt::Display for FormatError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::Header { line, wrong } => write!(out, "line {line}: {wrong}"),
            FormatError::Unclosed => write!(out, "no line `{FENCE}` ends the header"),
            FormatError::Unopened => write!(
                out,
                "line 1: expected `{FENCE}`, which opens insta's file format"
            ),
        }
    }
}

impl std::error::Error for FormatError {}

/// The line above and below a header.
const FENCE: &str = "---";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::itself("POST /a\n\n200", "POST /a\n\n200", true)]
    #[case::a_fence("a\n---\nb", "a\n---\nb", true)]
    #[case::what_follows_a_fence("a\n---\nb", "b", false)]
    #[case::another("a", "b", false)]
    #[case::less("a\nb", "a", false)]
    fn a_body_is_found_to_the_byte(#[case] kept: &str, #[case] body: &str, #[case] found: bool) {
        assert_eq!(holds(&file(&Header::default(), kept), body), found);
    }
}

//! Snapshots: what a case sent and what came back, as text in insta's file format.
//!
//! ```text
//! Exchanges ── render ──▶ body ── file ──▶ the whole `.snap` file ── parse ──▶ Snapshot
//! ```
//!
//! The same bytes serve `cargo test` (insta's macro), `check`, `cargo insta review` and `d4iot-double review`.

mod escape;
mod folder;
mod header;
mod pretty;
mod render;
mod store;
mod write_file;

pub use folder::{PendingSnapshot, SnapshotError, SnapshotFolder, is_id};
pub use render::render;
pub use store::{SnapshotComparison, SnapshotOwner, SnapshotStore, SnapshotWrite, UpdateMode};
use thiserror::Error;
#[cfg(feature = "cli")]
pub(crate) use write_file::{check_writable, protect, real_path, write_file, write_file_by};

/// One request and its answer, as a snapshot shows them. Values of accounts are placeholders already (`«user.password»`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What was sent.
    pub request: Request,
    /// What came back.
    pub answer: ShownAnswer,
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
pub enum ShownAnswer {
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
    /// The test that wrote it, relative to the workspace; none for snapshots of real targets, which no test names
    /// (`cargo insta test --unreferenced=delete` deletes what opens with `source:` and no test named).
    pub source: Option<String>,
    /// What the case is about, in a sentence.
    pub description: String,
    /// The file of the case, relative to the workspace; empty where there is none.
    pub input_file: String,
}

/// Why a text is not a snapshot, with the line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct FormatError(String);

impl Snapshot {
    /// Returns the whole file, as [`file()`] gives it.
    pub fn text(&self) -> String {
        file(&self.header, &self.body)
    }
}

/// Returns the whole `.snap` file, byte for byte as insta 1.49 writes it: trailing blanks of the body dropped, CR LF turned into LF,
/// one LF at the end.
pub fn file(header: &Header, body: &str) -> String {
    let field = |name, value: &str| format!("{name}: {}\n", header::scalar(value));
    let mut fields = String::new();
    fields.extend(header.source.iter().map(|source| field("source", source)));
    // The description is written even when it is empty: insta cannot read a header without a field.
    fields.push_str(&field("description", &header.description));
    if !header.input_file.is_empty() {
        fields.push_str(&field("input_file", &header.input_file));
    }
    format!("{FENCE}\n{fields}{FENCE}\n{}\n", contents(body))
}

/// Reads a `.snap` or `.snap.new` file. CR LF is taken for LF.
///
/// # Errors
/// The text is not in insta's file format, or its header has a field that our snapshots do not have, such as those of binary snapshots.
pub fn parse(text: &str) -> Result<Snapshot, FormatError> {
    let mut lines = text.split_inclusive('\n');
    let is_fence = |line: &&str| line.trim_end() == FENCE;
    let expected = "the start of insta's file format";
    let unopened = || FormatError(format!("line 1: expected `{FENCE}`, {expected}"));
    let first = lines.next().filter(is_fence).ok_or_else(unopened)?;
    let fields: Vec<&str> = lines.clone().take_while(|line| !is_fence(line)).collect();
    let header = header::parse(&fields)?;
    let unclosed = || FormatError(format!("no line `{FENCE}` ends the header"));
    let last = lines.nth(fields.len()).ok_or_else(unclosed)?;
    let above: usize = fields.iter().map(|line| line.len()).sum();
    let body = contents(&text[first.len() + above + last.len()..]);
    Ok(Snapshot { header, body })
}

/// Tells what insta's `DefaultComparator` says of two bodies: blank lines at the start and one line `---` are ignored, as it does for
/// older formats.
pub fn same(left: &str, right: &str) -> bool {
    let comparable = |body: &str| {
        let body = contents(body);
        let body = body.trim_start_matches(['\r', '\n']);
        body.strip_prefix("---\n").unwrap_or(body).to_owned()
    };
    left == right || comparable(left) == comparable(right)
}

/// Returns the lines that differ, with three lines around them, as plain text; empty where nothing differs.
pub fn diff(old: &str, new: &str) -> String {
    let difference = similar::TextDiff::from_lines(old, new);
    let mut lines = difference.unified_diff();
    lines.context_radius(3).missing_newline_hint(false);
    lines.to_string()
}

/// Returns a body as insta writes it, without the LF at the end. Insta drops one CR before an LF each time it reads and writes; here all
/// go at once, so that what was written is read unchanged.
fn contents(body: &str) -> String {
    let lines = body.trim_end().split('\n');
    let lines: Vec<&str> = lines.map(|line| line.trim_end_matches('\r')).collect();
    lines.join("\n")
}

/// The line above and below a header.
const FENCE: &str = "---";

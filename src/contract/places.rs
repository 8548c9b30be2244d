//! Holds a law against copies of the pages it was read from: every word stands where it is said to stand, every line is accounted for.
//!
//! ```text
//! Contract ─┬─ facts, quotes ─▶ said    does each stand on its lines?
//! Pages    ─┴─ lines ─────────▶ claims  who accounts for each line?
//! ```
//!
//! The pages are not ours and not in the project: whoever has copies brings them as text.

mod claims;
mod lint;
mod page;
mod said;
mod words;

use std::fmt;

use crate::contract::Contract;
use crate::contract::Kind;

pub use lint::lint;
pub use page::Page;

/// Copies of both pages; a law may cite the other kind's.
#[derive(Debug)]
pub struct Pages<'a> {
    /// The management console's.
    pub console: Page<'a>,
    /// The sensor's.
    pub sensor: Page<'a>,
}

/// A point where a law and a page part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The page.
    pub document: Kind,
    /// The line, counted from 1.
    pub line: u32,
    /// What the law says of that line: `validation.path (heading)`, `quote S85`, `excuse`, or `line` where it says nothing.
    pub subject: String,
    /// What should stand there, as a fragment that follows "expected".
    pub expected: String,
    /// What does, as a fragment that follows "found"; the line is shortened.
    pub found: String,
}

/// Returns every point where a law and its page part, by page and line. None means that all of it holds.
///
/// Words are held as written and whole: `admin_user` does not stand in `admin_username`, nor a sentence in a longer one or in one with a full stop.
/// Each line of the page must be claimed by a fact or a quote, or excused, and not both. Blank lines, fences and front matter need neither.
pub fn hold(contract: &Contract, pages: &Pages<'_>) -> Vec<Finding> {
    let mut findings = said::findings(contract, pages);
    findings.extend(claims::findings(contract, pages.of(contract.kind)));
    findings.sort_by_key(|finding| (finding.document, finding.line));
    findings
}

impl Pages<'_> {
    /// Returns the page of a kind.
    pub fn of(&self, kind: Kind) -> &Page<'_> {
        match kind {
            Kind::Console => &self.console,
            Kind::Sensor => &self.sensor,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { document, line, subject, expected, found } = self;
        write!(out, "{document}:{line} {subject}: expected {expected}, found {found}")
    }
}

#[cfg(test)]
mod tests;

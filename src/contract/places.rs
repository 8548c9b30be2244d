//! Holds a law against copies of the pages it was read from: every word stands where it is said to stand, every line is accounted for.
//!
//! ```text
//! Contract ─┬─ facts, quotes ─▶ said    does each stand on its lines?
//! Pages    ─┴─ lines ─────────▶ claims  who accounts for each line?
//! ```
//!
//! The pages are not ours and not in the project: a caller with copies brings them as text.

mod claims;
mod edition;
mod lint;
mod page;
mod said;
mod words;

use std::{collections::BTreeSet, fmt};

pub use lint::lint;
pub use page::Page;

use crate::contract::{Contract, Kind};

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
    /// Whether all that is amiss is the line's number.
    pub moved: bool,
}

/// Returns every point where a law and its page part, by page and line, what merely moved at the end. None means that all of it holds.
///
/// Words are held as written and whole: `admin_user` does not stand in `admin_username`, nor a sentence in a longer one or in one with a full stop.
/// Each line of the page must be claimed by a fact or a quote, or excused, and not both. Blank lines, fences and front matter need neither.
/// In a later edition lines are looked for where they went; one that changed is a finding even where the law's words still stand in it.
pub fn hold(contract: &Contract, pages: &Pages<'_>) -> Vec<Finding> {
    let page = pages.of(contract.kind);
    let mut findings = said::findings(contract, pages);
    findings.extend(claims::findings(contract, page));
    let spoken_of: BTreeSet<u32> = findings
        .iter()
        .filter(|finding| finding.document == contract.kind && !finding.moved)
        .map(|finding| finding.line)
        .collect();
    findings.extend(
        page.changed()
            .filter(|line| !spoken_of.contains(line) && !page.is_free(*line))
            .map(|line| Finding {
                document: contract.kind,
                line,
                subject: "line".into(),
                expected: "the words transcribed".into(),
                found: page.line(line).map_or_else(String::new, words::shown),
                moved: false,
            }),
    );
    findings.sort_by_key(|finding| (finding.moved, finding.document, finding.line));
    findings
}

impl<'a> Pages<'a> {
    /// Takes the whole texts of both pages, each to be read as a later edition of the one transcribed.
    pub fn following(sensor: &'a str, console: &'a str) -> Pages<'a> {
        let page = |kind, text| Page::following(text, &crate::contract::of(kind).document);
        Pages {
            console: page(Kind::Console, console),
            sensor: page(Kind::Sensor, sensor),
        }
    }

    /// Returns the page of a kind.
    pub fn of(&self, kind: Kind) -> &Page<'a> {
        match kind {
            Kind::Console => &self.console,
            Kind::Sensor => &self.sensor,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding {
            document,
            line,
            subject,
            expected,
            found,
            moved: _,
        } = self;
        write!(
            out,
            "{document}:{line} {subject}: expected {expected}, found {found}"
        )
    }
}

#[cfg(test)]
mod tests;

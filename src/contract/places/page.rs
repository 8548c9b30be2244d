//! One page as lines, with those that need no account.

use sha2::Digest;

use crate::contract::Contract;

/// A copy of a document. Ends of lines may be LF or CRLF.
#[derive(Debug)]
pub struct Page<'a> {
    lines: Vec<&'a str>,
    /// The last line of the front matter; 0 where there is none.
    front_matter: u32,
    sha256: String,
}

impl<'a> Page<'a> {
    /// Takes the whole text of a document, as it is in the file.
    pub fn new(text: &'a str) -> Page<'a> {
        let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(|line| line.strip_suffix('\r').unwrap_or(line)).collect();
        let sha256 = sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Page { front_matter: front_matter(&lines), lines, sha256 }
    }

    /// Returns a line, counted from 1.
    pub fn line(&self, number: u32) -> Option<&'a str> {
        self.lines.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }

    /// Returns how many lines there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX)
    }

    /// Tells whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns every line with its number.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, &'a str)> {
        (1..).zip(self.lines.iter().copied())
    }

    /// Returns the SHA-256 of the bytes as they are, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Tells whether this is, to the byte, the edition that a law was transcribed from.
    pub fn is_edition_of(&self, contract: &Contract) -> bool {
        self.sha256 == contract.document.sha256
    }

    /// Tells whether a line needs no account: it is blank, a code fence, or of the front matter.
    pub(super) fn is_free(&self, number: u32) -> bool {
        number <= self.front_matter || self.line(number).is_some_and(|line| line.trim().is_empty() || line.starts_with("```"))
    }
}

fn front_matter(lines: &[&str]) -> u32 {
    let rest = if lines.first() == Some(&RULE) { &lines[1..] } else { return 0 };
    rest.iter().position(|line| *line == RULE).and_then(|position| u32::try_from(position + 2).ok()).unwrap_or(0)
}

const RULE: &str = "---";

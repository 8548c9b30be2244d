//! One page as lines, with those that need no account.

use sha2::Digest;

use crate::contract::{
    Document,
    places::{edition, edition::Now},
};

/// A copy of a document. Ends of lines may be LF or CRLF.
#[derive(Debug)]
pub struct Page<'a> {
    lines: Vec<&'a str>,
    /// The last line of the front matter; 0 where there is none.
    front_matter: u32,
    sha256: String,
    /// What became of the lines of the edition that was transcribed; none where all are held to be where they were.
    then: Option<Vec<Now>>,
}

impl<'a> Page<'a> {
    /// Takes the whole text of a document, as it is in the file, to be read as a later edition of the one transcribed.
    pub fn following(text: &'a str, then: &Document) -> Page<'a> {
        let page = Page::new(text);
        let fingerprints: Vec<&str> = then.lines.split_whitespace().collect();
        let known = then.sha256 == page.sha256 || fingerprints.is_empty();
        Page {
            then: (!known).then(|| edition::follow(&fingerprints, &page.lines)),
            ..page
        }
    }

    /// Takes the whole text of a document, as it is in the file, to be read as the edition transcribed.
    pub fn new(text: &'a str) -> Page<'a> {
        let lines: Vec<&str> = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .lines()
            .map(|line| line.strip_suffix('\r').unwrap_or(line))
            .collect();
        let sha256 = crate::contract::encoding::hex(&sha2::Sha256::digest(text.as_bytes()));
        Page {
            front_matter: front_matter(&lines),
            lines,
            sha256,
            then: None,
        }
    }

    /// Returns a line, counted from 1.
    pub fn line(&self, number: u32) -> Option<&'a str> {
        self.lines
            .get(usize::try_from(number).ok()?.checked_sub(1)?)
            .copied()
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

    /// Tells whether this is, to the byte, the edition that was transcribed.
    pub fn is(&self, edition: &Document) -> bool {
        self.sha256 == edition.sha256
    }

    /// Returns the runs of lines that stand elsewhere than in the edition transcribed: first and last line there, first line here.
    pub fn moves(&self) -> Vec<(u32, u32, u32)> {
        let mut runs: Vec<(u32, u32, u32)> = Vec::new();
        for (was, now) in (1..).zip(self.then.iter().flatten()) {
            let Now::Kept(now) = *now else { continue };
            match runs.last_mut() {
                Some((first, last, start))
                    if *last + 1 == was && *start + (was - *first) == now =>
                {
                    *last = was
                }
                _ => runs.push((was, was, now)),
            }
        }
        runs.retain(|(first, _, start)| first != start);
        runs
    }

    /// Returns what became of a line of the edition transcribed.
    pub(super) fn now(&self, line: u32) -> Now {
        match &self.then {
            Some(then) => usize::try_from(line)
                .ok()
                .and_then(|line| then.get(line.checked_sub(1)?))
                .copied()
                .unwrap_or(Now::Gone),
            None => self.line(line).map_or(Now::Gone, |_| Now::Kept(line)),
        }
    }

    /// Returns the lines of today whose words are not those of the line they replace.
    pub(super) fn changed(&self) -> impl Iterator<Item = u32> {
        self.then.iter().flatten().filter_map(|now| {
            if let Now::Changed(line) = now {
                Some(*line)
            } else {
                None
            }
        })
    }

    /// Tells whether a line needs no account: it is blank, a code fence, or of the front matter.
    pub(super) fn is_free(&self, number: u32) -> bool {
        number <= self.front_matter
            || self
                .line(number)
                .is_some_and(|line| line.trim().is_empty() || line.starts_with("```"))
    }
}

fn front_matter(lines: &[&str]) -> u32 {
    let rest = if lines.first() == Some(&RULE) {
        &lines[1..]
    } else {
        return 0;
    };
    rest.iter()
        .position(|line| *line == RULE)
        .and_then(|position| u32::try_from(position + 2).ok())
        .unwrap_or(0)
}

const RULE: &str = "---";

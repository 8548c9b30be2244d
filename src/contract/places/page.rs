//! One page as lines, each found again in a later edition.

use sha2::{Digest, Sha256};
use similar::{Algorithm, DiffOp};

use crate::contract::{Document, encoding::hex};

/// A copy of a document. Lines end with LF or CRLF.
#[derive(Debug)]
pub struct SourcePage<'a> {
    lines: Vec<&'a str>,
    /// The last line of the front matter; 0 without any.
    front_matter: usize,
    sha256: String,
    /// For each line of the edition transcribed, the index of the line that it is now, or that replaced it.
    now: Vec<Option<usize>>,
    /// Which of those have other words.
    changed: Vec<usize>,
}

impl<'a> SourcePage<'a> {
    /// Takes the whole text of a document, to be read as a later edition of the one transcribed.
    pub fn following(text: &'a str, then: &Document) -> SourcePage<'a> {
        let page = SourcePage::new(text);
        let fingerprints: Vec<&str> = then.lines.split_whitespace().collect();
        if page.is(then) || fingerprints.is_empty() {
            return page;
        }
        let (now, changed) = follow(&fingerprints, &page.lines);
        SourcePage {
            now,
            changed,
            ..page
        }
    }

    /// Takes the whole text of a document, to be read as the edition transcribed.
    pub fn new(text: &'a str) -> SourcePage<'a> {
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
        let end = lines.iter().skip(1).position(|line| *line == RULE);
        let has_front_matter = lines.first() == Some(&RULE);
        SourcePage {
            front_matter: end.filter(|_| has_front_matter).map_or(0, |end| end + 2),
            sha256: hex(&Sha256::digest(text)),
            now: (0..lines.len()).map(Some).collect(),
            changed: Vec::new(),
            lines,
        }
    }

    /// Returns a line, counted from 1.
    pub fn line(&self, number: u32) -> Option<&'a str> {
        self.lines.get(number as usize - 1).copied()
    }

    /// Returns how many lines there are.
    pub fn len(&self) -> u32 {
        number(self.lines.len()) - 1
    }

    /// Returns whether there is no line at all.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the SHA-256 of the bytes, in lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns whether this is, to the byte, the edition that was transcribed.
    pub fn is(&self, edition: &Document) -> bool {
        self.sha256 == edition.sha256
    }

    /// Returns the number today of a line of the edition transcribed, or of the line that replaced it.
    pub(super) fn now(&self, line: u32) -> Option<u32> {
        let now = self.now.get(line as usize - 1)?;
        now.map(number)
    }

    /// Returns whether a line has other words than the line it replaced.
    pub(super) fn is_changed(&self, line: u32) -> bool {
        self.changed.contains(&(line as usize - 1))
    }

    /// Returns whether a line need not be cited: it is blank, a code fence, or of the front matter.
    pub(super) fn is_free(&self, line: u32) -> bool {
        line as usize <= self.front_matter
            || self
                .line(line)
                .is_some_and(|line| line.trim().is_empty() || line.starts_with("```"))
    }
}

/// Returns where each line of an edition is now, given the fingerprints of its lines, and which lines have other words.
fn follow(then: &[&str], lines: &[&str]) -> (Vec<Option<usize>>, Vec<usize>) {
    let today: Vec<String> = lines.iter().map(|line| fingerprint(line)).collect();
    let today: Vec<&str> = today.iter().map(String::as_str).collect();
    let mut now = vec![None; then.len()];
    let mut differing = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Patience, then, &today) {
        if let DiffOp::Equal { .. } = op {
            for (old, new) in op.old_range().zip(op.new_range()) {
                now[old] = Some(new);
            }
        } else {
            differing.push((op.old_range(), op.new_range()));
        }
    }
    // A paragraph that stands elsewhere is the same paragraph.
    let mut unknown: Vec<usize> = differing.iter().flat_map(|(_, new)| new.clone()).collect();
    for old in differing.iter().flat_map(|(old, _)| old.clone()) {
        let same = unknown.iter().position(|new| today[*new] == then[old]);
        now[old] = same.map(|same| unknown.remove(same));
    }
    let mut changed = Vec::new();
    for (old, new) in differing {
        let mut new = new.filter(|new| unknown.contains(new));
        for old in old.filter(|old| now[*old].is_none()).collect::<Vec<_>>() {
            now[old] = new.next();
            changed.extend(now[old]);
        }
    }
    (now, changed)
}

/// Returns a line's fingerprint: eight hexadecimal digits of the SHA-256 of its words, so that blanks alone make no difference.
fn fingerprint(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    hex(&Sha256::digest(words.join(" "))[..4])
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

const RULE: &str = "---";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same("a b c", "a b c", &[Some(0), Some(1), Some(2)], &[])]
    #[case::added("a b c", "x a b c", &[Some(1), Some(2), Some(3)], &[])]
    #[case::removed("a b c", "a c", &[Some(0), None, Some(1)], &[])]
    #[case::changed("a b c", "a x c", &[Some(0), Some(1), Some(2)], &[1])]
    #[case::changed_and_added("a b c", "a x y c", &[Some(0), Some(1), Some(3)], &[1])]
    #[case::moved("a b c d", "b c d a", &[Some(3), Some(0), Some(1), Some(2)], &[])]
    #[case::nothing_left("a b", "", &[None, None], &[])]
    #[case::nothing_before("", "a", &[], &[])]
    fn lines_are_followed(
        #[case] then: &str,
        #[case] today: &str,
        #[case] now: &[Option<usize>],
        #[case] changed: &[usize],
    ) {
        let then: Vec<String> = then.split_whitespace().map(fingerprint).collect();
        let then: Vec<&str> = then.iter().map(String::as_str).collect();
        let today: Vec<&str> = today.split_whitespace().collect();
        assert_eq!(follow(&then, &today), (now.to_vec(), changed.to_vec()));
    }

    #[test]
    fn blanks_alone_make_no_difference() {
        assert_eq!(fingerprint("| a  |  b |  "), fingerprint("| a | b |"));
        assert_ne!(fingerprint("a"), fingerprint("a."));
    }
}

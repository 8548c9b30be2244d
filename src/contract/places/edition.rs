//! Follows the lines of the edition that was transcribed into a page that has changed since.
//!
//! The law keeps a fingerprint of each line, not the line: enough to tell which are the same, which moved, and which are new.

use sha2::Digest;
use similar::{Algorithm, DiffOp};

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Now {
    /// Other words stand in its place, on this line.
    Changed(u32),
    /// Nothing stands in its place.
    Gone,
    /// It stands on this line.
    Kept(u32),
}

impl Now {
    /// Returns the line that is to be read today.
    pub(super) fn line(self) -> Option<u32> {
        match self {
            Now::Changed(line) | Now::Kept(line) => Some(line),
            Now::Gone => None,
        }
    }
}

/// Returns what became of each line of an edition, given its fingerprints and the lines of today.
pub(super) fn follow(then: &[&str], today: &[&str]) -> Vec<Now> {
    let today: Vec<String> = today.iter().map(|line| fingerprint(line)).collect();
    let today: Vec<&str> = today.iter().map(String::as_str).collect();
    let mut lines = vec![Now::Gone; then.len()];
    let mut blocks = Vec::new();
    for op in similar::capture_diff_slices(Algorithm::Patience, then, &today) {
        match op {
            DiffOp::Equal {
                old_index,
                new_index,
                len,
            } => (0..len).for_each(|at| lines[old_index + at] = Now::Kept(number(new_index + at))),
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                blocks.push((op.old_range(), op.new_range()))
            }
        }
    }
    // A paragraph that stands elsewhere is the same paragraph.
    let mut strangers: Vec<usize> = blocks.iter().flat_map(|(_, new)| new.clone()).collect();
    for old in blocks.iter().flat_map(|(old, _)| old.clone()) {
        if let Some(found) = strangers
            .iter()
            .position(|stranger| today[*stranger] == then[old])
        {
            lines[old] = Now::Kept(number(strangers.remove(found)));
        }
    }
    for (old, new) in blocks {
        let mut rest = new.filter(|at| strangers.contains(at));
        for at in old {
            if lines[at] == Now::Gone
                && let Some(stranger) = rest.next()
            {
                lines[at] = Now::Changed(number(stranger));
            }
        }
    }
    lines
}

/// Returns a line's fingerprint: eight hexadecimal digits of the SHA-256 of its words, so that blanks alone make no difference.
pub(super) fn fingerprint(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    crate::contract::encoding::hex(&sha2::Sha256::digest(words.join(" "))[..4])
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::same("a b c", "a b c", &[Now::Kept(1), Now::Kept(2), Now::Kept(3)])]
    #[case::added("a b c", "x a b c", &[Now::Kept(2), Now::Kept(3), Now::Kept(4)])]
    #[case::removed("a b c", "a c", &[Now::Kept(1), Now::Gone, Now::Kept(2)])]
    #[case::changed("a b c", "a x c", &[Now::Kept(1), Now::Changed(2), Now::Kept(3)])]
    #[case::changed_and_added("a b c", "a x y c", &[Now::Kept(1), Now::Changed(2), Now::Kept(4)])]
    #[case::moved("a b c d", "b c d a", &[Now::Kept(4), Now::Kept(1), Now::Kept(2), Now::Kept(3)])]
    #[case::nothing_left("a b", "", &[Now::Gone, Now::Gone])]
    #[case::nothing_before("", "a", &[])]
    fn lines_are_followed(#[case] then: &str, #[case] today: &str, #[case] expected: &[Now]) {
        let then: Vec<String> = then.split_whitespace().map(fingerprint).collect();
        let then: Vec<&str> = then.iter().map(String::as_str).collect();
        assert_eq!(
            follow(&then, &today.split_whitespace().collect::<Vec<_>>()),
            expected
        );
    }

    #[test]
    fn blanks_alone_make_no_difference() {
        assert_eq!(fingerprint("| a  |  b |  "), fingerprint("| a | b |"));
        assert_ne!(fingerprint("a"), fingerprint("a."));
    }
}

//! How similar two texts are, letter by letter.

use std::collections::BTreeMap;

/// Returns how similar two texts are, from 0 to 1; none where that is less than `least`, which most often is seen without comparing them.
pub(crate) fn similarity(one: &str, other: &str, least: f32) -> Option<f32> {
    // At most the letters that both have are the same.
    let mut letters: BTreeMap<char, usize> = BTreeMap::new();
    one.chars()
        .for_each(|letter| *letters.entry(letter).or_default() += 1);
    let (mut count, mut shared) = (one.chars().count(), 0);
    for letter in other.chars() {
        count += 1;
        if let Some(left) = letters.get_mut(&letter).filter(|left| **left > 0) {
            *left -= 1;
            shared += 1;
        }
    }
    if (2 * shared) as f32 / (count.max(1) as f32) < least {
        return None;
    }
    let ratio = similar::TextDiff::from_chars(one, other).ratio();
    (ratio >= least).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("abcd", "abcd", 1.0, Some(1.0))]
    #[case("abcd", "abxx", 0.5, Some(0.5))]
    #[case("abcd", "abxx", 0.6, None)]
    #[case("abcd", "dcba", 0.9, None)]
    #[case("", "abc", 0.1, None)]
    fn texts_are_compared(
        #[case] one: &str,
        #[case] other: &str,
        #[case] least: f32,
        #[case] expected: Option<f32>,
    ) {
        assert_eq!(similarity(one, other, least), expected);
    }
}

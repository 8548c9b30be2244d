//! How similar two texts are, letter by letter.

/// Returns how similar two texts are, from 0 to 1; none where that is less than `least`, which most often is seen without comparing them.
pub(crate) fn similarity(one: &str, other: &str, least: f32) -> Option<f32> {
    let lengths = [one, other].map(|text| text.chars().count());
    let (all, shared) = (lengths[0] + lengths[1], lengths[0].min(lengths[1]));
    if ((2 * shared) as f32) < least * all as f32 {
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

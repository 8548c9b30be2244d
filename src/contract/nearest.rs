//! The name that may be meant by a misspelt one.

/// Returns the name that is most like a value, if one is similar; case does not matter.
pub(crate) fn nearest<'a>(
    value: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if value.len() > MAX_LENGTH {
        return None;
    }
    let value = value.to_lowercase();
    let similarity = |name: &str| {
        similar::TextDiff::from_chars(name.to_lowercase().as_str(), value.as_str()).ratio()
    };
    names
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|(similarity, _)| *similarity > SIMILARITY_THRESHOLD)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

/// A longer value is not a name.
const MAX_LENGTH: usize = 64;
/// How similar two names are before one is offered for the other, from 0 to 1.
const SIMILARITY_THRESHOLD: f32 = 0.6;

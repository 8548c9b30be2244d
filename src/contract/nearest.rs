//! The name that may be meant by a misspelt one.

/// Returns the name that is most like a value, if one is similar; case does not matter.
pub(crate) fn nearest<'a>(
    value: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    nearest_names(value, names).into_iter().next()
}

/// Returns the names that are similar to a value, the most similar first.
pub(crate) fn nearest_names<'a>(
    value: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Vec<&'a str> {
    if value.len() > MAX_LENGTH {
        return Vec::new();
    }
    let value = value.to_lowercase();
    let similarity = |name: &str| {
        similar::TextDiff::from_chars(name.to_lowercase().as_str(), value.as_str()).ratio()
    };
    let mut found: Vec<(f32, &str)> = names
        .into_iter()
        .map(|name| (similarity(name), name))
        .filter(|(similarity, _)| *similarity > SIMILARITY_THRESHOLD)
        .collect();
    // Of two that are equally similar, the later one comes first.
    found.reverse();
    found.sort_by(|(left, _), (right, _)| right.total_cmp(left));
    found.into_iter().map(|(_, name)| name).collect()
}

/// A longer value is not a name.
const MAX_LENGTH: usize = 64;
/// How similar two names are before one is offered for the other, from 0 to 1.
const SIMILARITY_THRESHOLD: f32 = 0.6;

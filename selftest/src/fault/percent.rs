//! The content of a form or a query, decoded as a lenient server does.

/// Resolves `%41` and `+`; anything that is not an escape stays.
pub(super) fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced);
    decoded.decode_utf8_lossy().into_owned()
}

/// Makes a JSON object of `name=value&…`.
pub(super) fn object(pairs: &str) -> String {
    let pairs = pairs.split('&').filter_map(|pair| pair.split_once('='));
    serde_json::Value::Object(
        pairs
            .map(|(name, value)| (decoded(name), decoded(value).into()))
            .collect(),
    )
    .to_string()
}

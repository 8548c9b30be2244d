//! The content of a form or a query, decoded as a lenient server does.

/// Resolves `%41` and `+`; anything that is not an escape stays.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = text
            .get(index + 1..index + 3)
            .filter(|_| bytes[index] == b'%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(match (escape, bytes[index]) {
            (Some(byte), _) => byte,
            (None, b'+') => b' ',
            (None, byte) => byte,
        });
        index += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
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

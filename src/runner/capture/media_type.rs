//! Content types as anybody may read them.

/// Returns the media types of a header that anybody may know, with their character sets and weights and no other parameters. What is
/// known alone is kept to the letter.
pub(super) fn plain_type(text: &str) -> String {
    let plain = |part: &str| {
        let mut pieces = part.split(';').map(str::trim);
        let media_type = pieces.next().unwrap_or_default();
        let is_known = TYPES.contains(&&*media_type.to_ascii_lowercase());
        let first = if is_known { media_type } else { "other/other" };
        let kept = pieces.filter(|piece| is_known_parameter(piece));
        let pieces: Vec<&str> = std::iter::once(first).chain(kept).collect();
        pieces.join("; ")
    };
    let shown = text.split(',').map(plain).collect::<Vec<_>>().join(", ");
    match shown.replace(' ', "") == text.replace(' ', "") {
        true => text.to_owned(),
        false => shown,
    }
}

fn is_known_parameter(parameter: &str) -> bool {
    let parameter = parameter.to_ascii_lowercase().replace('"', "");
    match parameter.split_once('=') {
        Some(("charset", set)) => CHARSETS.contains(&set),
        Some(("q", weight)) => weight.len() <= 5 && weight.parse::<f32>().is_ok(),
        _ => parameter.is_empty(),
    }
}

/// Tells whether a text is a content type that anybody may know.
pub(super) fn is_plain_type(text: &str) -> bool {
    TYPES.contains(&text.split(';').next().unwrap_or_default()) && plain_type(text) == text
}

const TYPES: [&str; 12] = [
    "*/*",
    "application/json",
    "application/octet-stream",
    "application/problem+json",
    "application/x-www-form-urlencoded",
    "application/xml",
    "multipart/form-data",
    "text/*",
    "text/html",
    "text/json",
    "text/plain",
    "text/xml",
];
const CHARSETS: [&str; 4] = ["us-ascii", "utf-16", "utf-8", "utf8"];

//! Content types as anybody may read them.

/// Returns the media types of a header that anybody may know, with their character sets and weights and no other parameters. What is
/// known alone is kept to the letter.
pub(super) fn plain_type(text: &str) -> String {
    let plain = |part: &str| {
        let mut pieces = part.split(';').map(str::trim);
        let media_type = pieces.next().unwrap_or_default();
        let is_known = TYPES.contains(&&*media_type.to_ascii_lowercase());
        let kept = pieces.filter(|piece| {
            let piece = piece.to_ascii_lowercase().replace('"', "");
            let is_set = |set: &str| CHARSETS.contains(&set);
            let is_weight = |weight: &str| weight.len() <= 5 && weight.parse::<f32>().is_ok();
            piece.is_empty()
                || piece.strip_prefix("charset=").is_some_and(is_set)
                || piece.strip_prefix("q=").is_some_and(is_weight)
        });
        let first = if is_known { media_type } else { OTHER_TYPE };
        let pieces: Vec<&str> = std::iter::once(first).chain(kept).collect();
        pieces.join("; ")
    };
    let shown = text.split(',').map(plain).collect::<Vec<_>>().join(", ");
    let bare = |text: &str| text.replace(' ', "");
    if bare(&shown) == bare(text) {
        text.to_owned()
    } else {
        shown
    }
}

/// Tells whether a text is a content type that anybody may know.
pub(super) fn is_plain_type(text: &str) -> bool {
    TYPES.contains(&text.split(';').next().unwrap_or_default()) && plain_type(text) == text
}

const OTHER_TYPE: &str = "other/other";
const TYPES: [&str; 17] = [
    "*/*",
    "application/*",
    "application/hal+json",
    "application/json",
    "application/octet-stream",
    "application/problem+json",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "multipart/form-data",
    "text/*",
    "text/html",
    "text/javascript",
    "text/json",
    "text/plain",
    "text/xml",
];
const CHARSETS: [&str; 7] = [
    "iso-8859-1",
    "iso-8859-15",
    "us-ascii",
    "utf-16",
    "utf-8",
    "utf8",
    "windows-1252",
];

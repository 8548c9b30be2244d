//! The text of a snapshot: one exchange, or a sequence of them, to be read by people and compared by machines.

use sha2::Digest;
use sha2::Sha256;

use crate::snapshot::Answer;
use crate::snapshot::Exchange;
use crate::snapshot::Request;

use super::escape;
use super::pretty::pretty;

/// Returns the body of the `.snap` file for the exchanges of one case.
///
/// ```text
/// POST /api/external/authentication/validation
/// content-type: application/json
///
/// "{\"username\":\"«user.username»\",\"password\":\"«user.password»\"}"
/// {
///   "username": "«user.username»",
///   "password": "«user.password»"
/// }
///
/// 200
/// content-type: application/json
/// date: …
///
/// "{\"msg\": \"…\"}\n"
/// {
///   "msg": "…"
/// }
///
/// ──── 2
/// ```
///
/// A header whose value is not stable shows `…`. A body is a JSON string of its bytes, so that what insta's comparator ignores (CR LF, blanks at the end)
/// is compared after all, and below it pretty JSON where it is an object or an array. `(no body)` is a request without one, `""` an empty one.
/// A body longer than 4096 bytes shows its ends, its length and the first 16 digits of its SHA-256. Different exchanges give different texts.
pub fn render(exchanges: &[Exchange]) -> String {
    let sections = exchanges.iter().enumerate().map(|(index, exchange)| match index {
        0 => one(exchange),
        _ => format!("──── {}\n{}", index + 1, one(exchange)),
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

fn one(exchange: &Exchange) -> String {
    format!("{}\n\n{}", request(&exchange.request), answer(&exchange.answer))
}

fn request(request: &Request) -> String {
    let mut text = format!("{} {}", word(&request.method), word(&request.path));
    for (name, value) in &request.headers {
        text.push_str(&header(name, Some(value)));
    }
    let body = request.body.as_deref().map_or_else(|| NO_BODY.to_owned(), body);
    format!("{text}\n\n{body}")
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Failed(words) => format!("failed: {}", escape::plain(words)),
        Answer::Received { status, headers, body: bytes } => {
            let headers: String = headers.iter().map(|(name, value)| header(name, value.as_deref())).collect();
            format!("{status}{headers}\n\n{}", body(bytes))
        }
    }
}

fn header(name: &str, value: Option<&str>) -> String {
    let value = value.map_or_else(|| UNSTABLE.to_owned(), escape::plain);
    // A name is a token, which has no colon; were it anything else, its quotes would show where it ends.
    format!("\n{}: {value}", if name.contains(':') { escape::string(name.as_bytes()) } else { word(name) })
}

/// Returns a word, in quotes where a blank would hide its end.
fn word(text: &str) -> String {
    if text.contains(' ') { escape::string(text.as_bytes()) } else { escape::plain(text) }
}

fn body(bytes: &[u8]) -> String {
    if bytes.len() > LONG {
        return shortened(bytes);
    }
    let string = escape::string(bytes);
    match pretty(bytes) {
        Some(pretty) => format!("{string}\n{pretty}"),
        None => string,
    }
}

fn shortened(bytes: &[u8]) -> String {
    let (head, tail) = (cut(bytes, HEAD), cut(bytes, bytes.len() - TAIL));
    let hash: String = Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let (first, last) = (escape::string(&bytes[..head]), escape::string(&bytes[tail..]));
    format!("{first} … {} bytes … {last}\n({} bytes, sha256 {hash}…)", tail - head, bytes.len())
}

/// Moves a cut back to where a UTF-8 character starts, if one starts within three bytes, so that a whole character never looks broken.
fn cut(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|start| bytes[*start] & 0b1100_0000 != 0b1000_0000).unwrap_or(at)
}

/// Stands for a value that differs from run to run; a value that says so itself is quoted.
const UNSTABLE: &str = "…";

/// Stands for the body of a request that has none; a body is always in quotes.
const NO_BODY: &str = "(no body)";

/// The longest body shown whole, in bytes.
const LONG: usize = 4096;

/// How many bytes of a longer body are shown from its start.
const HEAD: usize = 256;

/// How many bytes of a longer body are shown from its end.
const TAIL: usize = 128;

//! The text of a snapshot: one exchange, or a sequence of them, to be read by people and compared by machines.

use sha2::{Digest, Sha256};

use super::{Exchange, Request, ShownAnswer, escape, pretty::pretty};
use crate::contract::encoding::hex;

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
    let mut text = String::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        if index > 0 {
            text.push_str(&format!("\n\n──── {}\n", index + 1));
        }
        let (request, answer) = (render_request(&exchange.request), answer(&exchange.answer));
        text.push_str(&format!("{request}\n\n{answer}"));
    }
    text
}

/// Returns the part of a section that shows its request.
fn render_request(request: &Request) -> String {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| header(name, Some(value)));
    let headers: String = headers.collect();
    let body = request.body.as_deref().map_or(NO_BODY.to_owned(), body);
    let (method, path) = (word(&request.method), word(&request.path));
    format!("{method} {path}{headers}\n\n{body}")
}

fn answer(answer: &ShownAnswer) -> String {
    match answer {
        ShownAnswer::Failed(reason) => format!("failed: {}", escape::plain(reason)),
        ShownAnswer::Received {
            status,
            headers,
            body: bytes,
        } => {
            let headers = headers.iter();
            let headers = headers.map(|(name, value)| header(name, value.as_deref()));
            format!("{status}{}\n\n{}", headers.collect::<String>(), body(bytes))
        }
    }
}

fn header(name: &str, value: Option<&str>) -> String {
    // A name is a token, which has no colon; were it anything else, its quotes would show where it ends.
    let name = if name.contains(':') {
        escape::string(name.as_bytes())
    } else {
        word(name)
    };
    let value = value.map_or(UNSTABLE.to_owned(), escape::plain);
    format!("\n{name}: {value}")
}

/// Returns a word, in quotes where a blank would hide its end.
fn word(word: &str) -> String {
    if word.contains(' ') {
        escape::string(word.as_bytes())
    } else {
        escape::plain(word)
    }
}

fn body(bytes: &[u8]) -> String {
    let length = bytes.len();
    if length > MAX_WHOLE {
        let (head, tail) = (cut(bytes, HEAD), cut(bytes, length - TAIL));
        let [start, end] = [&bytes[..head], &bytes[tail..]].map(escape::string);
        let hash = hex(&Sha256::digest(bytes)[..8]);
        let omitted = tail - head;
        return format!("{start} … {omitted} bytes … {end}\n({length} bytes, sha256 {hash}…)");
    }
    let pretty = pretty(bytes).map_or(String::new(), |pretty| format!("\n{pretty}"));
    escape::string(bytes) + &pretty
}

/// Moves a cut back to where a UTF-8 character starts, if one starts within three bytes, so that a whole character never looks broken.
fn cut(bytes: &[u8], at: usize) -> usize {
    let mut starts = (at.saturating_sub(3)..=at).rev();
    let start = starts.find(|start| bytes[*start] & 0b1100_0000 != 0b1000_0000);
    start.unwrap_or(at)
}

/// Replaces a value that differs from run to run; a value that is this character itself is quoted.
const UNSTABLE: &str = "…";
/// Replaces the body of a request that has none; a body is always in quotes.
const NO_BODY: &str = "(no body)";
/// The longest body shown whole, in bytes.
const MAX_WHOLE: usize = 4096;
/// How many bytes of a longer body are shown from its start.
const HEAD: usize = 256;
/// How many bytes of a longer body are shown from its end.
const TAIL: usize = 128;

//! The text of a snapshot: one exchange, or a sequence of them, to be read by people and compared by machines.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{escape, pretty::pretty};
use crate::snapshot::{Answer, Exchange, Request};

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
    let mut text = String::with_capacity(ROOM * exchanges.len());
    for (index, exchange) in exchanges.iter().enumerate() {
        if index > 0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n\n──── {}", index + 1);
        }
        request(&mut text, &exchange.request);
        text.push_str("\n\n");
        answer(&mut text, &exchange.answer);
    }
    text
}

fn request(text: &mut String, request: &Request) {
    word(text, &request.method);
    text.push(' ');
    word(text, &request.path);
    for (name, value) in &request.headers {
        header(text, name, Some(value));
    }
    text.push_str("\n\n");
    match &request.body {
        Some(bytes) => body(text, bytes),
        None => text.push_str(NO_BODY),
    }
}

fn answer(text: &mut String, answer: &Answer) {
    match answer {
        Answer::Failed(words) => {
            text.push_str("failed: ");
            escape::plain(text, words);
        }
        Answer::Received {
            status,
            headers,
            body: bytes,
        } => {
            let _ = write!(text, "{status}");
            for (name, value) in headers {
                header(text, name, value.as_deref());
            }
            text.push_str("\n\n");
            body(text, bytes);
        }
    }
}

fn header(text: &mut String, name: &str, value: Option<&str>) {
    text.push('\n');
    // A name is a token, which has no colon; were it anything else, its quotes would show where it ends.
    if name.contains(':') {
        escape::string(text, name.as_bytes())
    } else {
        word(text, name)
    }
    text.push_str(": ");
    match value {
        Some(value) => escape::plain(text, value),
        None => text.push_str(UNSTABLE),
    }
}

/// Appends a word, in quotes where a blank would hide its end.
fn word(text: &mut String, word: &str) {
    if word.contains(' ') {
        escape::string(text, word.as_bytes())
    } else {
        escape::plain(text, word)
    }
}

fn body(text: &mut String, bytes: &[u8]) {
    if bytes.len() > LONG {
        return shortened(text, bytes);
    }
    escape::string(text, bytes);
    if let Some(pretty) = pretty(bytes) {
        text.push('\n');
        text.push_str(&pretty);
    }
}

fn shortened(text: &mut String, bytes: &[u8]) {
    let (head, tail) = (cut(bytes, HEAD), cut(bytes, bytes.len() - TAIL));
    let hash = crate::contract::encoding::hex(&Sha256::digest(bytes)[..8]);
    escape::string(text, &bytes[..head]);
    let _ = write!(text, " … {} bytes … ", tail - head);
    escape::string(text, &bytes[tail..]);
    let _ = write!(text, "\n({} bytes, sha256 {hash}…)", bytes.len());
}

/// Moves a cut back to where a UTF-8 character starts, if one starts within three bytes, so that a whole character never looks broken.
fn cut(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|start| bytes[*start] & 0b1100_0000 != 0b1000_0000)
        .unwrap_or(at)
}

/// Stands for a value that differs from run to run; a value that says so itself is quoted.
const UNSTABLE: &str = "…";

/// Most exchanges are shorter.
const ROOM: usize = 1024;

/// Stands for the body of a request that has none; a body is always in quotes.
const NO_BODY: &str = "(no body)";

/// The longest body shown whole, in bytes.
const LONG: usize = 4096;

/// How many bytes of a longer body are shown from its start.
const HEAD: usize = 256;

/// How many bytes of a longer body are shown from its end.
const TAIL: usize = 128;

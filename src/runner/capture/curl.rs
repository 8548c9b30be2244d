//! What curl prints of its exchanges: `-v`, which lacks the bodies of requests, and `--trace-ascii` and `--trace`, which have them.

use std::io::{BufRead, Read};

use http::HeaderMap;
use serde::de::IgnoredAny;

use crate::{
    contract::encoding::from_hex,
    runner::capture::{
        Capture, CaptureError, MAX_EXCHANGES, MAX_KEPT, Parts, SentBody, TOO_MANY, add_header,
        body::dechunked, header_text,
    },
};

/// Tells whether a text begins as curl's.
pub(super) fn is_of_curl(start: &[u8]) -> bool {
    let mut lines = start.split(|byte| *byte == b'\n').map(without_time);
    lines.any(|line| match line {
        [b'>', b' ', head @ ..] => is_request_line(head),
        _ => line.starts_with(SENT_HEAD),
    })
}

/// Reads a text.
///
/// # Errors
/// It cannot be read, or is too long.
pub(super) fn read(input: &mut impl BufRead, capture: &mut Capture) -> Result<(), CaptureError> {
    let mut text = Vec::new();
    let read = input.take(MAX_KEPT as u64 + 1).read_to_end(&mut text);
    if read.map_err(CaptureError::Read)? > MAX_KEPT {
        return Err(CaptureError::Form(
            "more than 64 MiB that curl printed: split it",
        ));
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(without_time);
    let found = match lines.any(|line| line.starts_with(SENT_HEAD)) {
        true => traced(&text),
        false => printed(&text),
    };
    if found.len() > MAX_EXCHANGES {
        capture.leave_out(TOO_MANY);
    }
    for Found { line, parts, .. } in found.into_iter().take(MAX_EXCHANGES) {
        capture.entries += 1;
        capture.add(Ok(parts), u32::try_from(line).unwrap_or(u32::MAX), 0);
    }
    Ok(())
}

/// An exchange as far as it was read.
struct Found {
    /// From 1.
    line: usize,
    parts: Parts,
    /// Where in the text of all bodies the request stands.
    place: usize,
}

impl Found {
    fn new(request_line: &[u8], line: usize, place: usize) -> Found {
        let text = String::from_utf8_lossy(request_line);
        let mut words = text.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (method, url) = (word(), word());
        let parts = Parts {
            method,
            url,
            ..Parts::default()
        };
        Found { line, parts, place }
    }

    /// Adds a line of the request's head, behind the first one.
    fn add_to_request(&mut self, line: &[u8]) {
        let parts = &mut self.parts;
        add_field(&mut parts.request_headers, line);
        let length = header_text(&parts.request_headers, "content-length");
        let is_chunked = parts.request_headers.contains_key("transfer-encoding");
        if is_chunked || !["", "0"].contains(&&*length) {
            parts.sent = SentBody::Missing;
        }
    }

    /// Adds a line of the answer's head; that of an interim answer is replaced.
    fn add_to_answer(&mut self, line: &[u8]) {
        let parts = &mut self.parts;
        if !line.starts_with(b"HTTP/") {
            return add_field(&mut parts.answer_headers, line);
        }
        let text = String::from_utf8_lossy(line);
        let status = text.split(' ').nth(1);
        parts.status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        parts.answer_headers.clear();
    }
}

fn add_field(headers: &mut HeaderMap, line: &[u8]) {
    if let Some(colon) = line.iter().position(|byte| *byte == b':') {
        let name = String::from_utf8_lossy(&line[..colon]);
        add_header(headers, &name, &line[colon + 1..]);
    }
}

/// Reads what `-v` prints. Bodies come between the heads, or behind all of them: where curl's output goes to a file, it is written late.
fn printed(text: &[u8]) -> Vec<Found> {
    let (mut found, mut bodies): (Vec<Found>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut in_request = false;
    for (number, whole) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let raw = without_progress(whole);
        if raw.len() < whole.len() && raw.trim_ascii().is_empty() {
            continue;
        }
        let line = without_time(raw.trim_ascii_end());
        match (line, found.last_mut()) {
            ([b'>'], Some(_)) if in_request => in_request = false,
            ([b'>', b' ', head @ ..], Some(last)) if in_request => last.add_to_request(head),
            ([b'>', b' ', head @ ..], _) if is_request_line(head) => {
                if found.len() > MAX_EXCHANGES {
                    break;
                }
                found.push(Found::new(head, number + 1, bodies.len()));
                in_request = true;
            }
            ([b'<', b' ', head @ ..], Some(last)) => last.add_to_answer(head),
            ([b'<'] | [b'*'] | [b'*', b' ', ..], _) => {}
            ([b'{' | b'}', ..], _) if line.ends_with(b"bytes data]") => {}
            (_, Some(_)) => bodies.extend_from_slice(raw),
            (_, None) => {}
        }
    }
    let places = found.iter().skip(1).map(|found| found.place);
    let places: Vec<usize> = places.chain([bodies.len()]).collect();
    let mut rest = &*bodies;
    for (found, next) in found.iter_mut().zip(places) {
        let parts = &mut found.parts;
        let has_none = [0, 204, 304].contains(&parts.status) || parts.method == "HEAD";
        let length = match header_text(&parts.answer_headers, "content-length").parse() {
            _ if has_none => 0,
            Ok(length) => length,
            // As far as JSON reaches, or to where the next request stands.
            Err(_) => {
                json_length(rest).unwrap_or_else(|| next.saturating_sub(bodies.len() - rest.len()))
            }
        };
        // What was not recorded is not taken from the next one.
        parts.answer_body = rest.get(..length).map(<[u8]>::to_vec);
        if length > 0 {
            rest = rest.get(length..).unwrap_or_default();
            // What curl says next follows a body without a line feed.
            if without_time(rest).starts_with(b"* ") {
                let end = rest.iter().position(|byte| *byte == b'\n');
                rest = end.map_or(&[], |end| &rest[end..]);
            }
            rest = rest.trim_ascii_start();
        }
    }
    found
}

/// Returns how long the JSON is that something begins with.
fn json_length(text: &[u8]) -> Option<usize> {
    let text = &text[..text.len().min(MAX_JSON)];
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// Returns what stands in a line besides the progress of a transfer.
fn without_progress(line: &[u8]) -> &[u8] {
    let find = |text: &[u8]| line.windows(text.len()).rposition(|part| part == text);
    if let Some(start) = find(b"  % Total ") {
        return &line[..start];
    }
    if find(b"Dload  Upload").is_some() {
        return b"";
    }
    // The speed behind the times has five columns.
    let end = find(b"--:--:-- ").map(|start| start + b"--:--:--      ".len());
    end.map_or(line, |end| line.get(end..).unwrap_or_default())
}

/// Reads what `--trace` and `--trace-ascii` print: blocks, each with a line that says what it has.
fn traced(text: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let (mut block, mut start, mut bytes): (&[u8], _, _) = (b"", 0, Vec::new());
    let (mut next, mut is_hex) = (0, None);
    let lines = text.split(|byte| *byte == b'\n');
    for (number, raw) in lines.chain([&b"== Info: end"[..]]).enumerate() {
        let line = without_time(raw.strip_suffix(b"\r").unwrap_or(raw));
        if [b"== ", b"=> ", b"<= "]
            .iter()
            .any(|mark| line.starts_with(*mark))
        {
            end_block(&mut found, block, start, &bytes);
            if found.len() > MAX_EXCHANGES {
                break;
            }
            (block, start, next) = (line, number + 1, 0);
            bytes.clear();
            continue;
        }
        // `0010: ` and what follows.
        let offset = line.get(..4).and_then(|offset| str::from_utf8(offset).ok());
        let offset = offset.and_then(|offset| usize::from_str_radix(offset, 16).ok());
        let (Some(offset), Some(data)) = (offset, line.get(6..)) else {
            continue;
        };
        let data = match *is_hex.get_or_insert_with(|| hex_columns(data).is_some()) {
            true => hex_columns(data).unwrap_or_default(),
            false => data.to_vec(),
        };
        // A line feed in the data ends a line of a trace, and is not shown.
        if next > 0 && (next + 1..=next + 2).contains(&offset) {
            bytes.extend_from_slice(&b"\r\n"[2 - (offset - next)..]);
        }
        next = offset + data.len();
        bytes.extend_from_slice(&data);
    }
    for Found { parts, .. } in &mut found {
        let body = parts.answer_body.get_or_insert_default();
        let coding = header_text(&parts.answer_headers, "transfer-encoding");
        if coding.eq_ignore_ascii_case("chunked")
            && let Some(whole) = dechunked(body)
        {
            *body = whole;
        }
    }
    found
}

/// Takes a block in, which begins in a line.
fn end_block(found: &mut Vec<Found>, block: &[u8], line: usize, bytes: &[u8]) {
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii_end);
    let mut lines = lines.filter(|line| !line.is_empty());
    if block.starts_with(SENT_HEAD) {
        let mut request = Found::new(lines.next().unwrap_or_default(), line, 0);
        lines.for_each(|line| request.add_to_request(line));
        return found.push(request);
    }
    let Some(last) = found.last_mut() else {
        return;
    };
    if block.starts_with(b"=> Send data") {
        last.parts.sent = SentBody::Whole;
        last.parts.request_body.extend_from_slice(bytes);
    } else if block.starts_with(b"<= Recv header") {
        lines.for_each(|line| last.add_to_answer(line));
    } else if block.starts_with(b"<= Recv data") {
        let body = last.parts.answer_body.get_or_insert_default();
        body.extend_from_slice(bytes);
    }
}

/// Returns the bytes of a line of `--trace`: up to sixteen in hexadecimal, then what they look like. None of another line.
fn hex_columns(data: &[u8]) -> Option<Vec<u8>> {
    let columns = str::from_utf8(data.get(..HEX_WIDTH)?).ok()?;
    let mut pairs = columns.trim_end().split(' ');
    let is_hex = pairs.all(|pair| pair.len() == 2);
    from_hex(&columns.replace(' ', "")).filter(|_| is_hex)
}

/// Returns a line without the time that `--trace-time` puts before it.
fn without_time(line: &[u8]) -> &[u8] {
    match line {
        [
            _,
            _,
            b':',
            _,
            _,
            b':',
            _,
            _,
            b'.',
            _,
            _,
            _,
            _,
            _,
            _,
            b' ',
            rest @ ..,
        ] => rest,
        _ => line,
    }
}

fn is_request_line(line: &[u8]) -> bool {
    line.windows(6).any(|part| part == b" HTTP/") && line[0].is_ascii_uppercase()
}

const SENT_HEAD: &[u8] = b"=> Send header";
/// How much is tried as JSON, in bytes: more than the body of any answer.
const MAX_JSON: usize = 8 * 1024;
/// How wide the bytes of a line of `--trace` are.
const HEX_WIDTH: usize = 48;

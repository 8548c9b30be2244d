//! What curl prints of its exchanges: `-v`, which lacks the bodies of requests, and `--trace-ascii` and `--trace`, which have them.

use std::io::{BufRead, Read};

use http::HeaderMap;

use crate::{
    contract::encoding::from_hex,
    runner::capture::{
        Capture, CaptureError, MAX_BODY, MAX_EXCHANGES, MAX_KEPT, Parts, SentBody, TOO_MANY,
        add_header, body::dechunked, header_text,
    },
};

/// Tells whether a text begins as curl's.
pub(super) fn is_of_curl(start: &[u8]) -> bool {
    let mut lines = start.split(|byte| *byte == b'\n').map(without_time);
    lines.any(|line| {
        line.starts_with(b"=> Send header")
            || line.starts_with(b"> ") && is_request_line(&line[2..])
    })
}

/// Reads a text.
///
/// # Errors
/// It cannot be read, or is too long.
pub(super) fn read(input: &mut impl BufRead, capture: &mut Capture) -> Result<(), CaptureError> {
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_KEPT).unwrap_or(u64::MAX);
    let read = input.take(limit + 1).read_to_end(&mut text);
    if read.map_err(CaptureError::Read)? > MAX_KEPT {
        return Err(CaptureError::Form(
            "more than 64 MiB that curl printed: split it",
        ));
    }
    let mut lines = text.split(|byte| *byte == b'\n').map(without_time);
    let found = match lines.any(|line| line.starts_with(b"=> Send header")) {
        true => traced(&text),
        false => printed(&text),
    };
    if found.len() > MAX_EXCHANGES {
        capture.leave_out(TOO_MANY);
    }
    for (number, found) in found.into_iter().take(MAX_EXCHANGES).enumerate() {
        capture.entries += 1;
        let line = found.line;
        match found.parts(number + 1).and_then(Parts::exchange) {
            Ok(mut exchange) => {
                exchange.line = line;
                capture.add(exchange);
            }
            Err(reason) => capture.leave_out(reason),
        }
    }
    Ok(())
}

/// An exchange as far as it was read.
#[derive(Default)]
struct Found {
    line: u32,
    /// Its lines.
    request_head: Vec<u8>,
    /// None where curl does not print it.
    request_body: Option<Vec<u8>>,
    answer_head: Vec<u8>,
    answer_body: Option<Vec<u8>>,
    /// Where in the text of all bodies the request stands.
    place: usize,
}

impl Found {
    fn parts(self, number: usize) -> Result<Parts, &'static str> {
        let (line, request_headers) = head(&self.request_head);
        let mut words = line.split(' ').map(str::to_owned);
        let (method, target) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        if method == "CONNECT" {
            return Err("a tunnel through a proxy");
        }
        let status = self.status();
        let (_, answer_headers) = head(&self.answer_head);
        let length = header_text(&request_headers, "content-length");
        let has_body = length != "0" && !length.is_empty()
            || request_headers.contains_key("transfer-encoding");
        let (sent, request_body) = match self.request_body {
            Some(body) => (SentBody::Whole, body),
            None if has_body => (SentBody::Missing, Vec::new()),
            None => (SentBody::Whole, Vec::new()),
        };
        Ok(Parts {
            number,
            method,
            url: target,
            request_headers,
            sent,
            request_body,
            times: None,
            status,
            answer_headers,
            answer_body: self.answer_body,
            lacks_type: false,
        })
    }

    fn status(&self) -> u16 {
        let (line, _) = head(&self.answer_head);
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        status.unwrap_or_default()
    }

    /// Adds a line of the answer's head; that of an interim answer is replaced.
    fn add_to_answer(&mut self, line: &[u8]) {
        if line.starts_with(b"HTTP/") {
            self.answer_head.clear();
        }
        self.answer_head.extend_from_slice(line);
        self.answer_head.push(b'\n');
    }
}

/// Returns the first line of a head, and the fields below.
fn head(lines: &[u8]) -> (String, HeaderMap) {
    let mut headers = HeaderMap::new();
    let mut lines = lines.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    for line in lines {
        if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            add_header(
                &mut headers,
                &String::from_utf8_lossy(&line[..colon]),
                &line[colon + 1..],
            );
        }
    }
    (first, headers)
}

/// Reads what `-v` prints. Bodies come between the heads, or behind all of them: where curl's output goes to a file, it is written late.
fn printed(text: &[u8]) -> Vec<Found> {
    let (mut found, mut bodies): (Vec<Found>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut in_request = false;
    for (number, raw) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let whole = raw;
        let raw = without_progress(raw);
        if raw.len() < whole.len() && raw.trim_ascii().is_empty() {
            continue;
        }
        let line = without_time(raw.trim_ascii_end());
        let (mark, rest) = (line.first(), line.get(2..).unwrap_or_default());
        let is_marked = line.len() == 1 || line.get(1) == Some(&b' ');
        match mark {
            Some(b'>') if is_marked && (in_request || is_request_line(rest)) => {
                if !in_request && found.len() > MAX_EXCHANGES {
                    break;
                }
                if !in_request {
                    found.push(Found {
                        line: u32::try_from(number + 1).unwrap_or(u32::MAX),
                        place: bodies.len(),
                        ..Found::default()
                    });
                }
                in_request = !rest.is_empty();
                if let Some(last) = found.last_mut() {
                    last.request_head.extend_from_slice(rest);
                    last.request_head.push(b'\n');
                }
            }
            Some(b'<') if is_marked && !found.is_empty() => {
                in_request = false;
                if let Some(last) = found.last_mut() {
                    last.add_to_answer(rest);
                }
            }
            Some(b'*') if is_marked => {}
            Some(b'{' | b'}') if line.ends_with(b"bytes data]") => {}
            _ if found.is_empty() => {}
            _ => bodies.extend_from_slice(raw),
        }
    }
    let places: Vec<usize> = found.iter().skip(1).map(|found| found.place).collect();
    let (mut at, mut no_json) = (0, None);
    for (index, found) in found.iter_mut().enumerate() {
        let status = found.status();
        let (_, headers) = head(&found.answer_head);
        let rest = &bodies[at..];
        let has_none = status == 204 || status == 304 || found.request_head.starts_with(b"HEAD ");
        let length = match header_text(&headers, "content-length").parse() {
            _ if has_none || status == 0 => 0,
            Ok(length) => length,
            Err(_) => {
                let tried = &rest[..rest.len().min(MAX_BODY)];
                let mut values = serde_json::Deserializer::from_slice(tried)
                    .into_iter::<serde::de::IgnoredAny>();
                let is_json = no_json != Some(at) && matches!(values.next(), Some(Ok(_)));
                no_json = (!is_json).then_some(at);
                let next = places
                    .get(index)
                    .map_or(bodies.len(), |place| (*place).max(at));
                if is_json {
                    values.byte_offset()
                } else {
                    next - at
                }
            }
        };
        // What was not recorded is not taken from the next one.
        found.answer_body = rest.get(..length).map(<[u8]>::to_vec);
        at += length.min(rest.len());
        // What curl says next follows a body without a line feed.
        if length > 0 && without_time(&bodies[at..]).starts_with(b"* ") {
            let line = bodies[at..].iter().position(|byte| *byte == b'\n');
            at = line.map_or(bodies.len(), |line| at + line + 1);
        }
        while length > 0 && bodies[at..].first().is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
    }
    found
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

/// What a trace shows in a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Other,
    SentHead,
    SentData,
    ReceivedHead,
    ReceivedData,
}

/// Reads what `--trace` and `--trace-ascii` print.
fn traced(text: &[u8]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let (mut block, mut bytes, mut is_hex) = (Block::Other, Vec::new(), None);
    let mut next = 0;
    let lines = text
        .split(|byte| *byte == b'\n')
        .chain([&b"== Info: end"[..]]);
    for (number, raw) in lines.enumerate() {
        let line = without_time(raw.strip_suffix(b"\r").unwrap_or(raw));
        let begins = match line {
            _ if line.starts_with(b"=> Send header") => Some(Block::SentHead),
            _ if line.starts_with(b"=> Send data") => Some(Block::SentData),
            _ if line.starts_with(b"<= Recv header") => Some(Block::ReceivedHead),
            _ if line.starts_with(b"<= Recv data") => Some(Block::ReceivedData),
            _ if [b"== ", b"=> ", b"<= "]
                .iter()
                .any(|mark| line.starts_with(*mark)) =>
            {
                Some(Block::Other)
            }
            _ => None,
        };
        if let Some(begins) = begins {
            if block == Block::SentHead && found.len() > MAX_EXCHANGES {
                break;
            }
            end_block(&mut found, block, &bytes, number);
            (block, next) = (begins, 0);
            bytes.clear();
            continue;
        }
        // `0010: ` and what follows.
        let Some((offset, data)) = line.split_at_checked(6) else {
            continue;
        };
        let offset = str::from_utf8(&offset[..4]).ok();
        let Some(offset) = offset.and_then(|offset| usize::from_str_radix(offset, 16).ok()) else {
            continue;
        };
        let data = match *is_hex.get_or_insert_with(|| hex_columns(data).is_some()) {
            true => hex_columns(data).unwrap_or_default(),
            false => data.to_vec(),
        };
        // A line feed in the data ends a line of a trace, and is not shown.
        if offset > next && next > 0 && offset - next <= 2 {
            bytes.extend_from_slice(&b"\r\n"[2 - (offset - next)..]);
        }
        next = offset + data.len();
        bytes.extend_from_slice(&data);
    }
    for found in &mut found {
        let (_, headers) = head(&found.answer_head);
        let body = found.answer_body.get_or_insert_default();
        if header_text(&headers, "transfer-encoding").eq_ignore_ascii_case("chunked")
            && let Some(whole) = dechunked(body)
        {
            *body = whole;
        }
    }
    found
}

fn end_block(found: &mut Vec<Found>, block: Block, bytes: &[u8], number: usize) {
    let lines = || {
        let lines = bytes.split(|byte| *byte == b'\n');
        lines
            .map(<[u8]>::trim_ascii_end)
            .filter(|line| !line.is_empty())
    };
    if block == Block::SentHead {
        found.push(Found {
            line: u32::try_from(number).unwrap_or(u32::MAX),
            request_head: lines().collect::<Vec<_>>().join(&b'\n'),
            ..Found::default()
        });
        return;
    }
    let Some(last) = found.last_mut() else {
        return;
    };
    match block {
        Block::SentData => last
            .request_body
            .get_or_insert_default()
            .extend_from_slice(bytes),
        Block::ReceivedHead => lines().for_each(|line| last.add_to_answer(line)),
        Block::ReceivedData => last
            .answer_body
            .get_or_insert_default()
            .extend_from_slice(bytes),
        Block::Other | Block::SentHead => {}
    }
}

/// Returns the bytes of a line of `--trace`: up to sixteen in hexadecimal, then what they look like. None of another line.
fn hex_columns(data: &[u8]) -> Option<Vec<u8>> {
    let columns = data.get(..HEX_WIDTH)?;
    let digits: Vec<&[u8]> = columns.chunks(3).map(<[u8]>::trim_ascii).collect();
    let used = digits.iter().take_while(|pair| !pair.is_empty()).count();
    let is_hex = used > 0 && digits[..used].iter().all(|pair| pair.len() == 2);
    let text = str::from_utf8(columns).ok().filter(|_| is_hex)?;
    from_hex(&text.replace(' ', ""))
}

/// Returns a line without the time and the numbers that `--trace-time` and `--trace-ids` put before it.
fn without_time(line: &[u8]) -> &[u8] {
    let mut rest = line;
    let is_time =
        |word: &[u8]| word.len() == 15 && word[2] == b':' && word[5] == b':' && word[8] == b'.';
    if rest.get(..15).is_some_and(is_time) && rest.get(15) == Some(&b' ') {
        rest = &rest[16..];
    }
    let is_id = |id: &[u8]| {
        id.iter()
            .all(|byte| byte.is_ascii_digit() || b"-x".contains(byte))
    };
    if rest.starts_with(b"[")
        && let Some(end) = rest.iter().take(MAX_ID).position(|byte| *byte == b']')
        && is_id(&rest[1..end])
    {
        rest = rest[end + 1..].trim_ascii_start();
    }
    rest
}

fn is_request_line(line: &[u8]) -> bool {
    line.windows(6).any(|part| part == b" HTTP/") && line[0].is_ascii_uppercase()
}

/// How long the numbers before a line may be, in bytes.
const MAX_ID: usize = 40;
/// How wide the bytes of a line of `--trace` are.
const HEX_WIDTH: usize = 48;

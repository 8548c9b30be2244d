//! Traffic that others recorded, judged as `check` judges what it sends itself.
//!
//! ```text
//! HAR, journal ─ entries ─┐
//! curl -v, --trace ───────┴▶ RecordedExchange … ─ classify, knowledge ─▶ Case ─ suite ─▶ verdict, evidence ─▶ Summary
//!                                      └─ labels ──────────────▶ a HAR that anybody may read
//! ```
//!
//! A capture is not trusted: an entry, a body, the exchanges and their number have limits, and what is not of the three operations is
//! passed over and counted. It is full of secrets: whatever is shown of it goes through `labels`.

mod body;
mod classify;
mod curl;
mod entries;
mod exact;
mod har;
mod host;
mod journal;
mod judge;
mod knowledge;
mod labels;
mod media_type;
mod moment;
mod share;

use std::{
    collections::BTreeMap,
    io,
    io::{BufRead, BufReader, Read},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, uri::Authority};
pub use judge::{JudgedCapture, judge, redacted_har};
use thiserror::Error;

use crate::contract::{Outcome, encoding};

/// Exchanges of the three operations, and what else there was.
#[derive(Debug, Default)]
pub struct Capture {
    /// What was recorded, in the order of the file.
    pub exchanges: Vec<RecordedExchange>,
    /// After which entries something is not known that may have changed a password.
    gaps: Vec<usize>,
    /// How many entries are not judged, by reason.
    pub left_out: BTreeMap<&'static str, usize>,
    /// How many bytes the exchanges hold.
    kept: usize,
    /// How many entries were read.
    entries: usize,
}

/// A request and its answer. It contains passwords, so `Debug` shows only its place.
pub struct RecordedExchange {
    /// Its number among the entries of the file, from 1.
    pub number: usize,
    /// Its line, where the file has lines, from 1.
    line: u32,
    /// `scheme://host:port`, as far as that is known.
    pub host: String,
    /// When the request was sent, and when the answer had come, in milliseconds since 1970.
    times: Option<(f64, f64)>,
    /// Whether something stood before the path of the API, as a gateway adds it.
    has_prefix: bool,
    request: Request<Bytes>,
    sent: SentBody,
    answer: Result<Response<Bytes>, &'static str>,
    /// Whether the head of the answer was recorded without its content type.
    lacks_type: bool,
}

/// What is known of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SentBody {
    /// Every byte.
    Whole,
    /// The names of its fields and which values are the same, and what the mock answered; numbers look like texts.
    Masked(Option<Outcome>),
    /// Nothing.
    Missing,
}

/// Why a file is not read as a capture.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// It is of another form.
    #[error("not a capture: {0}")]
    Form(&'static str),
    /// It has no list of entries.
    #[error("not a capture: no list `entries` is in it")]
    NoEntries,
    /// It is not JSON.
    #[error("not a capture: no JSON at byte {0}")]
    NoJson(u64),
    /// It cannot be read.
    #[error("{0}")]
    Read(io::Error),
}

impl Capture {
    /// Reads a capture of any form, to its end.
    ///
    /// # Errors
    /// It cannot be read, or is of no form that is known.
    pub fn read(input: impl Read) -> Result<Capture, CaptureError> {
        let (mut input, mut start) = (input, Vec::new());
        // A pipe may bring little at a time.
        let first = input.by_ref().take(CHUNK as u64).read_to_end(&mut start);
        first.map_err(CaptureError::Read)?;
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
        let mut input = BufReader::with_capacity(CHUNK, start.chain(input));
        let mut capture = Capture::default();
        match start.trim_ascii_start() {
            [] => return Err(CaptureError::Form("the file is empty")),
            [b'{' | b'[', ..] => capture.read_entries(&mut input)?,
            [0x1f, 0x8b, ..] => {
                return Err(CaptureError::Form("it is compressed; gunzip it first"));
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                return Err(CaptureError::Form("it is UTF-16; save it as UTF-8"));
            }
            [b'<', ..] => return Err(CaptureError::Form("it is XML or HTML; export it as HAR")),
            [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, ..] => {
                return Err(CaptureError::Form(
                    "it is of packets, encrypted ones at that; record in the client or a proxy",
                ));
            }
            start if curl::is_of_curl(start) => curl::read(&mut input, &mut capture)?,
            _ => return Err(CaptureError::Form(FORMS)),
        }
        Ok(capture)
    }

    fn read_entries(&mut self, input: &mut impl BufRead) -> Result<(), CaptureError> {
        let ending = entries::each(input, |entry| {
            self.entries += 1;
            let number = self.entries;
            let Some(entry) = entry else {
                return self.leave_out("an entry of more than 8 MiB");
            };
            let read = match journal::is_of_journal(entry) {
                true => journal::exchange(entry, number),
                false => har::exchange(entry, number),
            };
            match read {
                Ok(exchange) => self.add(exchange),
                Err(reason) => self.leave_out(reason),
            }
        })?;
        match ending {
            entries::FileEnding::CutInEntry => {
                self.leave_out("cut off: the file ends within an entry")
            }
            entries::FileEnding::Cut => {
                self.leave_out("cut off: the file ends before its list does")
            }
            entries::FileEnding::Whole => {}
        }
        Ok(())
    }

    fn leave_out(&mut self, reason: &'static str) {
        if ![ANOTHER_PATH, PREFLIGHT].contains(&reason) {
            self.gaps.push(self.entries);
        }
        *self.left_out.entry(reason).or_default() += 1;
    }

    fn add(&mut self, exchange: RecordedExchange) {
        let answer = exchange.answer.as_ref();
        let bytes = exchange.request.body().len() + answer.map_or(0, |answer| answer.body().len());
        let heads = [
            Some(exchange.request.headers()),
            answer.ok().map(Response::headers),
        ];
        let fields = heads.into_iter().flatten().flatten();
        let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + PER_FIELD);
        self.kept += bytes + fields.sum::<usize>() + PER_EXCHANGE;
        if self.exchanges.len() >= MAX_EXCHANGES || self.kept > MAX_KEPT {
            return self.leave_out(TOO_MANY);
        }
        self.exchanges.push(exchange);
    }

    /// Returns the appliances, in the order in which they are first seen.
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for exchange in &self.exchanges {
            if !hosts.iter().any(|host| is_one_host(host, &exchange.host)) {
                hosts.push(&exchange.host);
            }
        }
        hosts
    }
}

impl std::fmt::Debug for RecordedExchange {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "RecordedExchange({})", self.number)
    }
}

/// What an entry says of itself, whatever file it is from.
struct Parts {
    number: usize,
    method: String,
    /// Whole, or a path alone.
    url: String,
    request_headers: http::HeaderMap,
    sent: SentBody,
    request_body: Vec<u8>,
    times: Option<(f64, f64)>,
    status: u16,
    answer_headers: http::HeaderMap,
    /// None where it was not recorded.
    answer_body: Option<Vec<u8>>,
    lacks_type: bool,
}

impl Parts {
    /// Makes an exchange, if it is one of the three operations.
    ///
    /// # Errors
    /// Why it is none.
    fn exchange(mut self) -> Result<RecordedExchange, &'static str> {
        let (host, target) = split_url(&self.url).ok_or(NO_ADDRESS)?;
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let (prefix, path) = classify::without_prefix(path).ok_or(match &*self.method {
            "GET" | "HEAD" => ANOTHER_PATH,
            _ => ANOTHER_REQUEST,
        })?;
        let has_prefix = !prefix.is_empty();
        let target = format!(
            "{path}{}",
            &target[target.find('?').unwrap_or(target.len())..]
        );
        let target = target.split('#').next().unwrap_or_default();
        let host = host.map_or_else(|| header_text(&self.request_headers, "host"), str::to_owned);
        if self.method == "OPTIONS" {
            return Err(PREFLIGHT);
        }
        let host = without_sign_in(&host, &mut self.request_headers);
        if self.status == 101 {
            return Err("a WebSocket");
        }
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = self.method.parse().map_err(|_| "a method that is none")?;
        *request.uri_mut() = target.parse().map_err(|_| NO_ADDRESS)?;
        let (sent, request_body) = match body::decode(&mut self.request_headers, self.request_body)
        {
            Ok(body) => (self.sent, body),
            Err(_) => (SentBody::Missing, Bytes::new()),
        };
        *request.headers_mut() = self.request_headers;
        *request.body_mut() = request_body;
        let answer = match (self.answer_body, StatusCode::from_u16(self.status)) {
            (_, Err(_)) => Err("no answer is in the capture"),
            (None, Ok(_)) => Err("the body of the answer is not in the capture"),
            (Some(body), Ok(status)) => body::decode(&mut self.answer_headers, body).map(|body| {
                let mut answer = Response::new(body);
                *answer.status_mut() = status;
                *answer.headers_mut() = self.answer_headers;
                answer
            }),
        };
        Ok(RecordedExchange {
            number: self.number,
            line: 1,
            host,
            times: self.times,
            has_prefix,
            request,
            sent,
            answer,
            lacks_type: self.lacks_type,
        })
    }
}

/// Splits an address into scheme and host, which may be absent, and the rest. None for other schemes than HTTP's.
fn split_url(url: &str) -> Option<(Option<&str>, &str)> {
    if url.starts_with('/') {
        return Some((None, url));
    }
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        let start = url.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &url[scheme.len()..])
    })?;
    let host = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let end = url.len() - rest.len() + host;
    Some((Some(&url[..end]), &rest[host..]))
}

/// Tells whether two addresses are of one appliance: case and the port of the scheme do not count.
fn is_one_host(one: &str, other: &str) -> bool {
    let plain = |host: &str| {
        let host = host.to_ascii_lowercase();
        let port = if host.starts_with("http:") {
            ":80"
        } else {
            ":443"
        };
        host.strip_suffix(port).map_or(host.clone(), str::to_owned)
    };
    plain(one) == plain(other)
}

/// Returns the name of `scheme://user:password@host:port`, or of a part of it.
fn host_name(address: &str) -> String {
    let host = address.rsplit("//").next().unwrap_or_default();
    let authority: Result<Authority, _> = host.parse();
    authority.map_or_else(|_| host.to_owned(), |it| it.host().to_owned())
}

/// Removes user and password from `scheme://user:password@host`: a client sends them in a header.
fn without_sign_in(address: &str, headers: &mut http::HeaderMap) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let Some((start, host)) = address.rsplit_once('@') else {
        return address.to_owned();
    };
    let (scheme, sign_in) = start.split_once("//").unwrap_or(("", start));
    let sign_in = STANDARD.encode(encoding::percent_decode(sign_in));
    add_header(
        headers,
        "authorization",
        format!("Basic {sign_in}").as_bytes(),
    );
    match scheme {
        "" => host.to_owned(),
        _ => format!("{scheme}//{host}"),
    }
}

fn header_text(headers: &http::HeaderMap, name: &str) -> String {
    let value = headers.get(name).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

/// Adds a header, unless it is none: HTTP/2 has some that begin with a colon.
fn add_header(headers: &mut http::HeaderMap, name: &str, value: &[u8]) {
    let name = http::HeaderName::from_bytes(name.trim().as_bytes());
    if let (Ok(name), Ok(value)) = (name, http::HeaderValue::from_bytes(value.trim_ascii())) {
        // More than 32,768 fields are too many.
        let _ = headers.try_append(name, value);
    }
}

const ANOTHER_PATH: &str = "another path";
const ANOTHER_REQUEST: &str = "another path, which may have changed a password";
const PREFLIGHT: &str = "OPTIONS, which a browser asks before it sends a request (CORS)";
const NO_ADDRESS: &str = "an address that is not HTTP's";
const FORMS: &str = "expected HTTP Archive (JSON with `log.entries`), the journal of a mock (JSON with `entries`), or what `curl -v`, --trace or --trace-ascii prints";
/// How much is read at once, in bytes.
const CHUNK: usize = 1 << 16;
/// How long an entry may be, in bytes.
const MAX_ENTRY: usize = 8 << 20;
/// How long a body may be, in bytes, once it is decoded.
const MAX_BODY: usize = 1 << 20;
const TOO_MANY: &str = "more than 10,000 exchanges or 64 MiB of them: split the file";
/// How many exchanges are judged.
const MAX_EXCHANGES: usize = 10_000;
/// How many bytes all exchanges may hold.
const MAX_KEPT: usize = 64 << 20;
/// What an exchange holds beside its bodies, and a field of a head beside its text, in bytes.
const PER_EXCHANGE: usize = 1024;
const PER_FIELD: usize = 64;

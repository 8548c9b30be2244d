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
mod share;

use std::{
    collections::BTreeMap,
    io,
    io::{BufRead, BufReader, Read},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header, uri::Authority,
};
pub use judge::{JudgedCapture, judge, redacted_har};
use reqwest::Url;
use serde_json::Value;
use thiserror::Error;

use crate::contract::{Outcome, encoding};

/// Exchanges of the three operations, and what else there was.
#[derive(Debug, Default)]
pub struct Capture {
    /// What was recorded, in the order of the file.
    pub exchanges: Vec<RecordedExchange>,
    /// How many entries are not known that may have changed a password.
    gaps: usize,
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
    /// How many entries before it are not known that may have changed a password.
    gaps: usize,
    /// `scheme://host:port`, in one spelling. HTTPS is presumed where only the path was recorded.
    pub host: String,
    /// When the request was sent, and when the answer had come, in milliseconds since 1970.
    times: Option<(f64, f64)>,
    /// Whether something stood before the path of the API, as a gateway adds it.
    has_prefix: bool,
    request: Request<Bytes>,
    sent: SentBody,
    answer: Result<Response<Bytes>, &'static str>,
    /// Whether the head of the answer was recorded without its content type, in the place of which is the usual one.
    lacks_type: bool,
}

/// What is known of a request's body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SentBody {
    /// Every byte.
    #[default]
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
        let text = start.trim_ascii_start();
        match text {
            [] => return Err(CaptureError::Form("the file is empty")),
            [b'{' | b'[', ..] => capture.read_entries(&mut input)?,
            _ if curl::is_of_curl(start) => curl::read(&mut input, &mut capture)?,
            _ => {
                let mut others = OTHER_FORMS.iter();
                let other =
                    others.find(|(magic, _)| [start, text].iter().any(|it| it.starts_with(magic)));
                return Err(CaptureError::Form(
                    other.map_or(FORMS, |(_, advice)| advice),
                ));
            }
        }
        Ok(capture)
    }

    fn read_entries(&mut self, input: &mut impl BufRead) -> Result<(), CaptureError> {
        let ending = entries::each(input, |entry| {
            self.entries += 1;
            let Some(entry) = entry else {
                return self.leave_out("an entry of more than 8 MiB");
            };
            let json: Value = serde_json::from_slice(entry).unwrap_or_default();
            let parts = match journal::is_of_journal(&json) {
                true => journal::parts(&json),
                false => har::parts(&json),
            };
            self.add(parts, 1, entry.len());
        })?;
        if let Some(cut) = ending {
            self.leave_out(cut);
        }
        Ok(())
    }

    fn leave_out(&mut self, reason: &'static str) {
        self.gaps += usize::from(![ANOTHER_PATH, PREFLIGHT].contains(&reason));
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// Adds an entry of a line and of some bytes, if it is one of the three operations.
    fn add(&mut self, parts: Result<Parts, &'static str>, line: u32, bytes: usize) {
        let place = (self.entries, line, self.gaps);
        let exchange = match parts.and_then(|parts| parts.exchange(place)) {
            Ok(exchange) => exchange,
            Err(reason) => return self.leave_out(reason),
        };
        let answer = exchange.answer.as_ref().map(|answer| answer.body().len());
        self.kept += bytes + exchange.request.body().len() + answer.unwrap_or_default();
        if self.exchanges.len() >= MAX_EXCHANGES || self.kept > MAX_KEPT {
            return self.leave_out(TOO_MANY);
        }
        self.exchanges.push(exchange);
    }

    /// Returns the appliances, in the order in which they are first seen.
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts: Vec<&str> = Vec::new();
        for exchange in &self.exchanges {
            if !hosts.contains(&&*exchange.host) {
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
#[derive(Default)]
struct Parts {
    method: String,
    /// Whole, or a path alone.
    url: String,
    request_headers: HeaderMap,
    sent: SentBody,
    request_body: Vec<u8>,
    times: Option<(f64, f64)>,
    status: u16,
    answer_headers: HeaderMap,
    /// None where it was not recorded.
    answer_body: Option<Vec<u8>>,
    lacks_type: bool,
}

impl Parts {
    /// Makes the exchange of a number, a line and so many gaps before it, if it is one of the three operations.
    ///
    /// # Errors
    /// Why it is none.
    fn exchange(
        mut self,
        (number, line, gaps): (usize, u32, usize),
    ) -> Result<RecordedExchange, &'static str> {
        if self.method == "CONNECT" {
            return Err("a tunnel through a proxy");
        }
        let named = header_text(&self.request_headers, "host");
        let (address, target) = split_url(&self.url, &named).ok_or(NO_ADDRESS)?;
        let (path, query) = match target.find('?') {
            Some(place) => target.split_at(place),
            None => (target.as_str(), ""),
        };
        let (prefix, path) = classify::without_prefix(path).ok_or(match &*self.method {
            "GET" | "HEAD" => ANOTHER_PATH,
            _ => ANOTHER_REQUEST,
        })?;
        if self.method == "OPTIONS" {
            return Err(PREFLIGHT);
        }
        if self.status == 101 {
            return Err("a WebSocket");
        }
        if !address.username().is_empty() {
            // A client sends them in a header.
            let password = address.password().unwrap_or_default();
            let sign_in = format!("{}:{password}", address.username());
            let sign_in = STANDARD.encode(encoding::percent_decode(&sign_in));
            let value = format!("Basic {sign_in}");
            add_header(&mut self.request_headers, "authorization", value.as_bytes());
        }
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = self.method.parse().map_err(|_| "a method that is none")?;
        let target = format!("{path}{query}");
        *request.uri_mut() = target.parse().map_err(|_| NO_ADDRESS)?;
        let body = body::decode(&mut self.request_headers, self.request_body);
        let sent = if body.is_ok() {
            self.sent
        } else {
            SentBody::Missing
        };
        *request.headers_mut() = self.request_headers;
        *request.body_mut() = body.unwrap_or_default();
        let answer = match (self.answer_body, StatusCode::from_u16(self.status)) {
            (_, Err(_)) => Err("no answer is in the capture"),
            (None, Ok(_)) => Err("the body of the answer is not in the capture"),
            (Some(body), Ok(status)) => body::decode(&mut self.answer_headers, body).map(|body| {
                let mut answer = Response::new(body);
                *answer.status_mut() = status;
                *answer.headers_mut() = self.answer_headers;
                // A report names no host and no ticket.
                if let Some(location) = answer.headers_mut().get_mut(header::LOCATION) {
                    *location = HeaderValue::from_static("another address");
                }
                if self.lacks_type {
                    let value = HeaderValue::from_static(USUAL_TYPE);
                    answer.headers_mut().insert(header::CONTENT_TYPE, value);
                }
                answer
            }),
        };
        Ok(RecordedExchange {
            number,
            line,
            gaps,
            host: address.origin().ascii_serialization(),
            times: self.times,
            has_prefix: !prefix.is_empty(),
            request,
            sent,
            answer,
            lacks_type: self.lacks_type,
        })
    }
}

/// Splits an address into that of the appliance and the target, as it was written. None for other schemes than HTTP's.
fn split_url(url: &str, host: &str) -> Option<(Url, String)> {
    let host = if host.is_empty() { NO_HOST } else { host };
    let whole = match url.starts_with('/') {
        true => format!("https://{host}{url}"),
        false => url.to_owned(),
    };
    let address = Url::parse(&whole).ok()?;
    let rest = whole.split_once("://")?.1.split('#').next()?;
    let target = rest.find(['/', '?']).unwrap_or(rest.len());
    let is_of_http = ["http", "https"].contains(&address.scheme());
    is_of_http.then(|| (address, rest[target..].to_owned()))
}

/// Returns the name of `scheme://user:password@host:port`, or of a part of it.
fn host_name(address: &str) -> String {
    let host = address.rsplit("//").next().unwrap_or_default();
    let authority: Result<Authority, _> = host.parse();
    authority.map_or_else(|_| host.to_owned(), |it| it.host().to_owned())
}

fn header_text(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

/// Adds a header, unless it is none: HTTP/2 has some that begin with a colon.
fn add_header(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    let name = HeaderName::from_bytes(name.trim().as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim_ascii())) {
        // More than 32,768 fields are too many.
        let _ = headers.try_append(name, value);
    }
}

const ANOTHER_PATH: &str = "another path";
const ANOTHER_REQUEST: &str = "another path, which may have changed a password";
const PREFLIGHT: &str = "OPTIONS, which a browser asks before it sends a request (CORS)";
const NO_ADDRESS: &str = "an address that is not HTTP's";
const FORMS: &str = "expected HTTP Archive (JSON with `log.entries`), the journal of a mock (JSON with `entries`), or what `curl -v`, --trace or --trace-ascii prints";
const PACKETS: &str = "it is of packets, encrypted ones at that; record in the client or a proxy";
/// How files of other forms begin, and what to do with them.
const OTHER_FORMS: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "it is compressed; gunzip it first"),
    (b"\xff\xfe", "it is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "it is UTF-16; save it as UTF-8"),
    (b"<", "it is XML or HTML; export it as HAR"),
    (b"\xd4\xc3\xb2\xa1", PACKETS),
    (b"\xa1\xb2\xc3\xd4", PACKETS),
    (b"\x0a\x0d\x0d\x0a", PACKETS),
];
/// Stands for a host that was not recorded (RFC 2606).
const NO_HOST: &str = "appliance.invalid";
/// The content type of documented answers.
const USUAL_TYPE: &str = "application/json";
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

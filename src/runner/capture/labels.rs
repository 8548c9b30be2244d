//! What stands for the users, passwords, tokens and hosts of a capture in everything that is shown of it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use crate::{
    appliance::body::{self, FieldValue},
    contract::{
        Condition, Field, Operation,
        encoding::{percent_decode, percent_encode},
    },
    redact::{Redactor, names_a_user},
    runner::capture::{
        RecordedExchange, SentBody, header_text, host_name,
        media_type::{is_plain_type, plain_type},
    },
    suite::own_words::with_word,
};

/// The labels of the values of a capture: `«user1»` is the same user all through.
#[derive(Default)]
pub(super) struct Labels {
    /// By noun, then by value.
    by_noun: BTreeMap<&'static str, BTreeMap<String, String>>,
    redactor: Redactor,
    /// Short values, which are parts of ordinary words.
    words: Vec<(String, String)>,
}

impl Labels {
    /// Collects the values of all exchanges.
    pub(super) fn new(exchanges: &[RecordedExchange]) -> Labels {
        let mut labels = Labels::default();
        for exchange in exchanges {
            let (request, answer) = (&exchange.request, exchange.answer.as_ref().ok());
            for (name, value) in sent_texts(request) {
                let noun = if names_a_user(&name) { USER } else { PASSWORD };
                labels.add(noun, value);
            }
            let heads = [Some(request.headers()), answer.map(Response::headers)];
            for value in heads.into_iter().flatten().flat_map(header_secrets) {
                labels.add(TOKEN, value);
            }
            let answered = answer
                .map(|answer| texts(answer.body()))
                .unwrap_or_default();
            for (name, value) in answered {
                if is_secret(&name.to_ascii_lowercase()) || is_like_token(&value) {
                    labels.add(TOKEN, value);
                }
            }
            for host in [&exchange.host, &header_text(request.headers(), "host")] {
                labels.add(HOST, host_name(host).trim_matches(['[', ']']).to_owned());
            }
        }
        let all = || [PASSWORD, USER, TOKEN, HOST].map(|noun| labels.of_noun(noun));
        let all = || all().into_iter().flatten().flatten();
        let long = all().filter(|(value, _)| value.len() >= MIN_BYTES);
        let short = all().filter(|(value, _)| value.len() < MIN_BYTES);
        let words = short.map(|(value, label)| (value.clone(), label.clone()));
        Labels {
            redactor: Redactor::of(long.map(|(value, label)| (&**value, &**label))),
            words: words.collect(),
            by_noun: labels.by_noun,
        }
    }

    fn add(&mut self, noun: &'static str, value: String) {
        let known = self.by_noun.entry(noun).or_default();
        let number = known.len() + 1;
        if !value.is_empty() {
            let label = || format!("«{noun}{number}»");
            known.entry(value).or_insert_with(label);
        }
    }

    fn of_noun(&self, noun: &str) -> Option<&BTreeMap<String, String>> {
        self.by_noun.get(noun)
    }

    /// Returns what stands for a user.
    pub(super) fn user(&self, name: &str) -> &str {
        self.of_value(USER, name)
    }

    fn of_value(&self, noun: &str, value: &str) -> &str {
        match self.of_noun(noun).and_then(|known| known.get(value)) {
            Some(label) => label,
            None if value.is_empty() => "",
            None if noun == USER => "«user»",
            None => "«password»",
        }
    }

    /// Returns a text without any of the values.
    pub(super) fn text(&self, text: &str) -> String {
        // Some users are called as a part of it.
        if is_plain_type(text) {
            return text.to_owned();
        }
        let clean = self.redactor.text(text).into_owned();
        let replace =
            |text: String, (word, label): &(String, String)| with_word(&text, word, label);
        self.words.iter().fold(clean, replace)
    }

    /// Returns the place in an answer that shows a password of its request.
    pub(super) fn shown_password(
        &self,
        exchange: &RecordedExchange,
        answer: &Response<Bytes>,
    ) -> Option<String> {
        let sent = sent_texts(&exchange.request);
        let redactor = Redactor::of_fields(&sent);
        if redactor.finds(answer.body()) {
            return Some("a password of the request in the body".to_owned());
        }
        let mut headers = answer.headers().iter();
        let (name, _) = headers.find(|(_, value)| redactor.finds(value.as_bytes()))?;
        let name = self.text(name.as_str());
        Some(format!("a password of the request in the header `{name}`"))
    }

    /// Returns a request with labels in place of all values: what it was judged for stays.
    pub(super) fn request(&self, exchange: &RecordedExchange) -> Request<Bytes> {
        let request = &exchange.request;
        let body = match exchange.sent {
            SentBody::Missing => Vec::new(),
            _ => self.body(request.body()),
        };
        let mut shown = Request::new(Bytes::from(body));
        let method = request.method();
        *shown.method_mut() = match METHODS.contains(&method.as_str()) {
            true => method.clone(),
            false => Method::TRACE,
        };
        let query = request.uri().query().map(|query| self.query(query));
        let target = format!(
            "{}{}",
            path(request.uri().path()),
            query.unwrap_or_default()
        );
        *shown.uri_mut() = target.parse().unwrap_or_default();
        for (name, value) in request.headers() {
            let value = match name.as_str() {
                "content-type" | "accept" => plain_type(&String::from_utf8_lossy(value.as_bytes())),
                "authorization" => "«token»".to_owned(),
                _ => continue,
            };
            let value = HeaderValue::from_bytes(value.as_bytes());
            value
                .map(|value| shown.headers_mut().append(name, value))
                .ok();
        }
        shown
    }

    fn query(&self, query: &str) -> String {
        let pairs = query.split('&').enumerate().map(|(index, pair)| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = self.value(name, &percent_decode(value));
            format!("{}={}", known_name(name, index), percent_encode(value))
        });
        format!("?{}", pairs.collect::<Vec<_>>().join("&"))
    }

    fn value(&self, name: &str, value: &str) -> &str {
        self.of_value(if names_a_user(name) { USER } else { PASSWORD }, value)
    }

    fn body(&self, body: &[u8]) -> Vec<u8> {
        let mut shown = match body::parse(body) {
            _ if body.is_empty() => String::new(),
            Ok(fields) => self.object(&fields, ""),
            Err(Condition::NotAnObject) => "[]".to_owned(),
            Err(Condition::NotUtf8) => return b"\xff".to_vec(),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                let fields = body::parse_owned(&text.replace(SHELL_ESCAPE, "!"));
                let fields = fields.ok().filter(|_| text.contains(SHELL_ESCAPE));
                fields.map_or("«no JSON»".to_owned(), |it| {
                    self.object(&it, SHELL_ESCAPE)
                })
            }
        };
        // A long body is treated in another way.
        let exceeded = LENGTHS.iter().rfind(|length| **length < body.len());
        let padding = exceeded.map_or(0, |length| (length + 1).saturating_sub(shown.len()));
        shown.extend(std::iter::repeat_n(' ', padding));
        shown.into_bytes()
    }

    fn object(&self, fields: &body::JsonObject<'_>, escape: &str) -> String {
        let fields = fields.iter().enumerate().map(|(index, (name, value))| {
            let value = match value {
                FieldValue::Null => "null".to_owned(),
                FieldValue::Other => "0".to_owned(),
                FieldValue::Text(text) => format!("\"{}{escape}\"", self.value(name, text)),
            };
            format!("\"{}\":{value}", known_name(name, index))
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }
}

/// Returns the texts of a request's body and of its query, each with its name.
fn sent_texts(request: &Request<Bytes>) -> Vec<(String, String)> {
    let query = request.uri().query().unwrap_or_default();
    [texts(request.body()), texts(query.as_bytes())].concat()
}

/// Returns the words of headers that are no more than secrets, also what is in base64 in them.
fn header_secrets(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let is_secret = |name: &str| is_secret(name) && name != "www-authenticate";
    let secret = headers
        .iter()
        .filter(move |(name, _)| is_secret(name.as_str()));
    let words = secret.flat_map(|(_, value)| {
        let mut words = texts(value.as_bytes());
        for word in value.as_bytes().split(|byte| *byte == b' ') {
            let decoded = STANDARD.decode(word).unwrap_or_default();
            words.extend(texts(&decoded));
        }
        words
    });
    words
        .map(|(_, word)| word)
        .filter(|word| word.len() >= MIN_BYTES)
}

/// Returns the texts of JSON, of a form, or of what is nearly one of them, each with the name before it. A name that no page has may be a
/// password itself, and so may a word that is in no quotes.
fn texts(bytes: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes).replace(SHELL_ESCAPE, "!");
    let (mut rest, mut name, mut found) = (&*text, String::new(), Vec::new());
    // A quotation mark of which no text begins costs time.
    let mut attempts = MAX_ATTEMPTS;
    while let Some(first) = rest.chars().next() {
        let is_quoted = first == '"' && attempts > 0;
        let most = if attempts == MAX_ATTEMPTS {
            rest.len()
        } else {
            MAX_TEXT
        };
        let quoted = is_quoted.then(|| quoted(rest, most)).flatten();
        attempts -= usize::from(is_quoted && quoted.is_none());
        let is_text = quoted.is_some();
        let (word, length) = quoted.unwrap_or_else(|| {
            let end = rest.find(is_delimiter).unwrap_or(rest.len());
            (percent_decode(&rest[..end]), end)
        });
        rest = &rest[length.max(first.len_utf8())..];
        if length > 0 && rest.trim_start().starts_with([':', '=']) {
            if !is_known(&word) && word.len() >= MIN_BYTES {
                found.push((String::new(), word.clone()));
            }
            name = word;
        } else if is_text || word.len() >= MIN_BYTES && !is_known(&word) {
            found.push((name.clone(), word));
        }
    }
    found
}

/// Returns the JSON text that something begins with, and how long it is there: no more than this.
fn quoted(rest: &str, most: usize) -> Option<(String, usize)> {
    let rest = &rest.as_bytes()[..rest.len().min(most)];
    let mut texts = serde_json::Deserializer::from_slice(rest).into_iter::<String>();
    let text = texts.next()?.ok()?;
    Some((text, texts.byte_offset()))
}

fn is_delimiter(character: char) -> bool {
    character.is_whitespace() || "\"{}[]:,;&='\\".contains(character)
}

fn is_known(name: &str) -> bool {
    Field::NAMES.contains(&name) || names_a_user(name) || LITERALS.contains(&name)
}

/// Tells whether a text looks made for machines.
fn is_like_token(text: &str) -> bool {
    let is_long = text.len() >= MIN_TOKEN && !text.contains(char::is_whitespace);
    is_long && text.contains(|character: char| character.is_ascii_digit())
}

fn is_secret(name: &str) -> bool {
    let mut parts = ["passw", "cookie", "auth", "token", "key", "session"].into_iter();
    parts.any(|part| name.contains(part))
}

/// Returns a name of a field; any name that no page has may be a secret itself.
fn known_name(name: &str, index: usize) -> String {
    match is_known(name) {
        true => name.to_owned(),
        false => format!("field{}", index + 1),
    }
}

/// Returns a path without what may be a name or a secret in it.
fn path(path: &str) -> String {
    let known = ["", "api", "external", "authentication"];
    let part = |part| match known.contains(&part) || Operation::NAMES.contains(&part) {
        true => part,
        false => "other",
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

const USER: &str = "user";
const PASSWORD: &str = "password";
const TOKEN: &str = "token";
const HOST: &str = "host";
const LITERALS: [&str; 3] = ["true", "false", "null"];
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
/// How some shells leave an exclamation mark.
const SHELL_ESCAPE: &str = r"\!";
/// From which length on a text without blanks may be a token, in bytes.
const MIN_TOKEN: usize = 20;
/// How often a text is looked for where none is, and how long each may be behind such a place, in bytes.
const MAX_ATTEMPTS: usize = 1000;
const MAX_TEXT: usize = 4096;
/// A shorter value is a part of ordinary words.
const MIN_BYTES: usize = 4;
/// Beyond which lengths a body is treated in another way, in bytes.
const LENGTHS: [usize; 2] = [16 * 1024, 64 * 1024];

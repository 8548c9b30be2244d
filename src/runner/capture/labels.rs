//! What stands for the users, passwords, tokens and hosts of a capture in everything that is shown of it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use serde_json::Value;

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
pub(super) struct Labels {
    /// By value.
    users: BTreeMap<String, String>,
    passwords: BTreeMap<String, String>,
    redactor: Redactor,
    /// Short values, which are parts of ordinary words.
    words: Vec<(String, String)>,
}

impl Labels {
    /// Collects the values of all exchanges.
    pub(super) fn new(exchanges: &[RecordedExchange]) -> Labels {
        let (mut users, mut passwords, mut others) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let label = |values: &mut BTreeMap<String, String>, value: &str, noun: &str| {
            let number = values.len() + 1;
            if !value.is_empty() {
                values
                    .entry(value.to_owned())
                    .or_insert_with(|| format!("«{noun}{number}»"));
            }
        };
        for exchange in exchanges {
            let (request, answer) = (&exchange.request, exchange.answer.as_ref().ok());
            let sign_in = basic(request);
            for (name, value) in fields(request)
                .into_iter()
                .chain(sign_in.into_iter().flatten())
            {
                match names_a_user(&name) {
                    true => label(&mut users, &value, "user"),
                    false => label(&mut passwords, &value, "password"),
                }
            }
            let answered = answer.map(|answer| answer.headers().get_all(header::SET_COOKIE).iter());
            let cookies = request
                .headers()
                .get_all(header::COOKIE)
                .iter()
                .chain(answered.into_iter().flatten());
            let cookies =
                cookies.flat_map(|value| value.as_bytes().split(|byte| b"=; ".contains(byte)));
            let hidden = request
                .headers()
                .iter()
                .filter(|(name, _)| is_secret(name.as_str()));
            let hidden = hidden.flat_map(|(_, value)| value.as_bytes().split(|byte| *byte == b' '));
            for value in cookies
                .chain(hidden)
                .filter(|value| value.len() >= MIN_BYTES)
            {
                label(&mut others, &String::from_utf8_lossy(value), "token");
            }
            let said = answer.and_then(|answer| serde_json::from_slice(answer.body()).ok());
            let mut said_texts = Vec::new();
            said.iter()
                .for_each(|said| texts("", said, &mut said_texts));
            for (name, value) in said_texts {
                if is_secret(&name.to_ascii_lowercase()) || is_like_token(&value) {
                    label(&mut others, &value, "token");
                }
            }
            let named = header_text(request.headers(), "host");
            for host in [&exchange.host, &named] {
                label(
                    &mut others,
                    host_name(host).trim_matches(['[', ']']),
                    "host",
                );
            }
        }
        let all = || passwords.iter().chain(&users).chain(&others);
        let (long, short): (Vec<_>, Vec<_>) =
            all().partition(|(value, _)| value.len() >= MIN_BYTES);
        let redactor = Redactor::of(long.into_iter().map(|(value, label)| (&**value, &**label)));
        let words = short
            .into_iter()
            .map(|(value, label)| (value.clone(), label.clone()))
            .collect();
        Labels {
            users,
            passwords,
            redactor,
            words,
        }
    }

    /// Returns what stands for a user.
    pub(super) fn user<'a>(&'a self, name: &'a str) -> &'a str {
        self.users
            .get(name)
            .map_or(if name.is_empty() { "" } else { "«user»" }, |label| label)
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
        let fields = fields(&exchange.request);
        let (users, secrets): (Vec<_>, Vec<_>) =
            fields.iter().partition(|(name, _)| names_a_user(name));
        let users = users.into_iter().map(|(_, value)| &**value).collect();
        let redactor = Redactor::of_secrets(secrets.into_iter().map(|(_, value)| &**value), &users);
        if redactor.finds(answer.body()) {
            return Some("a password of the request in the body".to_owned());
        }
        let mut headers = answer.headers().iter();
        let (name, _) = headers.find(|(_, value)| redactor.finds(value.as_bytes()))?;
        Some(format!(
            "a password of the request in the header `{}`",
            self.text(name.as_str())
        ))
    }

    /// Returns a request with labels in place of all values: what it was judged for stays.
    pub(super) fn request(&self, exchange: &RecordedExchange) -> Request<Bytes> {
        let request = &exchange.request;
        let is_common = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
            .contains(&request.method().as_str());
        let mut shown = Request::new(Bytes::from(match exchange.sent {
            SentBody::Missing => Vec::new(),
            _ => self.body(request.body()),
        }));
        *shown.method_mut() = if is_common {
            request.method().clone()
        } else {
            Method::TRACE
        };
        let query = request.uri().query().map(|query| self.query(query));
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        let target = format!("{}{query}", path(request.uri().path()));
        *shown.uri_mut() = target.parse().unwrap_or_default();
        *shown.headers_mut() = self.headers(request.headers());
        shown
    }

    fn headers(&self, headers: &HeaderMap) -> HeaderMap {
        let mut shown = HeaderMap::new();
        for (name, value) in headers {
            let value = match name.as_str() {
                "content-type" | "accept" => {
                    Some(plain_type(&String::from_utf8_lossy(value.as_bytes())))
                }
                "authorization" => Some("«token»".to_owned()),
                _ => None,
            };
            let value = value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok());
            value.map(|value| shown.append(name, value));
        }
        shown
    }

    fn query(&self, query: &str) -> String {
        let pairs = query.split('&').enumerate().map(|(index, pair)| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = self.value(name, &percent_decode(value));
            format!("{}={}", known_name(name, index), percent_encode(&value))
        });
        pairs.collect::<Vec<_>>().join("&")
    }

    fn value(&self, name: &str, value: &str) -> String {
        match names_a_user(name) {
            _ if value.is_empty() => String::new(),
            true => self.user(value).to_owned(),
            false => self
                .passwords
                .get(value)
                .cloned()
                .unwrap_or_else(|| "«password»".to_owned()),
        }
    }

    fn body(&self, body: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(body);
        let unescaped = || {
            body::parse_owned(&text.replace(r"\!", "!"))
                .ok()
                .filter(|_| text.contains(r"\!"))
        };
        let mut shown = match body::parse(body) {
            _ if body.is_empty() => String::new(),
            Ok(fields) => self.object(&fields, ""),
            Err(Condition::NotAnObject) => "[]".to_owned(),
            Err(Condition::NotUtf8) => return b"\xff".to_vec(),
            Err(_) => unescaped().map_or("«no JSON»".to_owned(), |fields| {
                self.object(&fields, r"\!")
            }),
        }
        .into_bytes();
        let length = LENGTHS
            .into_iter()
            .filter(|length| *length < body.len())
            .max();
        shown.resize(shown.len().max(length.map_or(0, |length| length + 1)), b' ');
        shown
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

/// Returns the names and texts of a request: of its body at any depth, of its query, and of what in a body that is no JSON may be a value.
fn fields(request: &Request<Bytes>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let text = String::from_utf8_lossy(request.body());
    let bytes = text.as_bytes();
    let unescaped = text.replace(r"\!", "!");
    if let Ok(object) = body::parse_owned(&unescaped) {
        // Of two fields of one name both.
        for (name, value) in object {
            if let FieldValue::Text(value) = value {
                found.push((name.into_owned(), value.into_owned()));
            }
        }
    }
    match serde_json::from_str(&unescaped) {
        Ok(value) => texts("", &value, &mut found),
        Err(_) => {
            let is_value = |word: &str| word.len() >= MIN_BYTES && !Field::NAMES.contains(&word);
            let words = text.split(|character: char| {
                character.is_whitespace() || "\"{}[]:,&='\\".contains(character)
            });
            let words = words.filter(|word| is_value(word));
            found.extend(words.map(|word| (String::new(), percent_decode(word))));
            // Each quotation mark may begin a text.
            for (place, _) in text.match_indices('"').take(MAX_TEXTS) {
                let end = bytes.len().min(place + MAX_TEXT);
                let rest = serde_json::Deserializer::from_slice(&bytes[place..end]);
                if let Some(Ok(value)) = rest.into_iter::<String>().next()
                    && is_value(&value)
                {
                    found.push((String::new(), value));
                }
            }
        }
    }
    for pair in request.uri().query().unwrap_or_default().split('&') {
        let (name, value) = pair.split_once('=').unwrap_or(("", pair));
        found.push((percent_decode(name), percent_decode(value)));
    }
    found
}

/// Returns the user and the password of Basic authentication (RFC 7617).
fn basic(request: &Request<Bytes>) -> Option<[(String, String); 2]> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let value = header_text(request.headers(), "authorization");
    let (scheme, token) = value.split_once(' ')?;
    let token = STANDARD.decode(token.trim()).ok()?;
    let (user, password) = str::from_utf8(&token).ok()?.split_once(':')?;
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    let pairs = [("username", user), ("password", password)];
    is_basic.then(|| pairs.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Collects the texts of JSON, each with its name. A name that no page has may be a password itself.
fn texts(name: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => found.push((name.to_owned(), text.clone())),
        Value::Array(values) => values.iter().for_each(|value| texts(name, value, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if !is_known(name) && name.len() >= MIN_BYTES {
                    found.push((String::new(), name.clone()));
                }
                texts(name, value, found);
            }
        }
        _ => {}
    }
}

fn is_known(name: &str) -> bool {
    Field::NAMES.contains(&name) || names_a_user(name)
}

/// From which length on a text without blanks may be a token, in bytes.
const MIN_TOKEN: usize = 20;
/// How many texts are looked for in a body that is no JSON, and how long each may be, in bytes.
const MAX_TEXTS: usize = 1000;
const MAX_TEXT: usize = 4096;
/// Tells whether a text looks made for machines.
fn is_like_token(text: &str) -> bool {
    let is_long = text.len() >= MIN_TOKEN && !text.contains(char::is_whitespace);
    is_long && text.contains(|character: char| character.is_ascii_digit())
}

fn is_secret(name: &str) -> bool {
    name.contains("passw")
        || name.contains("cookie")
        || name.contains("auth")
        || name.contains("token")
        || name.contains("key")
        || name.contains("session")
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

/// A shorter value is a part of ordinary words.
const MIN_BYTES: usize = 4;
/// Beyond which lengths a body is treated in another way, in bytes.
const LENGTHS: [usize; 2] = [16 * 1024, 64 * 1024];

//! What is done to a body, one distortion at a time.

use std::io::Write;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, header};
use serde_json::Value as Json;

use crate::failure::{CloseKind, Corruption, CutPoint, Delivery, Framing, RandomSource};

impl Corruption {
    /// Returns whether it changes the body itself, not what is said of it or how much of it is sent.
    pub(crate) fn changes_body(self) -> bool {
        use Corruption::*;
        match self {
            ContentLength(_) | MalformedChunk | Truncate(_) | WrongContentType => false,
            Bom | DuplicateKeys | Empty | Garbage(_) | Gzip | InvalidJson => true,
        }
    }

    pub(crate) fn corrupt_body(self, random: &RandomSource, delivery: &mut Delivery) {
        let body = delivery.response.body().clone();
        match self {
            Corruption::Bom => put(delivery, [BOM, &body].concat()),
            Corruption::ContentLength(off) => delivery.framing = Framing::Length(off),
            Corruption::DuplicateKeys => put(delivery, doubled(&body)),
            Corruption::Empty => put(delivery, Bytes::new()),
            Corruption::Garbage(count) => put(delivery, garbage(random, count)),
            Corruption::Gzip => {
                put(delivery, gzip(&body));
                let encoding = HeaderValue::from_static("gzip");
                let headers = delivery.response.headers_mut();
                headers.insert(header::CONTENT_ENCODING, encoding);
            }
            Corruption::InvalidJson => put(delivery, unclosed(&body)),
            Corruption::MalformedChunk => delivery.framing = Framing::MalformedChunk,
            Corruption::Truncate(kept) => {
                delivery.end = Some((CloseKind::Close, CutPoint::InBody(kept as u64)));
            }
            Corruption::WrongContentType => {
                let html = HeaderValue::from_static("text/html");
                let headers = delivery.response.headers_mut();
                headers.insert(header::CONTENT_TYPE, html);
            }
        }
    }
}

fn put(delivery: &mut Delivery, body: impl Into<Bytes>) {
    *delivery.response.body_mut() = body.into();
}

/// Writes JSON with every member twice; what is no JSON stays.
fn doubled(body: &Bytes) -> Bytes {
    let json = serde_json::from_slice(body);
    json.map_or(body.clone(), |json| doubled_text(&json).into())
}

fn doubled_text(json: &Json) -> String {
    match json {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(doubled_text).collect();
            format!("[{}]", items.join(","))
        }
        Json::Object(members) => {
            let twice = members.iter().map(|(key, value)| {
                let member = format!("{}:{}", Json::from(key.as_str()), doubled_text(value));
                [&*member, &*member].join(",")
            });
            format!("{{{}}}", twice.collect::<Vec<_>>().join(","))
        }
        plain => plain.to_string(),
    }
}

/// Returns bytes that are no text: the first one cannot begin a character.
fn garbage(random: &RandomSource, count: usize) -> Vec<u8> {
    let mut bytes = random.bytes("garbage", count);
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x80;
    }
    bytes
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("a vector takes every byte")
}

/// Leaves the last bracket or quote out; where there is none, opens one that is never closed.
fn unclosed(body: &[u8]) -> Vec<u8> {
    match body.trim_ascii_end() {
        [rest @ .., b'}' | b']' | b'"'] => rest.to_vec(),
        whole => [whole, b"{"].concat(),
    }
}

/// A byte order mark in UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use http::Response;
    use rstest::rstest;

    use super::*;

    const ANSWER: &[u8] = br#"{"error":{"a":"x"}}"#;

    fn distorted(corruption: Corruption, body: &'static [u8]) -> Delivery {
        let mut delivery = Delivery::plain(Response::new(Bytes::from_static(body)));
        corruption.corrupt_body(&RandomSource::new(1, "mode", "", 1), &mut delivery);
        delivery
    }

    #[rstest]
    #[case::bom(Corruption::Bom, ANSWER, b"\xef\xbb\xbf{\"error\":{\"a\":\"x\"}}")]
    #[case::duplicate_keys(
        Corruption::DuplicateKeys,
        ANSWER,
        br#"{"error":{"a":"x","a":"x"},"error":{"a":"x","a":"x"}}"#
    )]
    #[case::duplicate_keys_in_a_list(
        Corruption::DuplicateKeys,
        br#"[{"a":1},"\"",{}]"#,
        br#"[{"a":1,"a":1},"\"",{}]"#
    )]
    #[case::duplicate_keys_of_no_json(Corruption::DuplicateKeys, b"<p>", b"<p>")]
    #[case::empty(Corruption::Empty, ANSWER, b"")]
    #[case::invalid_json(Corruption::InvalidJson, ANSWER, br#"{"error":{"a":"x"}"#)]
    #[case::invalid_text(Corruption::InvalidJson, b"\"x\"\n", b"\"x")]
    #[case::invalid_number(Corruption::InvalidJson, b"1", b"1{")]
    #[case::invalid_nothing(Corruption::InvalidJson, b"", b"{")]
    #[case::content_length(Corruption::ContentLength(5), ANSWER, ANSWER)]
    #[case::truncate(Corruption::Truncate(3), ANSWER, ANSWER)]
    fn a_body(
        #[case] corruption: Corruption,
        #[case] body: &'static [u8],
        #[case] expected: &[u8],
    ) {
        assert_eq!(distorted(corruption, body).response.body(), expected);
    }

    #[test]
    fn gzip_is_what_it_says() {
        let delivery = distorted(Corruption::Gzip, ANSWER);
        let mut plain = Vec::new();
        GzDecoder::new(delivery.response.body().as_ref())
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!(
            (
                plain.as_slice(),
                &delivery.response.headers()[header::CONTENT_ENCODING]
            ),
            (ANSWER, &HeaderValue::from_static("gzip"))
        );
    }

    #[test]
    fn garbage_is_no_text_and_the_same_each_time() {
        for count in [1, 31, 32, 33, 4_096] {
            let bytes = distorted(Corruption::Garbage(count), ANSWER)
                .response
                .into_body();
            assert_eq!(bytes.len(), count);
            assert!(std::str::from_utf8(&bytes).is_err());
            assert_eq!(
                bytes,
                distorted(Corruption::Garbage(count), ANSWER)
                    .response
                    .into_body()
            );
        }
    }

    #[test]
    fn what_lies_about_the_length_is_left_to_the_sending() {
        assert_eq!(
            distorted(Corruption::ContentLength(-5), ANSWER).framing,
            Framing::Length(-5)
        );
        assert_eq!(
            distorted(Corruption::MalformedChunk, ANSWER).framing,
            Framing::MalformedChunk
        );
        assert_eq!(
            distorted(Corruption::Truncate(3), ANSWER).end,
            Some((CloseKind::Close, CutPoint::InBody(3)))
        );
        assert_eq!(
            distorted(Corruption::WrongContentType, ANSWER)
                .response
                .headers()[header::CONTENT_TYPE],
            "text/html"
        );
    }
}

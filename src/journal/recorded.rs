//! A request as the journal keeps it: one copy of its head and of the beginning of its body.
//!
//! A copy and no shared slice: a slice would keep the whole buffer it was read into. It holds passwords until it is viewed, so
//! nothing formats it.

use std::{cell::Cell, fmt};

use bytes::BufMut;
use http::{HeaderMap, Method, Uri, header::AUTHORIZATION};

/// A request that was read, in one piece of memory.
#[derive(Clone)]
pub struct Recorded {
    /// Method, blank, target, headers, body.
    kept: Vec<u8>,
    shape: Shape,
}

/// Where in its memory each part of a request is.
#[derive(Clone, Copy, Debug)]
struct Shape {
    target_end: u32,
    head_end: u32,
    /// How long the body was.
    body_bytes: u32,
    has_token: bool,
}

/// Where a request is kept that was put down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: u32,
    bytes: u32,
    shape: Shape,
}

impl Place {
    /// Returns how many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes as usize
    }
}

impl Recorded {
    /// Copies a request; of its body the first 4 KiB.
    pub fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Recorded {
        let mut kept = SPARE.take();
        kept.put_slice(method.as_str().as_bytes());
        // No method holds one.
        kept.put_u8(b' ');
        kept.put_slice(
            uri.path_and_query()
                .map_or("", |target| target.as_str())
                .as_bytes(),
        );
        let target_end = kept.len();
        let mut has_token = false;
        for (name, value) in headers {
            kept.put_slice(name.as_str().as_bytes());
            kept.put_u8(b':');
            kept.put_slice(value.as_bytes());
            // No header value holds one.
            kept.put_u8(b'\n');
            has_token |= name == AUTHORIZATION;
        }
        let head_end = kept.len();
        kept.put_slice(&body[..body.len().min(MOST_OF_A_BODY)]);
        let shape = Shape {
            target_end: short(target_end),
            head_end: short(head_end),
            body_bytes: short(body.len()),
            has_token,
        };
        Recorded { kept, shape }
    }

    /// Returns how many bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Puts it down behind others; the next request takes up its memory.
    pub(super) fn put_down(mut self, others: &mut Vec<u8>) -> Place {
        let place = Place {
            start: short(others.len()),
            bytes: short(self.kept.len()),
            shape: self.shape,
        };
        others.extend_from_slice(&self.kept);
        self.kept.clear();
        SPARE.set(self.kept);
        place
    }

    /// Takes up a copy of one that was put down there.
    pub(super) fn taken_up(place: Place, among: &[u8]) -> Recorded {
        let start = place.start as usize;
        Recorded {
            kept: among[start..start + place.bytes()].to_vec(),
            shape: place.shape,
        }
    }

    /// Tells whether it has an `Authorization` header.
    pub fn has_token(&self) -> bool {
        self.shape.has_token
    }

    /// Returns the method.
    pub(super) fn method(&self) -> &str {
        self.line().0
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// Returns path and query.
    pub(super) fn target(&self) -> &str {
        self.line().1
    }

    /// Returns method and target.
    fn line(&self) -> (&str, &str) {
        std::str::from_utf8(&self.kept[..self.shape.target_end as usize])
            .unwrap_or_default()
            .split_once(' ')
            .unwrap_or_default()
    }

    /// Returns the headers, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.kept[self.shape.target_end as usize..self.shape.head_end as usize]
            .split(|byte| *byte == b'\n')
            .filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                Some((
                    std::str::from_utf8(&line[..colon]).ok()?,
                    &line[colon + 1..],
                ))
            })
    }

    /// Returns what is kept of the body.
    pub(super) fn body(&self) -> &[u8] {
        &self.kept[self.shape.head_end as usize..]
    }

    /// Returns how long the body was.
    pub(super) fn body_bytes(&self) -> u32 {
        self.shape.body_bytes
    }
}

impl fmt::Debug for Recorded {
    /// Shows how much there is and nothing of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recorded({} bytes)", self.kept.len())
    }
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

thread_local! {
    /// Memory for the next request. What is put together in there need not be told the length of before.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How much of a body is kept.
const MOST_OF_A_BODY: usize = 4096;

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn recorded(body: &[u8]) -> Recorded {
        let request = Request::post("/a/b?c=d")
            .header("host", "x")
            .header("x-y", "z: \u{e9}")
            .body(())
            .unwrap();
        Recorded::new(request.method(), request.uri(), request.headers(), body)
    }

    #[test]
    fn a_request_is_kept_in_its_parts() {
        let recorded = recorded(b"{\n}");
        assert_eq!(
            (recorded.method(), recorded.target(), recorded.body()),
            ("POST", "/a/b?c=d", b"{\n}".as_slice())
        );
        let headers: Vec<_> = recorded.headers().collect();
        assert_eq!(
            headers,
            [("host", b"x".as_slice()), ("x-y", "z: \u{e9}".as_bytes())]
        );
        assert_eq!(format!("{recorded:?}"), "Recorded(33 bytes)");
    }

    #[test]
    fn a_token_is_noted() {
        let request = Request::post("/")
            .header("Authorization", "x")
            .body(())
            .unwrap();
        assert!(Recorded::new(request.method(), request.uri(), request.headers(), b"").has_token());
        assert!(!recorded(b"authorization: x").has_token());
    }

    #[test]
    fn no_more_than_the_beginning_of_a_body_is_kept() {
        let recorded = recorded(&[b'x'; 10_000]);
        assert_eq!(
            (recorded.body().len(), recorded.body_bytes()),
            (4096, 10_000)
        );
    }
}

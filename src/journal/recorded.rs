//! A request as the journal keeps it: one copy of its head and of the beginning of its body.
//!
//! A copy and no shared slice: a slice would keep the whole buffer it was read into. It holds passwords until it is viewed, so
//! nothing formats it.

use std::cell::RefCell;
use std::fmt;

use bytes::BufMut;
use http::HeaderMap;
use http::Method;
use http::Uri;
use http::header::AUTHORIZATION;

/// A request that was read, in one piece of memory.
#[derive(Clone)]
pub struct Recorded {
    /// Method, blank, target, headers, body.
    kept: Box<[u8]>,
    target_end: u32,
    head_end: u32,
    /// How long the body was.
    body_bytes: u32,
    has_token: bool,
}

impl Recorded {
    /// Copies a request; of its body the first 4 KiB.
    pub fn new(method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Recorded {
        DRAFT.with_borrow_mut(|draft| {
            draft.clear();
            draft.put_slice(method.as_str().as_bytes());
            // No method holds one.
            draft.put_u8(b' ');
            draft.put_slice(uri.path_and_query().map_or("", |target| target.as_str()).as_bytes());
            let target_end = draft.len();
            let mut has_token = false;
            for (name, value) in headers {
                draft.put_slice(name.as_str().as_bytes());
                draft.put_u8(b':');
                draft.put_slice(value.as_bytes());
                // No header value holds one.
                draft.put_u8(b'\n');
                has_token |= name == AUTHORIZATION;
            }
            let head_end = draft.len();
            draft.put_slice(&body[..body.len().min(MOST_OF_A_BODY)]);
            Recorded {
                kept: draft.as_slice().into(),
                target_end: short(target_end),
                head_end: short(head_end),
                body_bytes: short(body.len()),
                has_token,
            }
        })
    }

    /// Tells whether it has an `Authorization` header.
    pub fn has_token(&self) -> bool {
        self.has_token
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
        std::str::from_utf8(&self.kept[..self.target_end as usize]).unwrap_or_default().split_once(' ').unwrap_or_default()
    }

    /// Returns the headers, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.kept[self.target_end as usize..self.head_end as usize].split(|byte| *byte == b'\n').filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..colon]).ok()?, &line[colon + 1..]))
        })
    }

    /// Returns what is kept of the body.
    pub(super) fn body(&self) -> &[u8] {
        &self.kept[self.head_end as usize..]
    }

    /// Returns how long the body was.
    pub(super) fn body_bytes(&self) -> u32 {
        self.body_bytes
    }

    /// Returns how many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        self.kept.len()
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
    /// Where a request is put together. What is kept has to be of the right length at once, and to tell that beforehand the headers
    /// would have to be gone through twice.
    static DRAFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How much of a body is kept.
const MOST_OF_A_BODY: usize = 4096;

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn recorded(body: &[u8]) -> Recorded {
        let request = Request::post("/a/b?c=d").header("host", "x").header("x-y", "z: \u{e9}").body(()).unwrap();
        Recorded::new(request.method(), request.uri(), request.headers(), body)
    }

    #[test]
    fn a_request_is_kept_in_its_parts() {
        let recorded = recorded(b"{\n}");
        assert_eq!((recorded.method(), recorded.target(), recorded.body()), ("POST", "/a/b?c=d", b"{\n}".as_slice()));
        let headers: Vec<_> = recorded.headers().collect();
        assert_eq!(headers, [("host", b"x".as_slice()), ("x-y", "z: \u{e9}".as_bytes())]);
        assert_eq!(format!("{recorded:?}"), "Recorded(33 bytes)");
    }

    #[test]
    fn a_token_is_noted() {
        let request = Request::post("/").header("Authorization", "x").body(()).unwrap();
        assert!(Recorded::new(request.method(), request.uri(), request.headers(), b"").has_token());
        assert!(!recorded(b"authorization: x").has_token());
    }

    #[test]
    fn no_more_than_the_beginning_of_a_body_is_kept() {
        let recorded = recorded(&[b'x'; 10_000]);
        assert_eq!((recorded.body().len(), recorded.body_bytes()), (4096, 10_000));
    }
}

//! A request as the journal keeps it: one copy of the head and of the beginning of the body.
//!
//! A shared slice would keep the whole buffer that the request was read into. The parts lie in one
//! allocation: one for each header would double a journal's memory.

use std::fmt;

use http::{HeaderMap, Method, Uri, Version};

/// A copy of a request. It contains passwords, so `Debug` shows only its size.
#[derive(Clone)]
pub struct RecordedRequest {
    pub(super) method: Method,
    pub(super) version: Version,
    /// Target, header lines, body.
    kept: Box<[u8]>,
    target_end: usize,
    head_end: usize,
    /// How long the body was.
    pub(super) body_bytes: u32,
}

impl RecordedRequest {
    /// Copies a request, with the first 4 KiB of the body.
    pub fn new(
        (method, uri, version): (&Method, &Uri, Version),
        headers: &HeaderMap,
        body: &[u8],
    ) -> RecordedRequest {
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let start = &body[..body.len().min(MAX_BODY_BYTES)];
        // Neither ends a name or value: a colon and a line feed.
        let lines = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 2);
        let mut kept = Vec::with_capacity(target.len() + lines.sum::<usize>() + start.len());
        kept.extend_from_slice(target.as_bytes());
        let target_end = kept.len();
        for (name, value) in headers {
            kept.extend_from_slice(name.as_str().as_bytes());
            kept.push(b':');
            kept.extend_from_slice(value.as_bytes());
            kept.push(b'\n');
        }
        let head_end = kept.len();
        kept.extend_from_slice(start);
        RecordedRequest {
            method: method.clone(),
            version,
            kept: kept.into(),
            target_end,
            head_end,
            body_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
        }
    }

    /// Returns the number of bytes kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Returns the path.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// Returns path and query.
    pub(super) fn target(&self) -> &str {
        std::str::from_utf8(&self.kept[..self.target_end]).unwrap_or_default()
    }

    /// Returns the headers, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.kept[self.target_end..self.head_end]
            .split(|byte| *byte == b'\n')
            .filter_map(|line| {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let name = std::str::from_utf8(&line[..colon]).ok()?;
                Some((name, &line[colon + 1..]))
            })
    }

    /// Returns the part of the body that was kept.
    pub(super) fn body(&self) -> &[u8] {
        &self.kept[self.head_end..]
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RecordedRequest({} bytes)", self.kept.len())
    }
}

const MAX_BODY_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn recorded(body: &[u8]) -> RecordedRequest {
        let request = Request::post("/a/b?c=d")
            .header("host", "x")
            .header("x-y", "z: \u{e9}")
            .body(())
            .unwrap();
        let line = (request.method(), request.uri(), request.version());
        RecordedRequest::new(line, request.headers(), body)
    }

    #[test]
    fn request_is_kept_in_its_parts() {
        let recorded = recorded(b"{\n}");
        assert_eq!(
            (recorded.method.as_str(), recorded.target(), recorded.body()),
            ("POST", "/a/b?c=d", b"{\n}".as_slice())
        );
        let headers: Vec<_> = recorded.headers().collect();
        assert_eq!(
            headers,
            [("host", b"x".as_slice()), ("x-y", "z: \u{e9}".as_bytes())]
        );
        assert_eq!(format!("{recorded:?}"), "RecordedRequest(28 bytes)");
    }

    #[test]
    fn only_the_beginning_of_a_body_is_kept() {
        let recorded = recorded(&[b'x'; 10_000]);
        assert_eq!((recorded.body().len(), recorded.body_bytes), (4096, 10_000));
    }
}

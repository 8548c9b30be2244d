//! Bodies as a capture has them: in base64, still compressed, or not at all. Nothing that is decoded grows beyond its limit.

use std::io::{self, Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::{HeaderMap, header};

use crate::runner::capture::MAX_BODY;

/// Returns the bytes of a text, which may be in base64. None where it is not.
pub(super) fn bytes(text: &str, encoding: Option<&str>) -> Option<Vec<u8>> {
    match encoding {
        Some(name) if name.eq_ignore_ascii_case("base64") => {
            let text: String = text.split_ascii_whitespace().collect();
            STANDARD.decode(text).ok()
        }
        _ => Some(text.as_bytes().to_vec()),
    }
}

/// Decodes a body by its `Content-Encoding`, which it removes: most captures have decoded it already and kept the header.
///
/// # Errors
/// Why the body cannot be read.
pub(super) fn decode(headers: &mut HeaderMap, body: Vec<u8>) -> Result<Bytes, &'static str> {
    let codings = headers.remove(header::CONTENT_ENCODING);
    let codings = codings.as_ref().and_then(|value| value.to_str().ok());
    let mut body = body;
    let codings = codings.unwrap_or_default().to_ascii_lowercase();
    for coding in codings.split(',').rev().map(str::trim) {
        let is_text = |body: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
        let decoded = match coding {
            _ if body.is_empty() || is_text(&body) => break,
            "gzip" | "x-gzip" => limited(MultiGzDecoder::new(&*body)),
            // Some servers leave the head of zlib out.
            "deflate" => match limited(ZlibDecoder::new(&*body)) {
                Ok(Some(whole)) => Ok(Some(whole)),
                _ => limited(DeflateDecoder::new(&*body)),
            },
            "br" => limited(brotli_decompressor::Decompressor::new(&*body, 4096)),
            "zstd" if body.starts_with(ZSTD) => return Err("a body compressed with zstd"),
            _ => break,
        };
        match decoded {
            Ok(Some(decoded)) => body = decoded,
            Ok(None) => return Err(TOO_LONG),
            // It was decoded by the tool that wrote the capture.
            Err(_) if std::str::from_utf8(&body).is_ok() => break,
            Err(_) => return Err("a compressed body that cannot be read"),
        }
    }
    if body.len() > MAX_BODY {
        return Err(TOO_LONG);
    }
    Ok(body.into())
}

/// Reads a whole body; none where it is longer than it may be.
fn limited(input: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    let limit = u64::try_from(MAX_BODY).unwrap_or(u64::MAX);
    input.take(limit + 1).read_to_end(&mut body)?;
    Ok((body.len() <= MAX_BODY).then_some(body))
}

pub(super) const TOO_LONG: &str = "a body of more than 1 MiB";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Returns a body that was sent in chunks (RFC 9112 section 7.1). None where it does not look so.
pub(super) fn dechunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|pair| pair == b"\r\n")?;
        let size = str::from_utf8(&body[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        let start = end + 2;
        whole.extend_from_slice(body.get(start..start.checked_add(size)?)?);
        body = body.get(start + size..)?.strip_prefix(b"\r\n")?;
    }
}

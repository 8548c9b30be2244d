//! From a delivery to what the server does, step by step: every byte of the head and the body is made here.
//!
//! Hyper sends what is plain. What lies about its length, is cut or comes slowly is written from this script, because hyper's own
//! encoder would correct the lie, and panics in debug builds on a length that is not the body's.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderName, header};

use super::apply::has_no_body;
use crate::failure::{CloseKind, CutPoint, Delivery, Framing, WireStep};

/// What must be known of a request to send its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestFlags {
    /// The client speaks HTTP/1.0.
    pub http10: bool,
    /// It asked for the head alone: the length is told and no body sent.
    pub head: bool,
    /// The connection ends after the answer: the client said so, or speaks HTTP/1.0 and did not ask to keep it.
    pub close: bool,
}

impl Delivery {
    /// Returns whether it arrives as it is: then hyper can send it.
    pub fn is_plain(&self) -> bool {
        self.wait.is_zero()
            && self.framing == Framing::True
            && self.pace.is_none()
            && self.end.is_none()
    }

    /// Returns what the server does, in order. Without a [`WireStep::Close`], [`WireStep::Hang`] or [`WireStep::Reset`] at the end the connection is kept.
    ///
    /// `date` is the value of the `Date` header.
    pub fn script(&self, asked: RequestFlags, date: &str) -> Vec<WireStep> {
        let closes = asked.close
            || self.framing != Framing::True
            || self.end.is_some_and(|(how, _)| how == CloseKind::Close);
        let body = self.body(asked);
        let mut bytes = self.head(asked, closes, date);
        let head = bytes.len();
        bytes.extend_from_slice(&body);
        if let Some((_, at)) = self.end {
            bytes.truncate(at.place(head, body.len()));
        }
        let mut script = Vec::new();
        let how = self.end.map(|(how, _)| how);
        // A wait before nothing at all is none.
        let waits_for_nothing = how == Some(CloseKind::Hang) && bytes.is_empty();
        if !self.wait.is_zero() && !waits_for_nothing {
            script.push(WireStep::Wait(self.wait));
        }
        self.write(bytes.freeze(), &mut script);
        match how {
            Some(CloseKind::Close) => script.push(WireStep::Close),
            Some(CloseKind::Hang) => script.push(WireStep::Hang),
            Some(CloseKind::Reset) => script.push(WireStep::Reset),
            None if closes => script.push(WireStep::Close),
            None => {}
        }
        script
    }

    fn head(&self, asked: RequestFlags, closes: bool, date: &str) -> BytesMut {
        let status = self.response.status();
        let mut head = BytesMut::with_capacity(512);
        let version = if asked.http10 { "1.0" } else { "1.1" };
        let reason = status.canonical_reason().unwrap_or(NO_REASON);
        head.put_slice(format!("HTTP/{version} {} {reason}\r\n", status.as_str()).as_bytes());
        for (name, value) in self
            .response
            .headers()
            .iter()
            .filter(|(name, _)| !OF_SENDING.contains(name))
        {
            line(&mut head, name, value.as_bytes());
        }
        let length = self.response.body().len() as u64;
        let length = match self.framing {
            _ if has_no_body(status) => None,
            Framing::Length(offset) => Some(length.saturating_add_signed(offset)),
            Framing::True => Some(length),
            Framing::MalformedChunk => {
                line(&mut head, &header::TRANSFER_ENCODING, b"chunked");
                None
            }
        };
        if let Some(length) = length {
            line(
                &mut head,
                &header::CONTENT_LENGTH,
                length.to_string().as_bytes(),
            );
        }
        if !self.response.headers().contains_key(header::DATE) {
            line(&mut head, &header::DATE, date.as_bytes());
        }
        match (closes, asked.http10) {
            (true, _) => line(&mut head, &header::CONNECTION, b"close"),
            (false, true) => line(&mut head, &header::CONNECTION, b"keep-alive"),
            (false, false) => {}
        }
        head.put_slice(b"\r\n");
        head
    }

    /// Returns the body as it stands on the wire.
    fn body(&self, asked: RequestFlags) -> Bytes {
        let body = self.response.body();
        if asked.head || has_no_body(self.response.status()) {
            return Bytes::new();
        }
        match self.framing {
            Framing::Length(_) | Framing::True => body.clone(),
            Framing::MalformedChunk => malformed(body),
        }
    }

    fn write(&self, mut bytes: Bytes, script: &mut Vec<WireStep>) {
        if let Some(pace) = self.pace {
            let count = pace.bytes.max(1);
            while bytes.len() > count {
                script.extend([
                    WireStep::Write(bytes.split_to(count)),
                    WireStep::Wait(pace.every),
                ]);
            }
        }
        if !bytes.is_empty() {
            script.push(WireStep::Write(bytes));
        }
    }
}

impl CutPoint {
    /// Returns how many bytes are sent of a head and a body of these lengths.
    fn place(self, head: usize, body: usize) -> usize {
        let upto = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        match self {
            CutPoint::AfterHead => head,
            CutPoint::AfterBytes(count) => upto(count).min(head + body),
            CutPoint::BeforeAnswer => 0,
            CutPoint::InBody(count) => head + upto(count).min(body),
            CutPoint::MidBody => head + body / 2,
        }
    }
}

fn line(head: &mut BytesMut, name: &HeaderName, value: &[u8]) {
    for part in [name.as_str().as_bytes(), b": ", value, b"\r\n"] {
        head.put_slice(part);
    }
}

/// Returns a body whose first half is a valid chunk, and whose second half is one with a size that is not a number.
fn malformed(body: &[u8]) -> Bytes {
    let (first, second) = body.split_at(body.len() / 2);
    let mut chunks = BytesMut::with_capacity(body.len() + 32);
    if !first.is_empty() {
        chunks.put_slice(format!("{:x}\r\n", first.len()).as_bytes());
        chunks.put_slice(first);
        chunks.put_slice(b"\r\n");
    }
    chunks.put_slice(b"xyz\r\n");
    chunks.put_slice(second);
    chunks.put_slice(b"\r\n0\r\n\r\n");
    chunks.freeze()
}

/// Headers about how an answer is sent; no answer brings its own.
pub(crate) const OF_SENDING: [HeaderName; 3] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];
/// What hyper writes, too, for a status without a name.
const NO_REASON: &str = "<none>";

#[cfg(test)]
mod tests;

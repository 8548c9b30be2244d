//! What a failure mode does: to the answer, its bytes, its timing, its connection, its TLS, its effect on the state.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::{
    appliance::Rules,
    contract::{Outcome, closed_set},
    failure::{CloseKind, CutPoint, Pace, duration},
};

/// Everything one mode does when it fires.
#[derive(Clone, Debug, Default)]
pub struct FailureAction {
    /// What is answered instead, and under which readings.
    pub response: ResponseOverride,
    /// What is done to the body, in this order.
    pub corruptions: Vec<Corruption>,
    /// How long nothing is sent.
    pub delay: Option<Delay>,
    /// How slowly it is sent.
    pub pace: Option<Pace>,
    /// Where the sending ends early, and how.
    pub end: Option<(CloseKind, CutPoint)>,
    /// For how long the port is closed.
    pub down: Option<Duration>,
    /// What happens before any request: to the TLS handshake and the certificate.
    pub tls: Option<TlsFailure>,
    /// Whether the operation takes effect, where the mode says it; what holds is [`FailureAction::commits`].
    pub commit: Option<bool>,
    /// How long the old password still validates after a change.
    pub stale: Option<Stale>,
}

impl FailureAction {
    /// Whether nobody can read the body that is sent.
    pub fn hides_body(&self) -> bool {
        use Corruption::{Empty, Garbage, InvalidJson, Truncate};
        let mut corruptions = self.corruptions.iter();
        corruptions.any(|it| matches!(it, Empty | Garbage(_) | InvalidJson | Truncate(_)))
    }
}

/// What is answered instead of what the appliance came to.
#[derive(Clone, Debug, Default)]
pub struct ResponseOverride {
    /// Another outcome, whatever the state.
    pub outcome: Option<Outcome>,
    /// The rules under other readings, by which the answer is worded.
    pub rules: Option<Arc<Rules>>,
    /// Another status.
    pub status: Option<StatusCode>,
    /// Further headers, in place of those of the same name.
    pub headers: HeaderMap,
    /// Another body; with a page or JSON its content type stands in `headers`.
    pub body: Option<Bytes>,
}

closed_set! {
    /// A page that is answered where JSON is expected. The text imitates its kind.
    Page, "page" {
        /// Apache's error page.
        Apache = "apache",
        /// A sign-in page, with status 200.
        Login = "login",
        /// An inspecting proxy's notice.
        Proxy = "proxy",
    }
}

/// What is done to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// A byte order mark before it.
    Bom,
    /// The declared length is off by this many bytes; the connection is closed after the body.
    ContentLength(i64),
    /// Every member is written twice.
    DuplicateKeys,
    /// No body at all.
    Empty,
    /// This many random bytes instead.
    Garbage(usize),
    /// Compressed, although the client did not ask.
    Gzip,
    /// JSON that ends before its last bracket.
    InvalidJson,
    /// Chunked, with a chunk whose size is not a number; the connection is closed after it.
    MalformedChunk,
    /// Only the first bytes, then FIN; the declared length stays.
    Truncate(usize),
    /// `text/html`, whatever it is.
    WrongContentType,
}

/// How long nothing is sent, on the appliance's clock.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Delay {
    /// Log-normal, cut at a greatest.
    Lognormal {
        /// Half are shorter.
        #[serde(deserialize_with = "duration::deserialize")]
        median: Duration,
        /// The spread, of the logarithm.
        sigma: f64,
        /// None is longer.
        #[serde(deserialize_with = "duration::deserialize")]
        max: Duration,
    },
    /// Between two, all equally likely.
    Uniform(
        #[serde(deserialize_with = "duration::deserialize")] Duration,
        #[serde(deserialize_with = "duration::deserialize")] Duration,
    ),
    /// Always the same.
    #[serde(untagged)]
    Fixed(#[serde(deserialize_with = "duration::deserialize")] Duration),
}

/// What happens on a connection before any request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsFailure {
    /// Which certificate is shown.
    pub certificate: Option<Certificate>,
    /// What becomes of the handshake.
    pub handshake: Option<Handshake>,
    /// The versions that are offered; empty means all.
    pub versions: Vec<TlsVersion>,
    /// Whether clients are asked for a certificate of a CA that nobody has.
    pub client_certificate: bool,
}

impl TlsFailure {
    /// Returns the key of a fixture that says it.
    pub fn key(&self) -> &'static str {
        match (self.certificate, self.handshake) {
            (Some(_), _) => "certificate",
            (None, Some(_)) => "handshake",
            (None, None) if self.client_certificate => "client_certificate",
            (None, None) => "tls",
        }
    }
}

closed_set! {
    /// A certificate that a strict client rejects.
    Certificate, "certificate" {
        /// It names its host in the common name only.
        CnOnly = "cn_only",
        /// It expired yesterday.
        Expired = "expired",
        /// An intermediate is missing from the chain.
        IncompleteChain = "incomplete_chain",
        /// It becomes valid tomorrow.
        NotYetValid = "not_yet_valid",
        /// A valid one with another key than before.
        Swapped = "swapped",
        /// An unknown CA issued it.
        UnknownCa = "unknown_ca",
        /// It names another host.
        WrongName = "wrong_name",
    }
}

closed_set! {
    /// What happens to a TLS handshake.
    Handshake, "handshake" {
        /// RST after the client's hello.
        Abort = "abort",
        /// Plain HTTP on the TLS port.
        Plaintext = "plaintext",
        /// No answer to the hello.
        Stall = "stall",
    }
}

closed_set! {
    /// A version of TLS.
    TlsVersion, "version of TLS" {
        /// 1.2
        V12 = "1.2",
        /// 1.3
        V13 = "1.3",
    }
}

/// How long the old password still validates after a change.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Stale {
    /// For a time on the appliance's clock.
    For(#[serde(deserialize_with = "duration::deserialize")] Duration),
    /// For this many validations.
    Requests(u64),
}

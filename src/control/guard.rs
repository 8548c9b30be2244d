//! Who may ask: this machine, or clients with the token; never a page in a browser, whatever address its name resolves to.
//!
//! A page that somebody else wrote can let a browser on this machine ask a loopback address. It then names itself as `Origin`, or,
//! where its own name was led to 127.0.0.1 (DNS rebinding), as `Host`. With a token any Host will do: in a container's network the
//! API is asked by a service's name, and a page without the token gets nothing.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header, uri::Authority};
use subtle::ConstantTimeEq;

use crate::{
    control::{
        AppState,
        problem::{Problem, ProblemKind},
    },
    redact::Secret,
};

/// Who may ask.
#[derive(Clone)]
pub(super) struct Guard {
    address: SocketAddr,
    token: Option<Secret>,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, token: Option<Secret>) -> Guard {
        Guard { address, token }
    }

    fn admits(&self, request: &Request) -> Result<(), Problem> {
        let host = host(request)?;
        if self.token.is_none() && !self.is_ours(host.host()) {
            let detail = format!(
                "without a token only this machine may ask, by a loopback name or address, or as {}; not as `{host}`",
                self.address
            );
            return Err(Problem::new(ProblemKind::ForeignHost, detail).hint(
                "ask http://127.0.0.1 or http://localhost, or serve with --control-token-file",
            ));
        }
        for origin in request.headers().get_all(header::ORIGIN) {
            if !origin
                .to_str()
                .is_ok_and(|origin| origin.eq_ignore_ascii_case(&format!("http://{host}")))
            {
                return Err(Problem::new(
                    ProblemKind::ForeignOrigin,
                    format!("expected the Origin http://{host}, or none"),
                )
                .hint("a page in a browser cannot ask this API"));
            }
        }
        match &self.token {
            Some(token) if !bears(request.headers(), token) => Err(Problem::new(
                ProblemKind::Unauthorized,
                "expected `Authorization: Bearer TOKEN`, with what --control-token-file names",
            )),
            _ => Ok(()),
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<IpAddr> = host.parse().ok();
        host.eq_ignore_ascii_case("localhost")
            || ip.is_some_and(|ip| ip.to_canonical().is_loopback() || ip == self.address.ip())
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Guard")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Lets a request pass to its handler, or answers it.
pub(super) async fn check(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = match app.guard().admits(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // Answers hold at this moment only, and some must not be stored.
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// Returns the one Host of a request (RFC 9112 section 3.2); where its target is a URL, that one's, which must be the same.
fn host(request: &Request) -> Result<Authority, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let only = hosts.next().filter(|_| hosts.next().is_none());
    let host: Option<Authority> = only
        .and_then(|host| host.to_str().ok()?.parse().ok())
        .filter(|host: &Authority| !host.as_str().contains('@'));
    let host = host.ok_or_else(|| {
        Problem::new(
            ProblemKind::MalformedHost,
            "expected one Host header with a name or an address, and perhaps a port",
        )
    })?;
    match request.uri().authority() {
        Some(named) if *named != host => Err(Problem::new(
            ProblemKind::MalformedHost,
            "the Host header and the URL in the request line differ",
        )),
        _ => Ok(host),
    }
}

/// Compares in constant time.
fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let given = headers
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let Some((scheme, given)) = given.split_at_checked("Bearer ".len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(given.ct_eq(token.expose().as_bytes()))
}

//! Who may ask: this machine, or clients with the token; never a page in a browser, whatever address its name resolves to.
//!
//! A page that somebody else wrote can let a browser on this machine ask a loopback address. It then names itself as `Origin`, or,
//! where its own name was led to 127.0.0.1 (DNS rebinding), as `Host`. With a token any Host will do: in a container's network the
//! API is asked by a service's name, and a page without the token gets nothing.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header, uri::Authority};
use subtle::ConstantTimeEq;

use crate::{
    control::{AppState, problem::Problem},
    redact::Secret,
};

/// Who may ask.
pub(super) struct Guard {
    pub(super) address: SocketAddr,
    pub(super) token: Option<Secret>,
}

impl Guard {
    fn admit(&self, request: &Request) -> Result<(), Problem> {
        let host = host(request)?;
        if self.token.is_none() && !self.is_ours(host.host()) {
            let detail = format!(
                "without a token only this machine may ask, by a loopback name or address, or as {}; not as `{host}`",
                self.address
            );
            let hint =
                "ask http://127.0.0.1 or http://localhost, or serve with --control-token-file";
            return Err(Problem::foreign_host(detail).hint(hint));
        }
        let own = format!("http://{host}");
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        if !origins.all(|origin| origin.as_bytes().eq_ignore_ascii_case(own.as_bytes())) {
            let detail = format!("expected the Origin {own}, or none");
            let hint = "a page in a browser cannot ask this API";
            return Err(Problem::foreign_origin(detail).hint(hint));
        }
        if let Some(token) = &self.token
            && !OPEN.contains(&request.uri().path())
            && !has_token(request.headers(), token)
        {
            let expected = "`Authorization: Bearer TOKEN`, with the token of --control-token-file";
            return Err(Problem::unauthorized(format!("expected {expected}")));
        }
        Ok(())
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let ip: Option<IpAddr> = host.parse().ok();
        host.eq_ignore_ascii_case("localhost")
            || ip.is_some_and(|ip| ip.to_canonical().is_loopback() || ip == self.address.ip())
    }
}

/// Lets a request pass to its handler, or answers it.
pub(super) async fn check(
    State(app): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    let response = match app.guard.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    // Answers hold at this moment only, and some must not be stored.
    let uncached = [(header::CACHE_CONTROL, "no-store")];
    let unsniffed = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (uncached, unsniffed, response).into_response()
}

/// Returns the one Host of a request (RFC 9112 section 3.2); where its target is a URL, that one's, which must be the same.
fn host(request: &Request) -> Result<Authority, Problem> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let only = hosts.next().filter(|_| hosts.next().is_none());
    let host: Option<Authority> = only.and_then(|host| host.to_str().ok()?.parse().ok());
    let Some(host) = host.filter(|host| !host.as_str().contains('@')) else {
        let detail = "expected one Host header with a name or an address, and perhaps a port";
        return Err(Problem::malformed_host(detail));
    };
    if request
        .uri()
        .authority()
        .is_some_and(|named| *named != host)
    {
        let detail = "the Host header and the URL in the request line differ";
        return Err(Problem::malformed_host(detail));
    }
    Ok(host)
}

/// Compares in constant time.
fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let value = headers
        .get(header::AUTHORIZATION)
        .map(HeaderValue::as_bytes);
    let parts = value.and_then(|value| value.split_at_checked("Bearer ".len()));
    parts.is_some_and(|(scheme, given)| {
        // Several blanks may stand between them (RFC 9110 section 11.4).
        let given = given.trim_ascii_start();
        let is_equal = bool::from(given.ct_eq(token.expose().as_bytes()));
        is_equal && scheme.eq_ignore_ascii_case(b"Bearer ")
    })
}

/// What orchestrators ask, who have no token. Nothing of it is secret.
const OPEN: [&str; 3] = ["/v1/health", "/v1/ready", "/v1/ca.pem"];

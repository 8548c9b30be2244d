//! Who may ask: this machine, or clients with the token; never a page in a browser, whatever address its name resolves to.
//!
//! A page that somebody else wrote can let a browser on this machine ask a loopback address. It then names itself as `Origin`, or,
//! where its own name was led to 127.0.0.1 (DNS rebinding), as `Host`. With a token any Host will do: in a container's network the
//! API is asked by a service's name, and a page without the token gets nothing.

use std::{
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header, uri::Authority};
use subtle::ConstantTimeEq;

use crate::{
    control::{AppState, problem::Problem},
    redact::Secret,
    server,
    server::Refusal,
};

/// Who may ask.
pub(super) struct Guard {
    pub(super) address: SocketAddr,
    pub(super) token: Option<Secret>,
}

impl Guard {
    fn admit(&self, request: &Request, max_bytes: usize) -> Result<(), Problem> {
        let host = host(request)?;
        server::validate_head(request, max_bytes).map_err(|refusal| match refusal {
            Refusal::HeadTooLarge => {
                Problem::head_too_large(format!("expected at most {max_bytes} bytes"))
            }
            _ => Problem::bad_request("the target, the Host or the transfer coding is not valid"),
        })?;
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
    let max_bytes = app.registry.settings().limits.head_bytes;
    let response = match app.guard.admit(&request, max_bytes) {
        Ok(()) => unless_it_panics(next.run(request)).await,
        Err(problem) => problem.into_response(),
    };
    // Answers hold at this moment only, and some must not be stored.
    let uncached = [(header::CACHE_CONTROL, "no-store")];
    let unsniffed = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (uncached, unsniffed, response).into_response()
}

/// Answers for a handler that panics. It holds no lock that others need whole.
async fn unless_it_panics(answer: impl Future<Output = Response>) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx)));
        let bug = || Problem::internal_error("this is a bug in d4iot-double; stderr has its place");
        polled.unwrap_or_else(|_| Poll::Ready(bug().into_response()))
    })
    .await
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
    let named = request.uri().authority();
    if named.is_some_and(|named| *named != host) {
        let detail = "the Host header and the URL in the request line differ";
        return Err(Problem::malformed_host(detail));
    }
    Ok(host)
}

/// Compares in constant time.
fn has_token(headers: &HeaderMap, token: &Secret) -> bool {
    let value = headers.get(header::AUTHORIZATION);
    let parts = value.and_then(|value| value.as_bytes().split_at_checked("Bearer ".len()));
    parts.is_some_and(|(scheme, given)| {
        // Several blanks may stand between them (RFC 9110 section 11.4).
        let given = given.trim_ascii_start();
        let is_equal = bool::from(given.ct_eq(token.expose().as_bytes()));
        is_equal && scheme.eq_ignore_ascii_case(b"Bearer ")
    })
}

/// What orchestrators ask, who have no token. Nothing of it is secret.
const OPEN: [&str; 3] = ["/v1/health", "/v1/ready", "/v1/ca.pem"];

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_is_a_problem() {
        let answer = unless_it_panics(async { panic!("as the test asked") }).await;
        assert_eq!(answer.status(), 500);
    }
}

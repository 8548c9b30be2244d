//! The HTTP client: sends a request to a target and returns the complete answer, or why there is none.
//!
//! The same client is used for mocks and for live appliances. It does not follow redirects, does not retry, and uses no proxy of the
//! environment.

mod connect_failure;
mod error;
mod options;
mod pin;
mod resolved_name;
mod tls;

use std::{
    iter,
    sync::{
        Arc, Mutex as StdMutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use connect_failure::Route;
pub use error::{ClientError, ConnectFailure};
use http::{Request, Response, uri::PathAndQuery};
use http_body_util::{BodyExt, Limited};
pub use options::{ClientCertificate, InvalidResolve, Proxy, Resolve, TargetOptions, stays_here};
pub use pin::{InvalidPin, Pin};
use reqwest::{Url, redirect};
use resolved_name::ResolvedName;
use tls::ShownCertificate;
use tokio::{sync::Mutex, time::Instant};

use crate::journal::lock;

/// A whole answer, or why there is none.
pub type TargetAnswer = Result<Response<Bytes>, ClientError>;

/// A target at an address.
#[derive(Clone, Debug)]
pub struct Target {
    client: reqwest::Client,
    delay: Duration,
    route: Route,
    /// The certificate of the last handshake.
    shown: Arc<StdMutex<Option<ShownCertificate>>>,
    /// How long an exchange may take.
    timeout: Duration,
    /// How many exchanges in a row have timed out, or were broken off without any answer before.
    unanswered: Arc<AtomicU32>,
    /// Whether any answer has come.
    has_answered: Arc<AtomicBool>,
    /// When the last exchange ended. The lock also separates exchanges that have a pause between them.
    last: Arc<Mutex<Option<Instant>>>,
}

impl Target {
    /// Prepares a client for `https://host:port` or `http://…`; a path in it precedes every request's path.
    ///
    /// # Errors
    /// [`ClientError::Setup`], with what was wrong with the address, the proxy, the certificates or the key.
    pub fn new(base: &str, options: &TargetOptions) -> Result<Target, ClientError> {
        let setup = ClientError::Setup;
        let url = base.parse();
        let base: Url = url.map_err(|error| setup(format!("`{base}` is not a URL: {error}")))?;
        let tls = base.scheme() == "https";
        let shown = Arc::default();
        let timeout = options.timeout.unwrap_or(TIMEOUT);
        let mut builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(ResolvedName::default())
            .tls_info(true)
            .tcp_nodelay(true)
            .timeout(timeout)
            .connect_timeout(timeout / 2)
            .pool_max_idle_per_host(if options.fresh { 0 } else { usize::MAX })
            .tls_backend_preconfigured(tls::config(options, tls, &shown)?);
        if let Some(proxy) = &options.proxy {
            // The library's message may quote credentials.
            let mut route = reqwest::Proxy::all(&proxy.address)
                .map_err(|_| setup("the proxy's address is not a URL".into()))?;
            if let Some((username, password)) = &proxy.credentials {
                route = route.basic_auth(username, password.expose());
            }
            builder = builder.proxy(route);
        }
        if let Some(resolve) = &options.resolve {
            builder = builder.resolve(&resolve.host, (resolve.address, resolve.port).into());
        }
        let default_delay = match stays_here(&base, options) {
            true => Duration::ZERO,
            false => DEFAULT_DELAY,
        };
        Ok(Target {
            client: builder.build().map_err(|error| setup(chain(&error)))?,
            delay: options.delay.unwrap_or(default_delay),
            route: Route {
                address: base.as_str().trim_end_matches('/').to_owned(),
                tls,
                proxy: options.proxy.is_some(),
                identity: options.certificate.is_some(),
                max_wait: timeout / 2,
            },
            shown,
            timeout,
            unanswered: Arc::default(),
            has_answered: Arc::default(),
            last: Arc::default(),
        })
    }

    /// Prepares a client that accepts any certificate, for requests without secrets.
    ///
    /// # Errors
    /// [`ClientError::Setup`], with what was wrong with the address.
    pub fn unverified(base: &str, timeout: Duration) -> Result<Target, ClientError> {
        let options = TargetOptions {
            timeout: Some(timeout),
            insecure: true,
            ..TargetOptions::default()
        };
        Target::new(base, &options)
    }

    /// Returns the address, for people.
    pub fn address(&self) -> &str {
        &self.route.address
    }

    /// Returns how long an exchange may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the pin of the key that the target showed; none without TLS.
    pub fn key(&self) -> Option<Pin> {
        lock(&self.shown).as_ref()?.pin.clone()
    }

    /// Returns why nothing more should be sent: several exchanges in a row had no answer.
    pub fn hanging(&self) -> Option<ConnectFailure> {
        let wait = self.timeout;
        let message = format!("the target accepts requests and does not answer within {wait:?}");
        let is_hanging = self.unanswered.load(Ordering::Relaxed) >= MAX_UNANSWERED;
        is_hanging.then(|| ConnectFailure::new(message, connect_failure::SLOW))
    }

    /// Sends a request, whose URI is a path with its query, and reads the whole answer, of at most 1 MiB.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`] or [`ClientError::Broken`]. The request may have been carried out all the same.
    pub async fn send(&self, request: &Request<Bytes>) -> TargetAnswer {
        if self.delay.is_zero() {
            return self.exchange(request).await;
        }
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            tokio::time::sleep_until(last + self.delay).await;
        }
        let answer = self.exchange(request).await;
        *last = Some(Instant::now());
        answer
    }

    async fn exchange(&self, request: &Request<Bytes>) -> TargetAnswer {
        let path = request.uri().path_and_query();
        let path = path.map_or("/", PathAndQuery::as_str);
        let no_path = |error| ClientError::Setup(format!("`{path}` is not a path: {error}"));
        let url = format!("{}{path}", self.address()).parse();
        let url = url.map_err(no_path)?;
        let mut outgoing = reqwest::Request::new(request.method().clone(), url);
        *outgoing.headers_mut() = request.headers().clone();
        if !request.body().is_empty() || request.method() == http::Method::POST {
            *outgoing.body_mut() = Some(request.body().clone().into());
        }
        let incoming = match self.client.execute(outgoing).await {
            Ok(incoming) => incoming,
            Err(error) => {
                let error = self.error(error, true);
                let is_no_http = !self.route.tls && matches!(error, ClientError::Malformed(_));
                let is_first = !self.has_answered.load(Ordering::Relaxed);
                return Err(match is_no_http && is_first && self.speaks_tls().await {
                    true => ClientError::Unreachable(self.route.tls_expected()),
                    false => error,
                });
            }
        };
        self.unanswered.store(0, Ordering::Relaxed);
        self.has_answered.store(true, Ordering::Relaxed);
        let (head, body) = Response::<reqwest::Body>::from(incoming).into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|error| match error.downcast() {
            Ok(error) => self.error(*error, false),
            Err(_) => ClientError::Malformed(format!("the answer's body exceeds {MAX_BODY} bytes")),
        })?;
        let answer = Response::from_parts(head, body.to_bytes());
        match self.route.is_tls_port(&answer) {
            true => Err(ClientError::Unreachable(self.route.tls_expected())),
            false => Ok(answer),
        }
    }

    /// Returns whether a target that does not answer plain HTTP answers HTTPS.
    async fn speaks_tls(&self) -> bool {
        let address = self.address().replacen("http://", "https://", 1);
        let Ok(target) = Target::unverified(&address, self.timeout) else {
            return false;
        };
        let request = Request::new(Bytes::new());
        Box::pin(target.exchange(&request)).await.is_ok()
    }

    /// `early` means that nothing of an answer has come: TLS may still be rejected then.
    fn error(&self, error: reqwest::Error, early: bool) -> ClientError {
        let error = error.without_url();
        // In version 1.3 the client may send before the target has rejected TLS.
        let alert = connect_failure::tls(&error);
        let is_late = matches!(alert, Some(rustls::Error::AlertReceived(_)));
        if error.is_connect() || early && is_late {
            let shown = lock(&self.shown).clone();
            let failure = connect_failure::explain(&error, error.is_timeout(), &self.route, shown);
            ClientError::Unreachable(failure)
        } else if error.is_timeout() {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            ClientError::Broken(format!("{TIMED_OUT} {:?}", self.timeout))
        } else {
            if !self.has_answered.load(Ordering::Relaxed) {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
            match connect_failure::is_malformed(&error) {
                true => ClientError::Malformed(chain(&error)),
                false => ClientError::Broken(chain(&error)),
            }
        }
    }
}

/// Returns an error with all its causes: the first one alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = iter::successors(error.source(), |cause| cause.source());
    let texts = causes.map(ToString::to_string);
    texts.fold(error.to_string(), |text, cause| {
        match text.contains(&cause) {
            true => text,
            false => format!("{text}: {cause}"),
        }
    })
}

/// What the reason begins with if an answer did not come in time.
pub const TIMED_OUT: &str = "no whole answer within";
/// After how many exchanges in a row without an answer a target hangs.
const MAX_UNANSWERED: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(30);
/// The pause between two exchanges with another machine.
const DEFAULT_DELAY: Duration = Duration::from_millis(500);
const MAX_BODY: usize = 1024 * 1024;

//! An address that is asked: a request goes out, a whole answer comes back, or the reason why not.
//!
//! The same client asks our own doubles and real appliances. It never follows a redirect, never tries again, and uses no
//! proxy unless told.

mod unverified;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use http::Response;
use reqwest::Url;
use reqwest::redirect;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// An appliance at an address.
#[derive(Clone, Debug)]
pub struct Target {
    client: reqwest::Client,
    base: Url,
    delay: Duration,
    /// When the last exchange ended. The lock also keeps exchanges with one pause between them apart.
    last: Arc<Mutex<Option<Instant>>>,
}

/// How a target is reached.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// PEM certificates to trust, and no others.
    pub trust: Option<String>,
    /// How long an exchange may take; 30 s by default.
    pub timeout: Option<Duration>,
    /// The pause between the end of one exchange and the start of the next; none by default.
    pub delay: Duration,
    /// Whether any certificate is taken, whoever signed it and whatever name it bears.
    pub insecure: bool,
    /// Whether each exchange has a connection of its own: on a kept one that closes, the client below us sends again what it believes unsent.
    pub fresh: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// There was a connection, and what came over it was no whole answer.
    Broken(String),
    /// The target cannot be set up: an address that is none, a certificate that cannot be read.
    Setup(String),
    /// There was no connection: refused, unresolved, or TLS failed.
    Unreachable(String),
}

impl Target {
    /// Prepares to ask an address, `https://host:port` or `http://…`; a path in it is put before every request's path.
    ///
    /// # Errors
    /// [`Error::Setup`], with what was wrong with the address or the certificates.
    pub fn new(base: &str, options: &Options) -> Result<Target, Error> {
        let base: Url = base.parse().map_err(|error| Error::Setup(format!("`{base}` is no address: {error}")))?;
        let builder = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .tls_info(true)
            .tcp_nodelay(true)
            .timeout(options.timeout.unwrap_or(TIMEOUT))
            .pool_max_idle_per_host(if options.fresh { 0 } else { usize::MAX })
            .tls_backend_preconfigured(tls(options)?);
        let client = builder.build().map_err(|error| Error::Setup(chain(&error)))?;
        Ok(Target { client, base, delay: options.delay, last: Arc::default() })
    }

    /// Prepares to ask whoever answers at an address, whatever certificate is shown: for what sends nothing secret.
    ///
    /// # Errors
    /// [`Error::Setup`], with what was wrong with the address.
    pub fn unverified(base: &str, timeout: Duration) -> Result<Target, Error> {
        Target::new(base, &Options { timeout: Some(timeout), insecure: true, ..Options::default() })
    }

    /// Returns the address, for people.
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Sends a request, whose URI is a path with its query, and reads the whole answer, of at most 1 MiB.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Broken`]. The request may have been carried out all the same.
    pub async fn send(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
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

    async fn exchange(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let url: Url = format!("{}{path}", self.address()).parse().map_err(|error| Error::Setup(format!("`{path}` makes no address: {error}")))?;
        let mut outgoing = reqwest::Request::new(request.method().clone(), url);
        *outgoing.headers_mut() = request.headers().clone();
        if !request.body().is_empty() || request.method() == http::Method::POST {
            *outgoing.body_mut() = Some(request.body().clone().into());
        }
        let mut incoming = self.client.execute(outgoing).await.map_err(Error::from)?;
        let mut answer = Response::new(Bytes::new());
        *answer.status_mut() = incoming.status();
        *answer.version_mut() = incoming.version();
        *answer.headers_mut() = std::mem::take(incoming.headers_mut());
        let mut body = BytesMut::new();
        while let Some(chunk) = incoming.chunk().await.map_err(Error::from)? {
            if body.len() + chunk.len() > MOST_READ {
                return Err(Error::Broken(format!("the answer's body exceeds {MOST_READ} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        *answer.body_mut() = body.freeze();
        Ok(answer)
    }
}

fn tls(options: &Options) -> Result<rustls::ClientConfig, Error> {
    if options.insecure {
        return unverified::config().map_err(|error| Error::Setup(format!("TLS: {error}")));
    }
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(options.trust.as_deref().unwrap_or_default().as_bytes()) {
        let certificate = certificate.map_err(|error| Error::Setup(format!("a trusted certificate is no PEM: {error:?}")))?;
        roots.add(certificate).map_err(|error| Error::Setup(format!("a trusted certificate cannot be used: {error}")))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Error::Setup(format!("TLS: {error}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Error {
        let error = error.without_url();
        if error.is_connect() {
            Error::Unreachable(chain(&error))
        } else if error.is_timeout() {
            Error::Broken(TIMED_OUT.into())
        } else {
            Error::Broken(chain(&error))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Broken(text) | Error::Setup(text) | Error::Unreachable(text) => out.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// An error with all its causes: the first one alone says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

/// What is said of an answer that did not come in time.
pub const TIMED_OUT: &str = "no whole answer within the time-out";
const TIMEOUT: Duration = Duration::from_secs(30);
const MOST_READ: usize = 1024 * 1024;

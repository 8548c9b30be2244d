//! Why there was no connection, and what the user can do.

use std::{error::Error as StdError, io, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode};
use rustls::{AlertDescription, CertificateError, Error as Tls};

use super::{
    error::{ConnectFailure, UNKNOWN},
    tls::{ShownCertificate, date_fault},
};

/// The route to a target, as far as error messages need it.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// The target's address, without credentials.
    pub(super) address: String,
    /// Whether the target has TLS.
    pub(super) tls: bool,
    /// Whether there is a proxy.
    pub(super) proxy: bool,
    /// Whether the client has a certificate of its own.
    pub(super) identity: bool,
    /// How long a connection may take.
    pub(super) max_wait: Duration,
}

impl Route {
    /// Returns whether an answer to plain HTTP says that the port is one of HTTPS.
    pub(super) fn is_tls_port(&self, answer: &Response<Bytes>) -> bool {
        let body = String::from_utf8_lossy(answer.body()).to_lowercase();
        let says_so = body.contains("https port") || body.contains("https server");
        !self.tls && answer.status() == StatusCode::BAD_REQUEST && says_so
    }

    /// Returns the failure of plain HTTP at a port of HTTPS.
    pub(super) fn tls_expected(&self) -> ConnectFailure {
        let address = &self.address;
        let message = format!("{address} does not answer with HTTP/1: the server speaks TLS");
        let other = address.replacen("http://", "https://", 1);
        ConnectFailure::new(message, format!("use {other}"))
    }
}

/// Finds TLS's own error among the causes of another one.
pub(super) fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Tls> {
    causes(error).find_map(|cause| cause.downcast_ref::<Tls>())
}

/// Returns whether what came is not HTTP.
pub(super) fn is_malformed(error: &(dyn StdError + 'static)) -> bool {
    let mut causes = causes(error).filter_map(|cause| cause.downcast_ref::<hyper::Error>());
    causes.any(hyper::Error::is_parse)
}

/// Explains why there was no connection.
pub(super) fn explain(
    error: &(dyn StdError + 'static),
    timed_out: bool,
    route: &Route,
    shown: Option<ShownCertificate>,
) -> ConnectFailure {
    if let Some(tls) = tls(error) {
        let (reason, hint) = of_tls(tls, route, shown);
        return ConnectFailure::new(format!("TLS failed: {reason}"), hint);
    }
    let (message, hint) = of_transport(error, timed_out, route);
    ConnectFailure::new(message, hint)
}

/// Returns the reason and the hint.
fn of_transport(
    error: &(dyn StdError + 'static),
    timed_out: bool,
    route: &Route,
) -> (String, &'static str) {
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    let has = |words: &str| texts.iter().any(|text| text.contains(words));
    let is = |kind: &io::ErrorKind| {
        let mut causes = causes(error).filter_map(|cause| cause.downcast_ref::<io::Error>());
        causes.any(|cause| cause.kind() == *kind)
    };
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, UnexpectedEof};
    let ends = [ConnectionReset, UnexpectedEof, BrokenPipe];
    let (address, all) = (&route.address, texts.join(": "));
    if has("tunnel error") && has("proxy authorization required") {
        let what = format!("the proxy refuses to connect to {address} without credentials (407)");
        (what, PROXY_CREDENTIALS)
    } else if has("tunnel error") {
        let what = format!("the proxy cannot connect to {address}: {all}");
        (what, PROXY)
    } else if timed_out {
        let (tls, stalls) = match route.tls {
            true => ("TLS ", ", or its handshake stalls"),
            false => ("", ""),
        };
        let wait = route.max_wait;
        let what =
            format!("no {tls}connection to {address} within {wait:?}: nothing answers{stalls}");
        (what, SLOW)
    } else if is(&ConnectionRefused) {
        let what = if route.proxy { "the proxy" } else { address };
        let what = format!("{what} refused the connection: nothing listens there");
        (what, REFUSED)
    } else if route.tls && ends.iter().any(is) {
        let what = "closed the connection during the TLS handshake, without a reason";
        (format!("{address} {what}"), ENDED)
    } else if has("dns error") {
        let reason = texts.last().map_or("", String::as_str);
        (format!("cannot resolve {address}: {reason}"), UNRESOLVED)
    } else {
        (all, UNKNOWN)
    }
}

/// Returns the reason and the hint.
fn of_tls(error: &Tls, route: &Route, shown: Option<ShownCertificate>) -> (String, String) {
    use AlertDescription as Alert;
    use rustls::PeerIncompatible as Peer;
    let (reason, hint) = match error {
        Tls::InvalidCertificate(error) => return of_certificate(error, route, shown),
        Tls::PeerIncompatible(Peer::ServerDoesNotSupportTls12Or13 | Peer::ServerTlsVersionIsDisabledByOurConfig)
        | Tls::AlertReceived(Alert::ProtocolVersion)
        | Tls::InvalidMessage(rustls::InvalidMessage::UnknownProtocolVersion) => {
            ("version: the target supports neither TLS 1.2 nor 1.3".into(), OLDER)
        }
        Tls::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) | Tls::PeerIncompatible(_) => (
            format!("cipher: the target and this client have no common cipher suite, key exchange or signature ({error})"),
            match route.identity {
                true => "enable ECDHE with AES-GCM or ChaCha20-Poly1305 on the target",
                false => "enable ECDHE with AES-GCM or ChaCha20-Poly1305 on the target; or, if it requires a client certificate, use --cert and --key",
            },
        ),
        Tls::AlertReceived(Alert::UnrecognisedName) => (
            "name: the target has no service of this name".into(),
            "use a name that the target has, with --resolve NAME:PORT:ADDRESS",
        ),
        Tls::AlertReceived(Alert::CertificateRequired) => {
            ("client certificate: the target requires one".into(), "use --cert PEM --key PEM")
        }
        Tls::AlertReceived(
            alert @ (Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            // The signature is verified against a CA of the same name.
            | Alert::DecryptError),
        ) => (
            format!("client certificate: the target rejects it ({alert:?})"),
            "use another one, with --cert PEM --key PEM",
        ),
        Tls::InvalidMessage(_) => (
            "the answer is not TLS".into(),
            "check the port, or use http:// with --allow-http if the target has plain HTTP on purpose",
        ),
        other => (other.to_string(), UNKNOWN),
    };
    (reason, hint.to_owned())
}

/// Returns the reason and the hint.
fn of_certificate(
    error: &CertificateError,
    route: &Route,
    shown: Option<ShownCertificate>,
) -> (String, String) {
    use CertificateError as Fault;
    let has_more = shown.as_ref().is_none_or(|shown| shown.further > 0);
    let pin = shown.and_then(|shown| shown.pin);
    // The pin may belong to anybody: the user must compare it, not copy it.
    let pinned = match &pin {
        None => "--pin-spki".to_owned(),
        Some(pin) => {
            format!("--pin-spki {pin}, if that is the key the appliance really has")
        }
    };
    if let Some(fault) = date_fault(error) {
        return (format!("certificate date: it {fault}"), DATES.to_owned());
    }
    match error {
        Fault::NotValidForName => {
            let hint = format!("{pinned}; or {BY_NAME}");
            ("certificate name: it is for another host".into(), hint)
        }
        Fault::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            let address = &route.address;
            let what = format!("no subject alternative name for {address}, only a common name");
            (format!("certificate name: it has {what}"), pinned)
        }
        Fault::NotValidForNameContext {
            expected,
            presented,
        } => {
            // Without the library's wrapper, `DnsName("sensor.lab")`.
            let names = presented.iter();
            let names = names.map(|name| name.split('"').nth(1).unwrap_or(name));
            let (names, expected) = (names.collect::<Vec<_>>().join(", "), expected.to_str());
            let what = format!("certificate name: it is for {names}, not for {expected}");
            (what, format!("{BY_NAME}; or {pinned}"))
        }
        Fault::UnknownIssuer => {
            let alone = if has_more { "" } else { NO_INTERMEDIATE };
            let what = format!("certificate chain: it is not trusted (unknown issuer{alone})");
            (what, format!("{TRUSTED}; or {pinned}"))
        }
        Fault::ApplicationVerificationFailure => {
            let has = pin.map_or("none that can be read".into(), |pin| pin.to_string());
            let what = format!("the key is not the pinned one: it is {has}");
            (what, OTHER_KEY.into())
        }
        Fault::BadEncoding => (UNREADABLE.into(), OLDER.into()),
        Fault::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            (OF_CA.into(), pinned)
        }
        other => (format!("certificate chain: {other}"), pinned),
    }
}

/// Returns an error and all its causes, also the inner error of an `io::Error`.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'a (dyn StdError + 'static) = *cause;
        let io = cause.downcast_ref::<io::Error>();
        match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}

/// The hint where nothing answers in time.
pub(super) const SLOW: &str = "use a longer --timeout if the appliance is only slow";
const NO_INTERMEDIATE: &str = "; the server sent no intermediate";
const TRUSTED: &str = "use --cacert PEM with the certificate of the CA, of a missing intermediate, or of the appliance";
const OTHER_KEY: &str = "use another --pin-spki if the appliance has a new key; otherwise the connection may be intercepted";
const UNREADABLE: &str =
    "the certificate cannot be read: it is malformed, or older than X.509 version 3";
const OF_CA: &str = "certificate chain: it is the certificate of a CA, not of a host";
const PROXY: &str = "ask the proxy's administrator, or leave --proxy out";
const REFUSED: &str = "check that the appliance is running and the port is correct";
const ENDED: &str = "check the appliance's TLS service, and firewalls on the way";
const UNRESOLVED: &str = "check the name, or use --resolve HOST:PORT:ADDRESS";
const PROXY_CREDENTIALS: &str = "the proxy requires a user name and a password: write them into the accounts file, `proxy: { username: …, password_env: … }`";
const DATES: &str =
    "renew the certificate or correct the clock; -k accepts any certificate, without verification";
const BY_NAME: &str = "use a name that it has, with --resolve NAME:PORT:ADDRESS";
const OLDER: &str = "the appliance, or the proxy before it, needs newer TLS";

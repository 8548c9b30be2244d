//! Why there was no connection, and what the user can do.

use std::{
    error::Error as StdError,
    io,
    time::{Duration, SystemTime},
};

use rustls::{AlertDescription, CertificateError, Error as Tls, pki_types::UnixTime};

use super::{
    cert_verifier::ShownCertificate,
    error::{ConnectFailure, UNKNOWN},
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

/// Finds TLS's own error among the causes of another one.
pub(super) fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Tls> {
    causes(error).find_map(|cause| cause.downcast_ref::<Tls>())
}

/// Tells whether the target rejected TLS after the handshake: in version 1.3 the client may send first.
pub(super) fn is_late(error: &Tls) -> bool {
    matches!(error, Tls::AlertReceived(_))
}

/// Explains why there was no connection.
pub(super) fn explain(
    error: &(dyn StdError + 'static),
    timed_out: bool,
    route: &Route,
    shown: Option<ShownCertificate>,
) -> ConnectFailure {
    if let Some(tls) = tls(error) {
        return of_tls(tls, route, shown);
    }
    let of = |message: String, hint: &str| ConnectFailure {
        message,
        hint: hint.to_owned(),
    };
    let texts: Vec<String> = causes(error).map(ToString::to_string).collect();
    let said = |words: &str| texts.iter().any(|text| text.contains(words));
    let is = |kind: io::ErrorKind| {
        causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == kind)
    };
    let address = &route.address;
    if said("tunnel error") {
        let hint = "the proxy requires a user name and a password: write them into the accounts file, `proxy: { username: …, password_env: … }`";
        return if said("proxy authorization required") {
            of(
                format!("the proxy refuses to connect to {address} without credentials (407)"),
                hint,
            )
        } else {
            of(
                format!(
                    "the proxy cannot connect to {address}: {}",
                    texts.join(": ")
                ),
                "ask the proxy's administrator, or leave --proxy out",
            )
        };
    }
    if timed_out {
        let (what, max_wait) = (
            if route.tls {
                "no TLS connection"
            } else {
                "no connection"
            },
            route.max_wait,
        );
        let stalls = if route.tls {
            ", or its handshake stalls"
        } else {
            ""
        };
        return of(
            format!("{what} to {address} within {max_wait:?}: nothing answers{stalls}"),
            "use a longer --timeout if the appliance is only slow",
        );
    }
    if is(io::ErrorKind::ConnectionRefused) {
        let what = if route.proxy { "the proxy" } else { address };
        return of(
            format!("{what} refused the connection: nothing listens there"),
            "check that the appliance is running and the port is correct",
        );
    }
    if route.tls
        && [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::BrokenPipe,
        ]
        .into_iter()
        .any(is)
    {
        return of(
            format!("{address} closed the connection during the TLS handshake, without a reason"),
            "check the appliance's TLS service, and firewalls on the way",
        );
    }
    if said("dns error") {
        let why = texts.last().map_or("", String::as_str);
        return of(
            format!("cannot resolve {address}: {why}"),
            "check the name, or use --resolve HOST:PORT:ADDRESS",
        );
    }
    of(texts.join(": "), UNKNOWN)
}

fn of_tls(error: &Tls, route: &Route, shown: Option<ShownCertificate>) -> ConnectFailure {
    use AlertDescription as Alert;
    let of = |reason: String, hint: String| ConnectFailure {
        message: format!("TLS failed: {reason}"),
        hint,
    };
    match error {
        Tls::InvalidCertificate(error) => of_certificate(error, route, shown),
        Tls::PeerIncompatible(
            rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13 | rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Tls::AlertReceived(Alert::ProtocolVersion)
        | Tls::InvalidMessage(rustls::InvalidMessage::UnknownProtocolVersion) => {
            of("version: the target supports neither TLS 1.2 nor 1.3".into(), OLDER.to_owned())
        }
        Tls::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) | Tls::PeerIncompatible(_) => {
            let client = if route.identity { "" } else { "; or, if it requires a client certificate, use --cert and --key" };
            of(
                format!("cipher: the target and this client have no common cipher suite, key exchange or signature ({error})"),
                format!("enable ECDHE with AES-GCM or ChaCha20-Poly1305 on the target{client}"),
            )
        }
        Tls::AlertReceived(Alert::UnrecognisedName) => {
            of("name: the target has no service of this name".into(), "use a name that the target has, with --resolve NAME:PORT:ADDRESS".into())
        }
        Tls::AlertReceived(Alert::CertificateRequired) => {
            of("client certificate: the target requires one".into(), "use --cert PEM --key PEM".into())
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
        ) => of(format!("client certificate: the target rejects it ({alert:?})"), "use another one, with --cert PEM --key PEM".into()),
        Tls::InvalidMessage(_) => {
            of("the answer is not TLS".into(), "check the port, or use http:// with --allow-http if the target has plain HTTP on purpose".into())
        }
        other => of(other.to_string(), UNKNOWN.into()),
    }
}

fn of_certificate(
    error: &CertificateError,
    route: &Route,
    shown: Option<ShownCertificate>,
) -> ConnectFailure {
    use CertificateError as Fault;
    let pin = shown.and_then(|shown| shown.pin);
    // The pin may belong to anybody: the user must compare it, not copy it.
    let pinned = pin.map_or_else(
        || "--pin-spki".to_owned(),
        |pin| format!("--pin-spki {pin}, if that is the key the appliance really has"),
    );
    let (reason, hint) = match error {
        Fault::Expired => (
            "certificate date: it has expired".to_owned(),
            DATES.to_owned(),
        ),
        Fault::ExpiredContext { not_after, .. } => (
            format!("certificate date: it expired on {}", date(*not_after)),
            DATES.to_owned(),
        ),
        Fault::NotValidYet => (
            "certificate date: it is not valid yet".to_owned(),
            DATES.to_owned(),
        ),
        Fault::NotValidYetContext { not_before, .. } => (
            format!(
                "certificate date: it is valid from {} on",
                date(*not_before)
            ),
            DATES.to_owned(),
        ),
        Fault::NotValidForName => (
            "certificate name: it is for another host".to_owned(),
            format!("{pinned}; or {BY_NAME}"),
        ),
        Fault::NotValidForNameContext { presented, .. } if presented.is_empty() => (
            format!(
                "certificate name: it has no subject alternative name for {}, only a common name",
                route.address
            ),
            pinned,
        ),
        Fault::NotValidForNameContext {
            expected,
            presented,
        } => (
            format!(
                "certificate name: it is for {}, not for {}",
                presented
                    .iter()
                    .map(|name| bare(name))
                    .collect::<Vec<_>>()
                    .join(", "),
                expected.to_str()
            ),
            format!("{BY_NAME}; or {pinned}"),
        ),
        Fault::UnknownIssuer => {
            let alone = if shown.is_some_and(|shown| shown.further == 0) {
                "; the server sent no intermediate"
            } else {
                ""
            };
            (
                format!("certificate chain: it is not trusted (unknown issuer{alone})"),
                format!(
                    "use --cacert PEM with the certificate of the CA, of a missing intermediate, or of the appliance; or {pinned}"
                ),
            )
        }
        Fault::ApplicationVerificationFailure => {
            let has = pin.map_or_else(|| "none that can be read".to_owned(), |pin| pin.to_string());
            (
                format!("the key is not the pinned one: it is {has}"),
                "use another --pin-spki if the appliance has a new key; otherwise the connection may be intercepted".into(),
            )
        }
        Fault::BadEncoding => (
            "the certificate cannot be read: it is malformed, or older than X.509 version 3"
                .to_owned(),
            OLDER.to_owned(),
        ),
        Fault::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            "certificate chain: it is the certificate of a CA, not of a host".to_owned(),
            pinned,
        ),
        other => (format!("certificate chain: {other}"), pinned),
    };
    ConnectFailure {
        message: format!("TLS failed: {reason}"),
        hint,
    }
}

/// Returns an error and all its causes, also the inner error of an `io::Error`.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| cause_of(*cause))
}

fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
    {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// Returns a name without the library's wrapper, `DnsName("sensor.lab")`.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn date(moment: UnixTime) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(moment.as_secs()))
}

const DATES: &str =
    "renew the certificate or correct the clock; -k accepts any certificate, without verification";
const BY_NAME: &str = "use a name that it has, with --resolve NAME:PORT:ADDRESS";
const OLDER: &str = "the appliance, or the proxy before it, needs newer TLS";

//! What went wrong before there was a connection, and the option that helps.

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

/// What of the way to a target matters to whoever reads why it was not reached.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// How the target is told from others, without credentials.
    pub(super) address: String,
    /// Whether TLS is spoken with it.
    pub(super) tls: bool,
    /// Whether a proxy is on the way.
    pub(super) proxy: bool,
    /// Whether we have a certificate of our own.
    pub(super) identity: bool,
    /// How long a connection may take.
    pub(super) patience: Duration,
}

/// Finds TLS's own error among the causes of another one.
pub(super) fn tls<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Tls> {
    causes(error).find_map(|cause| cause.downcast_ref::<Tls>())
}

/// Tells whether TLS was refused by the target though it had seemed agreed: the version 1.3 lets the client speak first.
pub(super) fn is_late(error: &Tls) -> bool {
    matches!(error, Tls::AlertReceived(_))
}

/// Says why there was no connection.
pub(super) fn explain(
    error: &(dyn StdError + 'static),
    timed_out: bool,
    way: &Route,
    shown: Option<ShownCertificate>,
) -> ConnectFailure {
    if let Some(tls) = tls(error) {
        return of_tls(tls, way, shown);
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
    let address = &way.address;
    if said("tunnel error") {
        let hint = "the proxy wants a name and a password: give them in the accounts file, `proxy: { username: …, password_env: … }`";
        return if said("proxy authorization required") {
            of(
                format!("the proxy refuses to lead to {address} without credentials (407)"),
                hint,
            )
        } else {
            of(
                format!("the proxy does not lead to {address}: {}", texts.join(": ")),
                "no option helps: ask whoever keeps the proxy; or go without --proxy",
            )
        };
    }
    if timed_out {
        let (what, patience) = (
            if way.tls {
                "no TLS connection"
            } else {
                "no connection"
            },
            way.patience,
        );
        let stalls = if way.tls {
            ", or its handshake stalls"
        } else {
            ""
        };
        return of(
            format!(
                "{what} to {address} came about within {patience:?}: nobody answers there{stalls}"
            ),
            "--timeout, if it is only slow",
        );
    }
    if is(io::ErrorKind::ConnectionRefused) {
        let what = if way.proxy { "the proxy" } else { address };
        return of(
            format!("{what} refused the connection: nobody listens there"),
            "no option helps: is it up, and is the port right?",
        );
    }
    if way.tls
        && [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::BrokenPipe,
        ]
        .into_iter()
        .any(is)
    {
        return of(
            format!(
                "{address} closed the connection in the middle of the TLS handshake, without saying why"
            ),
            "no option helps: its TLS service fails, or something on the way forbids TLS to it",
        );
    }
    if said("dns error") {
        let why = texts.last().map_or("", String::as_str);
        return of(
            format!("the name of {address} leads nowhere: {why}"),
            "--resolve HOST:PORT:ADDRESS names its address",
        );
    }
    of(texts.join(": "), UNKNOWN)
}

fn of_tls(error: &Tls, way: &Route, shown: Option<ShownCertificate>) -> ConnectFailure {
    use AlertDescription as Alert;
    let of = |reason: String, hint: String| ConnectFailure {
        message: format!("TLS was refused: {reason}"),
        hint,
    };
    match error {
        Tls::InvalidCertificate(error) => of_certificate(error, way, shown),
        Tls::PeerIncompatible(
            rustls::PeerIncompatible::ServerDoesNotSupportTls12Or13 | rustls::PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | Tls::AlertReceived(Alert::ProtocolVersion)
        | Tls::InvalidMessage(rustls::InvalidMessage::UnknownProtocolVersion) => {
            of("the version: it speaks neither TLS 1.2 nor 1.3".into(), format!("no option helps: {OLDER}"))
        }
        Tls::AlertReceived(Alert::HandshakeFailure | Alert::InsufficientSecurity) | Tls::PeerIncompatible(_) => {
            let client = if way.identity { "" } else { "; where it wants a client's certificate and says it so, --cert and --key" };
            of(
                format!("the cipher: it shares no cipher suite, key exchange or signature with us ({error})"),
                format!("no option helps: ours are ECDHE with AES-GCM or ChaCha20-Poly1305{client}"),
            )
        }
        Tls::AlertReceived(Alert::UnrecognisedName) => {
            of("the name: it serves nobody of the name it was asked by".into(), "ask by a name it has, with --resolve NAME:PORT:ADDRESS".into())
        }
        Tls::AlertReceived(Alert::CertificateRequired) => {
            of("the client's certificate: it wants one and got none".into(), "--cert PEM --key PEM".into())
        }
        Tls::AlertReceived(
            alert @ (Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            // What the signature of a certificate is held against is a CA of the same name.
            | Alert::DecryptError),
        ) => of(format!("the client's certificate: it does not take ours ({alert:?})"), "another one, with --cert PEM --key PEM".into()),
        Tls::InvalidMessage(_) => {
            of("what answers speaks no TLS".into(), "another port; or http:// with --allow-http, if the target speaks plain HTTP on purpose".into())
        }
        other => of(other.to_string(), UNKNOWN.into()),
    }
}

fn of_certificate(
    error: &CertificateError,
    way: &Route,
    shown: Option<ShownCertificate>,
) -> ConnectFailure {
    use CertificateError as Fault;
    let pin = shown.and_then(|shown| shown.pin);
    // What is shown here may be anybody's: the pin is to be compared, not copied.
    let pinned = pin.map_or_else(
        || "--pin-spki".to_owned(),
        |pin| format!("--pin-spki {pin}, if that is the key the appliance really has"),
    );
    let (reason, hint) = match error {
        Fault::Expired => (
            "the certificate's date: it has expired".to_owned(),
            DATES.to_owned(),
        ),
        Fault::ExpiredContext { not_after, .. } => (
            format!("the certificate's date: it expired on {}", date(*not_after)),
            DATES.to_owned(),
        ),
        Fault::NotValidYet => (
            "the certificate's date: it is not valid yet".to_owned(),
            DATES.to_owned(),
        ),
        Fault::NotValidYetContext { not_before, .. } => (
            format!(
                "the certificate's date: it is valid from {} on",
                date(*not_before)
            ),
            DATES.to_owned(),
        ),
        Fault::NotValidForName => (
            "the certificate's name: it is for another one".to_owned(),
            format!("{pinned}; or {BY_NAME}"),
        ),
        Fault::NotValidForNameContext { presented, .. } if presented.is_empty() => (
            format!(
                "the certificate's name: it has no subject alternative name, and a common name alone does not name {}",
                way.address
            ),
            pinned,
        ),
        Fault::NotValidForNameContext {
            expected,
            presented,
        } => (
            format!(
                "the certificate's name: it is for {}, not for {}",
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
                ", and no intermediate certificate came with it"
            } else {
                ""
            };
            (
                format!("the certificate's chain: it leads to nobody who is trusted{alone}"),
                format!(
                    "--cacert PEM with the CA's certificate, an intermediate one that is not sent, or the appliance's own; or {pinned}"
                ),
            )
        }
        Fault::ApplicationVerificationFailure => {
            let has = pin.map_or_else(|| "none that can be read".to_owned(), |pin| pin.to_string());
            (
                format!("the key is not the pinned one: it is {has}"),
                "another --pin-spki, if the appliance was given a new key; else somebody stands between".into(),
            )
        }
        Fault::BadEncoding => (
            "the certificate cannot be read: it is malformed, or older than X.509 version 3"
                .to_owned(),
            format!("no option helps: {OLDER}"),
        ),
        Fault::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => (
            "the certificate's chain: it is a CA's own certificate, which serves for no host"
                .to_owned(),
            pinned,
        ),
        other => (format!("the certificate's chain: {other}"), pinned),
    };
    ConnectFailure {
        message: format!("TLS was refused: {reason}"),
        hint,
    }
}

/// An error and all that caused it. What an `io::Error` was made of is no cause in the library's eyes, and is one here.
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

/// A name as the library shows it, `DnsName("sensor.lab")`, without what stands round it.
fn bare(name: &str) -> &str {
    name.split('"').nth(1).unwrap_or(name)
}

fn date(moment: UnixTime) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(moment.as_secs()))
}

const DATES: &str = "renew the certificate, or set the clock that is wrong, here or there; -k takes it as it is, without any check";
const BY_NAME: &str = "ask by a name that it has, with --resolve NAME:PORT:ADDRESS";
const OLDER: &str = "the appliance, or what stands before it, needs newer TLS";

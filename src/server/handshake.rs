//! TLS handshakes: those that a failure mode spoils, and why the others fail, with what to do.

use std::{future::poll_fn, io, net::IpAddr};

use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible, PeerMisbehaved};
use tokio::{io::AsyncReadExt, time::timeout};
use tokio_rustls::TlsAcceptor;

use crate::{
    failure::{Handshake, TlsFailure},
    server::{
        connection::Connection,
        stream::{TrackedStream, Transport},
        tls::Identity,
    },
};

/// Agrees on keys with a client, or fails as the failure mode says; none where the connection ends.
pub(super) async fn accept(
    connection: &Connection,
    mut stream: TrackedStream,
    identity: &Identity,
    failure: Option<TlsFailure>,
) -> Option<Box<dyn Transport>> {
    let (source, limit) = (connection.client.source, connection.limits.handshake);
    let log = &connection.limits.log;
    match failure.as_ref().and_then(|failure| failure.handshake) {
        Some(Handshake::Abort) => {
            // A client that says nothing is not waited for longer than any other.
            if timeout(limit, read_hello(&mut stream)).await.is_ok() {
                connection.state().reset();
            }
            return None;
        }
        Some(Handshake::Plaintext) => return Some(Box::new(stream)),
        // No time limit holds here, which is the failure.
        Some(Handshake::Stall) => {
            poll_fn(|cx| stream.poll_drain(cx)).await;
            return None;
        }
        None => {}
    }
    let at_address = match stream.local_address() {
        Some(address) => identity.at(address),
        None => Ok(identity.clone()),
    };
    let config = at_address.and_then(|identity| {
        failure.map_or_else(|| Ok(identity.config()), |f| identity.misbehaving(&f))
    });
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            log.line(&format!("TLS handshake with {source}: {error}"));
            return None;
        }
    };
    match timeout(limit, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => return Some(Box::new(stream)),
        Ok(Err(error)) => log.line(&describe_failure(source, &error)),
        Err(_) => log.line(&format!(
            "TLS handshake with {source} failed: not finished within {limit:?}"
        )),
    }
    None
}

/// Reads a client's hello, a TLS record, or what the client sends in its place.
async fn read_hello(stream: &mut TrackedStream) {
    let mut head = [0; 5];
    if stream.read_exact(&mut head).await.is_ok() && head[0] == HANDSHAKE_RECORD {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        let mut body = vec![0; length.min(MAX_RECORD_BYTES)];
        let _ = stream.read_exact(&mut body).await;
    }
}

/// Returns the log line of a handshake that failed.
fn describe_failure(source: IpAddr, error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    let reason = match tls {
        Some(error) => explain(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client closed the connection".into()
        }
        None => error.to_string(),
    };
    format!("TLS handshake with {source} failed: {reason}")
}

fn explain(error: &Error) -> String {
    use AlertDescription as Alert;
    let known = match error {
        // A client that has another run's CA finds the signature wrong, and some then send DecryptError.
        Error::AlertReceived(
            Alert::UnknownCA
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::DecryptError,
        ) => {
            "the client does not trust the certificate: unless a failure mode has changed it, give it the CA that --ca-out writes, and reach the server by a name in the certificate (--san adds one)"
        }
        Error::AlertReceived(Alert::CertificateExpired) => {
            "the client finds the certificate expired: is its clock right?"
        }
        Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName)
        | Error::InvalidMessage(InvalidMessage::InvalidServerName) => {
            "the client sent a server name (SNI) that is not a host name, perhaps an address or a name with a port: it must send a host name or none"
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "the client does not speak TLS: plain HTTP needs --http"
        }
        Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        ) => "the client offers nothing newer than TLS 1.1: it must offer TLS 1.2 or 1.3",
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon
            | PeerIncompatible::NoEcPointFormatsInCommon
            | PeerIncompatible::NoKxGroupsInCommon,
        ) => {
            "the client and the server have no cipher in common: the client must offer ECDHE, ECDSA and AES-GCM or ChaCha20"
        }
        Error::NoCertificatesPresented => {
            "the client shows no certificate, which --client-ca or a failure mode asks for"
        }
        Error::InvalidCertificate(_) => {
            "the client's certificate is of no CA that --client-ca or a failure mode asks for"
        }
        Error::NoApplicationProtocol => "the client does not offer HTTP/1.1 (ALPN http/1.1)",
        _ => return error.to_string(),
    };
    known.into()
}

/// RFC 8446 section 5.1.
pub(super) const HANDSHAKE_RECORD: u8 = 22;
/// The longest record (RFC 8446 section 5.1).
const MAX_RECORD_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::untrusted(Error::AlertReceived(AlertDescription::UnknownCA), "--ca-out")]
    #[case::name_with_port(
        Error::InvalidMessage(InvalidMessage::InvalidServerName),
        "server name"
    )]
    #[case::plain(Error::InvalidMessage(InvalidMessage::InvalidContentType), "--http")]
    fn a_failed_handshake_is_logged_with_a_hint(#[case] error: Error, #[case] expected: &str) {
        let line = describe_failure(
            IpAddr::from([127, 0, 0, 1]),
            &io::Error::new(io::ErrorKind::InvalidData, error),
        );
        assert!(line.contains(expected), "{line}");
    }
}

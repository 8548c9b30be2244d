//! TLS handshakes: those that a failure mode spoils, and why the others fail, with what to do.

use std::{io, net::IpAddr};

use rustls::{AlertDescription, Error, InvalidMessage, PeerMisbehaved};
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
) -> Option<Transport> {
    let (source, limit) = (connection.client.source, connection.limits.handshake);
    let log = &connection.limits.log;
    let config = match &failure {
        None => identity.config(),
        Some(failure) => match failure.handshake {
            Some(Handshake::Abort) => {
                // A client that says nothing is not waited for longer than any other.
                if timeout(limit, read_hello(&mut stream)).await.is_ok() {
                    connection.state.reset();
                }
                return None;
            }
            Some(Handshake::Plaintext) => return Some(Transport::Plain(stream)),
            // No time limit holds here, which is the failure.
            Some(Handshake::Stall) => {
                drain(&mut stream).await;
                return None;
            }
            None => match identity.misbehaving(failure) {
                Ok(config) => config,
                Err(error) => {
                    log.line(&format!("TLS handshake with {source}: {error}"));
                    return None;
                }
            },
        },
    };
    match timeout(limit, TlsAcceptor::from(config).accept(stream)).await {
        Ok(Ok(stream)) => return Some(Transport::Tls(Box::new(stream))),
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

/// Reads and drops what a client sends, until it leaves.
async fn drain(stream: &mut TrackedStream) {
    let mut space = [0; 1024];
    while stream.read(&mut space).await.is_ok_and(|count| count > 0) {}
}

/// Returns the log line of a handshake that failed.
fn describe_failure(source: IpAddr, error: &io::Error) -> String {
    let reason = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(error) => explain(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client closed the connection".to_owned()
        }
        None => error.to_string(),
    };
    format!("TLS handshake with {source} failed: {reason}")
}

fn explain(error: &Error) -> String {
    match error {
        // A client that has another run's CA finds the signature wrong, and some then send DecryptError.
        Error::AlertReceived(
            AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::DecryptError,
        ) => {
            "the client does not trust the certificate: give it the CA that --ca-out writes, and reach the server by a name in the certificate (--san adds one)".to_owned()
        }
        Error::AlertReceived(AlertDescription::CertificateExpired) => "the client finds the certificate expired: is its clock right?".to_owned(),
        Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName) | Error::InvalidMessage(InvalidMessage::InvalidServerName) => {
            "the client sent a server name (SNI) that is not a host name, perhaps an address or a name with a port: it must send a host name or none".to_owned()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "the client does not speak TLS: plain HTTP needs --http".to_owned(),
        Error::NoApplicationProtocol => "the client does not offer HTTP/1.1 (ALPN http/1.1)".to_owned(),
        _ => error.to_string(),
    }
}

/// RFC 8446 section 5.1.
const HANDSHAKE_RECORD: u8 = 22;
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

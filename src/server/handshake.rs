//! TLS handshakes that fail: on purpose, and what those that fail otherwise mean, in words that say what to do.

use std::{io, net::IpAddr, time::Duration};

use rustls::{AlertDescription, Error, InvalidMessage, PeerMisbehaved};
use tokio::io::AsyncReadExt;

use crate::server::wire::Wire;

/// Reads a client's hello, a TLS record, or whatever the client says instead of one.
pub(super) async fn hello(wire: &mut Wire) {
    let mut head = [0; 5];
    if wire.read_exact(&mut head).await.is_ok() {
        let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
        // What is no record may name any length: what there is of it is enough.
        let mut body = vec![0; length.min(MOST_HELLO)];
        if head[0] == RECORD_OF_A_HANDSHAKE {
            let _ = wire.read_exact(&mut body).await;
        }
    }
}

/// Reads and drops what a client sends, until it leaves.
pub(super) async fn drain(wire: &mut Wire) {
    let mut space = [0; 1024];
    while wire.read(&mut space).await.is_ok_and(|count| count > 0) {}
}

/// Returns the line that tells of a handshake that failed.
pub(super) fn failure(source: IpAddr, error: &io::Error) -> String {
    let reason = match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>())
    {
        Some(error) => explained(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the client closed the connection".to_owned()
        }
        None => error.to_string(),
    };
    format!("TLS handshake with {source} failed: {reason}")
}

/// Returns the line that tells of a handshake that was not finished.
pub(super) fn overdue(source: IpAddr, limit: Duration) -> String {
    format!("TLS handshake with {source} failed: not finished within {limit:?}")
}

fn explained(error: &Error) -> String {
    match error {
        // A client that has another run's CA finds the signature wrong, and some then send DecryptError.
        Error::AlertReceived(
            AlertDescription::UnknownCA | AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::DecryptError,
        ) => {
            "the client does not trust the certificate: give it the CA that --ca-out writes, and reach the server by a name in the certificate (--san adds one)".to_owned()
        }
        Error::AlertReceived(AlertDescription::CertificateExpired) => "the client finds the certificate expired: is its clock right?".to_owned(),
        Error::PeerMisbehaved(PeerMisbehaved::ServerNameMustContainOneHostName) | Error::InvalidMessage(InvalidMessage::InvalidServerName) => {
            "the client sent a server name (SNI) that is no host name, perhaps an address or a name with a port: it must send a host name or none".to_owned()
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "the client does not speak TLS: plain HTTP needs --http".to_owned(),
        Error::NoApplicationProtocol => "the client does not offer HTTP/1.1 (ALPN http/1.1)".to_owned(),
        _ => error.to_string(),
    }
}

/// RFC 8446 section 5.1.
const RECORD_OF_A_HANDSHAKE: u8 = 22;
/// The longest record (RFC 8446 section 5.1).
const MOST_HELLO: usize = 16 * 1024;

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
    fn a_failure_says_the_way_out(#[case] error: Error, #[case] expected: &str) {
        let line = failure(
            IpAddr::from([127, 0, 0, 1]),
            &io::Error::new(io::ErrorKind::InvalidData, error),
        );
        assert!(line.contains(expected), "{line}");
    }
}

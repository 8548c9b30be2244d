//! What was seen, in words.

use std::{io, time::Duration};

use http::HeaderMap;
use rustls::CertificateError;

/// Tells an answer: `503, 214 bytes text/html, retry-after 5`.
pub(crate) fn answer(status: u16, headers: &HeaderMap, body: &[u8]) -> String {
    let mut words = format!("{status}, {}", counted(body.len()));
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    match header("content-type") {
        Some(media) if media != "application/json" => {
            words += &format!(" {}", media.split(';').next().unwrap())
        }
        _ if !body.is_empty() && serde_json::from_slice::<serde_json::Value>(body).is_err() => {
            words += ", no JSON"
        }
        _ => {}
    }
    for name in ["content-encoding", "location", "retry-after", "x-gateway"] {
        if let Some(value) = header(name) {
            words += &format!(", {name} `{value}`");
        }
    }
    words
}

pub(crate) fn counted(count: usize) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

/// Puts what was waited for, on the appliance's clock, before what came.
pub(crate) fn after(spent: Duration, words: String) -> String {
    if spent.is_zero() {
        words
    } else {
        format!("{words}, within {} ms", spent.as_millis())
    }
}

/// Tells an error by what lies at its bottom.
pub(crate) fn error(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    loop {
        if let Some(fault) = error.downcast_ref::<rustls::Error>() {
            return tls(fault);
        }
        if error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_incomplete_message)
        {
            return TOO_SOON.to_owned();
        }
        let system = error.downcast_ref::<io::Error>();
        // What an I/O error wraps is not its source: that is the source of what it wraps.
        let wrapped = system
            .and_then(io::Error::get_ref)
            .map(|inner| inner as &(dyn std::error::Error + 'static));
        match (wrapped.or(error.source()), system.map(io::Error::kind)) {
            (Some(next), _) => error = next,
            (None, Some(io::ErrorKind::ConnectionReset)) => return "RST".to_owned(),
            (None, Some(io::ErrorKind::ConnectionRefused)) => {
                return "connection refused".to_owned();
            }
            (None, Some(io::ErrorKind::UnexpectedEof)) => return TOO_SOON.to_owned(),
            (None, _)
                if error.to_string().contains("end of file")
                    || error.to_string().contains("close_notify") =>
            {
                return TOO_SOON.to_owned();
            }
            (None, _) => return error.to_string(),
        }
    }
}

fn tls(error: &rustls::Error) -> String {
    let refused = |why: &str| format!("certificate refused: {why}");
    match error {
        rustls::Error::AlertReceived(alert) => format!("TLS alert {alert:?}"),
        rustls::Error::InvalidMessage(_) => "what comes is not TLS".to_owned(),
        rustls::Error::InvalidCertificate(fault) => refused(match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired",
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "not for this name"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "not yet valid"
            }
            CertificateError::UnknownIssuer => "unknown issuer",
            _ => "otherwise",
        }),
        error => error.to_string(),
    }
}

/// A FIN where more was to come.
const TOO_SOON: &str = "an end too soon";

//! Why there is no answer, and what the user can do.

use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There was a connection, and no complete answer.
    #[error("{0}")]
    Broken(String),
    /// There was an answer, and it is not HTTP, or exceeds a limit.
    #[error("{0}")]
    Malformed(String),
    /// The client cannot be set up: the address or a certificate cannot be used.
    #[error("{0}")]
    Setup(String),
    /// There was no connection: refused, unresolved, or TLS failed.
    #[error("{}", .0.message)]
    Unreachable(ConnectFailure),
}

/// Why a target was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure {
    /// What went wrong; for TLS: version, cipher, date, name, chain, or the client's certificate.
    pub message: String,
    /// What the user can do.
    pub hint: String,
}

impl ConnectFailure {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> ConnectFailure {
        let (message, hint) = (message.into(), hint.into());
        ConnectFailure { message, hint }
    }
}

impl ClientError {
    /// Returns why the target was not reached; none if it was.
    pub fn connect_failure(&self) -> Option<ConnectFailure> {
        match self {
            ClientError::Broken(_) | ClientError::Malformed(_) => None,
            ClientError::Setup(message) => Some(ConnectFailure::new(message, UNKNOWN)),
            ClientError::Unreachable(failure) => Some(failure.clone()),
        }
    }
}

/// The hint if nothing better is known.
pub(super) const UNKNOWN: &str = "check the options that describe the target";

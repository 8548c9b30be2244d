//! Why there is no answer, and what would help.

use std::fmt;

/// Why there is no answer.
#[derive(Debug)]
pub enum ClientError {
    /// There was a connection, and what came over it was no whole answer.
    Broken(String),
    /// The target cannot be set up: an address that is none, a certificate that cannot be read.
    Setup(String),
    /// There was no connection: refused, unresolved, or TLS failed.
    Unreachable(ConnectFailure),
}

/// Why a target was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectFailure {
    /// What went wrong; of TLS, which part of it: version, cipher, date, name, chain, or the client's certificate.
    pub told: String,
    /// The option that helps, or that none does.
    pub hint: String,
}

impl ClientError {
    /// Returns why the target was not reached; none where it was.
    pub fn unreached(&self) -> Option<ConnectFailure> {
        match self {
            ClientError::Broken(_) => None,
            ClientError::Setup(told) => Some(ConnectFailure {
                told: told.clone(),
                hint: "no option of ours is known to help".into(),
            }),
            ClientError::Unreachable(unreached) => Some(unreached.clone()),
        }
    }

    /// Returns what would help, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            ClientError::Unreachable(unreached) => Some(&unreached.hint),
            ClientError::Broken(_) | ClientError::Setup(_) => None,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Broken(text) | ClientError::Setup(text) => out.write_str(text),
            ClientError::Unreachable(unreached) => out.write_str(&unreached.told),
        }
    }
}

impl std::error::Error for ClientError {}

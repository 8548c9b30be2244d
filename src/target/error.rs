//! Why there is no answer, and what would help.

use std::fmt;

/// Why there is no answer.
#[derive(Debug)]
pub enum Error {
    /// There was a connection, and what came over it was no whole answer.
    Broken(String),
    /// The target cannot be set up: an address that is none, a certificate that cannot be read.
    Setup(String),
    /// There was no connection: refused, unresolved, or TLS failed.
    Unreachable(Unreached),
}

/// Why a target was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreached {
    /// What went wrong; of TLS, which part of it: version, cipher, date, name, chain, or the client's certificate.
    pub told: String,
    /// The option that helps, or that none does.
    pub hint: String,
}

impl Error {
    /// Returns why the target was not reached; none where it was.
    pub fn unreached(&self) -> Option<Unreached> {
        match self {
            Error::Broken(_) => None,
            Error::Setup(told) => Some(Unreached {
                told: told.clone(),
                hint: "no option of ours is known to help".into(),
            }),
            Error::Unreachable(unreached) => Some(unreached.clone()),
        }
    }

    /// Returns what would help, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Unreachable(unreached) => Some(&unreached.hint),
            Error::Broken(_) | Error::Setup(_) => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Broken(text) | Error::Setup(text) => out.write_str(text),
            Error::Unreachable(unreached) => out.write_str(&unreached.told),
        }
    }
}

impl std::error::Error for Error {}

//! How a request was answered, as far as a guard asks.

use crate::target;

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// There was a connection, and no whole answer came over it.
    Broken,
    /// There was no connection.
    Not,
    /// Wholly.
    Whole,
}

impl Answered {
    /// Tells how an exchange ended.
    pub fn of<T>(answer: &Result<T, target::Error>) -> Answered {
        match answer {
            Ok(_) => Answered::Whole,
            Err(target::Error::Broken(_)) => Answered::Broken,
            Err(target::Error::Setup(_) | target::Error::Unreachable(_)) => Answered::Not,
        }
    }
}

//! How a request was answered, as far as a guard asks.

use bytes::Bytes;
use http::Response;

use crate::{client::ClientError, runner::lost};

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// There was a connection, and no whole answer of the target's own came over it.
    Broken,
    /// There was no connection.
    Not,
    /// Wholly.
    Whole,
}

impl Answered {
    /// Tells how an exchange ended.
    pub fn of(answer: &Result<Response<Bytes>, ClientError>) -> Answered {
        match answer {
            _ if lost::why(answer).is_some() => Answered::Broken,
            Ok(_) => Answered::Whole,
            Err(_) => Answered::Not,
        }
    }
}

//! The plan of a delivery: an answer, and what happens to it on its way. The server carries it out with no lock held.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde::Deserialize;

use crate::failure::duration;

/// An answer and what happens to it on its way.
#[derive(Debug)]
pub struct Delivery {
    /// The answer: status, headers and the whole body.
    pub response: Response<Bytes>,
    /// How long nothing is sent, on the appliance's clock.
    pub wait: Duration,
    /// How the body's length is told.
    pub framing: Framing,
    /// How slowly it is sent.
    pub pace: Option<Pace>,
    /// Where the sending ends early, and how.
    pub end: Option<(CloseKind, CutPoint)>,
}

/// How a body's length is declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// By Content-Length, off by this many bytes.
    Length(i64),
    /// By a chunk whose size is not a number.
    MalformedChunk,
    /// By Content-Length, correctly.
    #[default]
    True,
}

/// How many bytes are sent at a time, and how often.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct Pace {
    /// How many bytes, at least 1.
    pub bytes: usize,
    /// How long between them, on the appliance's clock.
    #[serde(deserialize_with = "duration::deserialize")]
    pub every: Duration,
}

/// How a sending ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseKind {
    /// FIN.
    Close,
    /// Nothing more comes, and the connection stays.
    Hang,
    /// RST.
    Reset,
}

/// Where a sending ends.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum CutPoint {
    /// After the head.
    AfterHead,
    /// After this many bytes, counted from the first of the head.
    AfterBytes(u64),
    /// Before the first byte.
    #[serde(alias = "before_head")]
    BeforeAnswer,
    /// After this many bytes of the body.
    InBody(u64),
    /// In the middle of the body.
    MidBody,
}

/// One thing the server does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireStep {
    /// End the sending with FIN; what the client still sends is read and dropped.
    Close,
    /// Send nothing more and leave the connection open, until the client or the server leaves.
    Hang,
    /// End the connection with RST.
    Reset,
    /// Wait, on the appliance's clock.
    Wait(Duration),
    /// Send these bytes and see that they are on their way.
    Write(Bytes),
}

impl Delivery {
    /// Returns an answer that arrives as it is.
    pub fn plain(response: Response<Bytes>) -> Delivery {
        Delivery {
            response,
            wait: Duration::ZERO,
            framing: Framing::True,
            pace: None,
            end: None,
        }
    }
}

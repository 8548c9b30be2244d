//! What a service answers.

use std::fmt;

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{appliance::Reply, clock::Age, failure::Delivery, journal::EntryId};

/// An answer, how it arrives, and by what it is told that it has.
pub struct Answered {
    pub(super) how: How,
    pub(super) ticket: Option<EntryId>,
}

/// How an answer arrives.
pub(super) enum How {
    /// With the clock's age before the request was judged: from there what holds it back is counted.
    Bent(Box<Delivery>, Age),
    Plain(Reply),
}

impl Answered {
    /// Answers as a failure mode wants it; what it waits for is counted from this age of the service's clock.
    pub fn bent(delivery: Delivery, asked: Age) -> Answered {
        Answered {
            how: How::Bent(Box::new(delivery), asked),
            ticket: None,
        }
    }

    /// Answers as it is.
    pub fn plain(reply: impl Into<Reply>) -> Answered {
        Answered {
            how: How::Plain(reply.into()),
            ticket: None,
        }
    }

    /// Wants to be told what becomes of it.
    #[must_use]
    pub fn noted(self, ticket: EntryId) -> Answered {
        Answered {
            ticket: Some(ticket),
            ..self
        }
    }

    /// Returns the answer itself, whatever happens to it on its way.
    pub fn into_response(self) -> Response<Bytes> {
        match self.how {
            How::Bent(delivery, _) => delivery.response,
            How::Plain(reply) => reply.into_response(),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match &self.how {
            How::Bent(delivery, _) => delivery.response.status(),
            How::Plain(reply) => reply.status(),
        }
    }
}

/// Shows the answer and how it arrives; its ticket and when it was asked for tell nothing of it.
impl fmt::Debug for Answered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::Bent(delivery, _) => out.debug_tuple("Bent").field(delivery).finish(),
            How::Plain(reply) => out.debug_tuple("Plain").field(reply).finish(),
        }
    }
}

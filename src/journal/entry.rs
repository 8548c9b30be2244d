//! One entry: a request that was read, and what became of its answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::StatusCode;

use crate::{
    appliance::Reason,
    contract::{Operation, Outcome},
    journal::{Findings, Recorded, Wall, recorded::Place},
};

/// What is known of a request when it has been read and judged, and the request or where it is kept.
#[derive(Clone, Debug)]
pub struct Arrival<R = Recorded> {
    /// When it was judged, on the appliance's clock, in nanoseconds.
    pub at_ns: u64,
    /// The same on the wall clock: how long the answer took is told from here.
    pub wall: Wall,
    /// Where it came from.
    pub source: IpAddr,
    /// The number of its connection.
    pub connection: u64,
    /// The operation, if it hit one.
    pub operation: Option<Operation>,
    /// What it came to: what the client is told, where a failure mode names another outcome that one.
    pub outcome: Outcome,
    /// Why the appliance came to its outcome; none where the server refused it by itself.
    pub reason: Option<Reason>,
    /// The failure mode that bends the answer.
    pub failure: Option<Arc<str>>,
    /// Whether a password was replaced.
    pub changed: bool,
    /// What is wrong with the client.
    pub findings: Findings,
    /// The request itself.
    pub request: R,
}

/// An entry of a journal.
#[derive(Clone, Debug)]
pub struct Entry<R = Recorded> {
    /// Its number, counted from 1 at each appliance.
    pub number: u64,
    /// What was known when it was made.
    pub arrival: Arrival<R>,
    /// What has become of its answer.
    pub progress: Progress,
    /// The status of the answer, when that has ended.
    pub status: Option<StatusCode>,
    /// When the answer had ended; nothing that counts while it has not.
    pub(super) ended: Wall,
}

/// What an open entry is completed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The number of the entry.
    pub number: u64,
    /// Where it is counted.
    pub place: usize,
    /// When the request was judged, on the wall clock.
    pub arrived: Wall,
}

/// What has become of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It was cut by us: by a failure mode, a limit, or the server's end.
    Cut,
    /// It has gone, whole, to the system's last byte.
    Done,
    /// The client left before it had gone.
    Left,
    /// It has not gone yet.
    Open,
}

impl Progress {
    /// Every one.
    pub const ALL: [Progress; 4] = [
        Progress::Cut,
        Progress::Done,
        Progress::Left,
        Progress::Open,
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Progress::Cut => "cut",
            Progress::Done => "done",
            Progress::Left => "left",
            Progress::Open => "open",
        }
    }
}

/// An entry as it is held: the bytes of its request lie elsewhere.
///
/// Two lines of a processor's cache that it fetches together, and no part of a third: a full journal lies far from the processor, and
/// each request has one entry written there and the oldest one read.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Held(pub(super) Entry<Place>);

impl Held {
    /// Returns how many bytes it holds: the request's and its own.
    pub(super) fn weight(&self) -> usize {
        size_of::<Held>() + self.0.arrival.request.bytes()
    }
}

impl Entry {
    /// Returns how long the answer took, from the request's last byte to its own last byte, when that has ended.
    pub fn took(&self) -> Option<Duration> {
        (self.progress != Progress::Open).then(|| self.ended.since(self.arrival.wall))
    }
}

impl<R> Entry<R> {
    /// Puts something else in the place of the request.
    pub(super) fn map<T>(self, map: impl FnOnce(R) -> T) -> Entry<T> {
        let Entry {
            number,
            arrival,
            progress,
            status,
            ended,
        } = self;
        let (request, arrival) = arrival.split();
        Entry {
            number,
            arrival: arrival.with(map(request)),
            progress,
            status,
            ended,
        }
    }
}

impl<R> Arrival<R> {
    /// Takes the request out.
    pub(super) fn split(self) -> (R, Arrival<()>) {
        let Arrival {
            at_ns,
            wall,
            source,
            connection,
            operation,
            outcome,
            reason,
            failure,
            changed,
            findings,
            request,
        } = self;
        (
            request,
            Arrival {
                at_ns,
                wall,
                source,
                connection,
                operation,
                outcome,
                reason,
                failure,
                changed,
                findings,
                request: (),
            },
        )
    }
}

impl Arrival<()> {
    /// Puts one in.
    pub(super) fn with<R>(self, request: R) -> Arrival<R> {
        let Arrival {
            at_ns,
            wall,
            source,
            connection,
            operation,
            outcome,
            reason,
            failure,
            changed,
            findings,
            request: (),
        } = self;
        Arrival {
            at_ns,
            wall,
            source,
            connection,
            operation,
            outcome,
            reason,
            failure,
            changed,
            findings,
            request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_held_in_two_lines_of_a_cache() {
        assert_eq!((size_of::<Held>(), align_of::<Held>()), (128, 128));
    }
}

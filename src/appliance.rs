//! The appliance: a pure function from a request, its source and a moment to an answer, and the change it would make.
//!
//! ```text
//! request ─read→ Asked ─judge→ Outcome, Change ─word→ response
//!          rules            state                rules
//! ```
//!
//! [`Rules`] never change and are shared; [`State`] is what a lock guards. Nothing here waits, asks the time or draws lots.

mod change;
mod directory;
mod fields;
mod judge;
mod lockout;
mod policy;
mod reply;
mod rules;

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
pub use change::Change;
pub use directory::{Directory, Lag, User, UserState};
use http::{Request, Response};
pub use judge::Reason;
pub use lockout::{Count, Counted, Lockout, Scope};
pub use policy::{Breach, Policy};
pub use reply::Reply;
pub use rules::{Asked, Rules, Values, Worded};

/// A moment on an appliance's own clock: the time since it started or was reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

impl Moment {
    /// Returns the time in nanoseconds; after 584 years it says no more.
    pub fn nanoseconds(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// One appliance: the rules it keeps to and the state it is in.
#[derive(Clone, Debug)]
pub struct Appliance {
    /// What it answers, by the readings it serves.
    pub rules: Arc<Rules>,
    /// Whom it knows and whom it locked out.
    pub state: State,
}

/// What changes while an appliance runs.
// What every answer looks at comes first: see `Host`.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct State {
    /// The users.
    pub directory: Directory,
    /// When failed sign-ins lock, and who is locked.
    pub lockout: Option<Lockout>,
    /// What a new password must be like.
    pub policy: Policy,
}

impl Appliance {
    /// Answers a request, with the change it would make. The caller commits the change under the same lock, later, or never.
    pub fn answer(
        &self,
        request: &Request<Bytes>,
        source: IpAddr,
        now: Moment,
    ) -> (Response<Bytes>, Option<Change>) {
        let asked = self.rules.read(request);
        let (worded, change) = self.state.judge(&self.rules, &asked, source, now);
        (self.rules.word(worded, &asked), change)
    }

    /// Makes a change that an answer promised.
    pub fn commit(&mut self, change: Change) {
        self.state.commit(change);
    }
}

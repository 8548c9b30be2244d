//! The appliance: a pure function from a request, its source and a moment to a response and a change of state.
//!
//! ```text
//! request ─parse_request→ ParsedRequest ─evaluate→ Evaluation ─render_response→ response
//!              rules                       state                   rules
//! ```
//!
//! [`Rules`] never change and are shared; a lock guards [`State`]. Nothing here waits, reads a clock or draws random numbers.

pub(crate) mod body;
mod change;
mod directory;
#[cfg(test)]
mod docs;
mod evaluate;
mod lockout;
mod parse;
mod policy;
mod render;
mod rules;

use std::{sync::Arc, time::Duration};

pub use change::{SignIn, StateChange};
pub use directory::{Directory, GracePeriod, User, UserState};
pub use evaluate::{Evaluation, Reason};
pub use lockout::{Lockout, Scope};
pub use parse::{FieldValues, ParsedRequest};
pub use policy::{Policy, PolicyViolation};
pub use render::ResponseKey;
pub use rules::Rules;

/// A moment on an appliance's own clock: the time since it started or was reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

/// One appliance: its rules and its state.
#[derive(Clone, Debug)]
pub struct Appliance {
    /// The contract under the readings it serves.
    pub rules: Arc<Rules>,
    /// Its users and lock-outs.
    pub state: State,
}

/// Everything that changes while an appliance runs.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The users.
    pub directory: Directory,
    /// When failed sign-ins lock, and who is locked.
    pub lockout: Option<Lockout>,
    /// The requirements of a new password.
    pub policy: Policy,
}

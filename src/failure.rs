//! Misbehaviour as data: what a failure mode does to a finished answer, and when it fires.
//!
//! ```text
//! request ─ Schedule ─▶ Trigger (mode, random) ─┐
//! answer ───────────────────────────────────────┴─ apply ─▶ Delivery ─ script ─▶ [WireStep] ─▶ server
//! ```
//!
//! Nothing here waits or writes; a random decision is a function of seed, mode, scope and ordinal alone. A failure
//! does not know what an operation means; it changes what the appliance has answered.

mod action;
mod apply;
mod corrupt;
mod delivery;
pub(crate) mod duration;
mod page;
mod random;
mod schedule;
mod script;
mod when;

use std::sync::Arc;

pub use action::{
    Certificate, Corruption, Delay, FailureAction, Handshake, Page, ResponseOverride, Stale,
    TlsFailure, TlsVersion,
};
pub use delivery::{CloseKind, CutPoint, Delivery, Framing, Pace, WireStep};
pub use page::elsewhere;
pub use random::RandomSource;
pub use schedule::{Call, Counter, MAX_SCOPES, Schedule, Trigger};
pub(crate) use script::OF_SENDING;
pub use script::RequestFlags;
use thiserror::Error;
pub(crate) use when::one_or_many;
pub use when::{During, OneOrMany, Per, When};

use crate::contract::Operation;

/// A failure mode: what it applies to, when, and what it does then.
#[derive(Clone, Debug)]
pub struct FailureMode {
    /// Its name, unique in an appliance.
    pub name: String,
    /// The operations it applies to; none means any request.
    pub on: Option<Vec<Operation>>,
    /// The user whose requests it applies to; none means any.
    pub user: Option<String>,
    /// On which of those requests.
    pub when: When,
    /// What it does.
    pub action: Arc<FailureAction>,
    /// Whether it is armed from the start.
    pub armed: bool,
    /// All of this as a fixture writes it. Null of a mode that was made in code, which no fixture can then hold.
    pub written: Arc<serde_json::Value>,
}

/// A failure mode that cannot happen on an appliance without TLS.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("failure mode `{mode}` has {key}, which cannot happen over plain HTTP")]
pub struct TlsMissing {
    mode: String,
    key: &'static str,
}

impl TlsMissing {
    /// What to do.
    pub const HINT: &'static str = "serve it over HTTPS, or leave it out";
}

impl FailureMode {
    /// Checks that it can happen over HTTPS, or over plain HTTP.
    ///
    /// # Errors
    /// It fails TLS, and there is none.
    pub fn check_transport(&self, https: bool) -> Result<(), TlsMissing> {
        match &self.action.tls {
            Some(tls) if !https => Err(TlsMissing {
                mode: self.name.clone(),
                key: tls.key(),
            }),
            _ => Ok(()),
        }
    }
}

//! Misbehaviour as data: what a failure mode does to a finished answer, and when it strikes.
//!
//! ```text
//! request ─ Schedule ─▶ Strike (which mode, its draw) ─┐
//! answer ──────────────────────────────────────────────┴─ bend ─▶ Delivery ─ script ─▶ [Do] ─▶ carried out by the server
//! ```
//!
//! Nothing here waits, writes or draws lots: a random decision is a function of seed, mode, scope and ordinal alone. A failure
//! does not know what an operation means; it bends what the appliance has answered.

mod act;
mod bend;
mod chance;
mod delivery;
mod distort;
mod page;
mod schedule;
mod scope;
mod script;
mod when;

use std::sync::Arc;

pub use act::{
    Act, Answering, Certificate, Delay, Distortion, Greeting, Handshake, Page, Stale, TlsVersion,
};
pub use chance::Draw;
pub use delivery::{Cut, Delivery, Do, End, Framing, How, Pace};
pub use page::elsewhere;
pub use schedule::{Call, Counter, MOST_SCOPES, Schedule, Strike};
pub use scope::{Scope, Tally};
pub use script::Asked;
pub use when::{During, Per, When};

use crate::contract::Operation;

/// A failure mode: what it strikes, when, and what it does then.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its name, unique in an appliance.
    pub name: String,
    /// The operations it strikes; none means any request.
    pub on: Option<Vec<Operation>>,
    /// The user whose requests it strikes; none means any.
    pub user: Option<String>,
    /// On which of the requests it admits.
    pub when: When,
    /// What it does.
    pub act: Arc<Act>,
    /// Whether it strikes from the start.
    pub armed: bool,
    /// All of this as a fixture writes it. Null of a mode that was made in code, which no fixture can then hold.
    pub written: Arc<serde_json::Value>,
}

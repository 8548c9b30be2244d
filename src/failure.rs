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

pub use act::Act;
pub use act::Answering;
pub use act::Certificate;
pub use act::Delay;
pub use act::Distortion;
pub use act::Greeting;
pub use act::Handshake;
pub use act::Page;
pub use act::Stale;
pub use act::TlsVersion;
pub use chance::Draw;
pub use delivery::Cut;
pub use delivery::Delivery;
pub use delivery::Do;
pub use delivery::End;
pub use delivery::Framing;
pub use delivery::How;
pub use delivery::Pace;
pub use page::elsewhere;
pub use schedule::Call;
pub use schedule::Counter;
pub use schedule::MOST_SCOPES;
pub use schedule::Schedule;
pub use schedule::Strike;
pub use scope::Progress;
pub use scope::Scope;
pub use scope::Tally;
pub use script::Asked;
pub use when::During;
pub use when::Per;
pub use when::When;

use std::sync::Arc;

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

//! Runs at live targets: rules, plan, budget, guard, undo, recovery. The command line and the library share all of it.
//!
//! ```text
//! LiveTarget ─ rules ─▶ PreparedRun (plan) ─ lock, journal ─▶ run: probe ─ accounts ─ read-only ─ changes, each restored ─ failed sign-ins ─▶ LiveResult
//! ```

pub mod budget;
mod consent;
pub mod delivery;
pub mod error;
pub mod guard;
pub mod plan;
pub mod recover;
pub mod run;
pub mod sign_ins;
pub mod stop;
pub mod target;
pub mod undo;

pub use error::LiveError;
pub use plan::{CasePhase, Plan, PlannedCase};
pub use recover::{RecoverOptions, recover};
pub use run::LiveResult;
pub use stop::StopSignal;
pub use target::{LiveTarget, PreparedRun, parse_url};

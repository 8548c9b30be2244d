//! Judgement: the cases that provoke each outcome, and what an answer says of its giver.
//!
//! ```text
//! conformance/cases/*.yaml ──▶ Case ──▶ steps ──▶ requests … answers ──▶ Observation ──▶ Verdict, Profile
//! ```

pub mod agreed;
pub mod case;
mod command;
pub mod evidence;
mod expect;
pub mod expected;
pub mod known;
mod nearest;
mod place;
pub mod profile;
pub mod recognise;
pub mod request;
mod strict;
pub mod suite;
pub mod verdict;

pub use agreed::Agreed;
pub use case::{Case, Effect, Need, Step};
pub use expect::Expect;
pub use known::{Date, Known};
pub use place::{Account, Placeholder, Property};

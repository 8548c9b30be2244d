//! The conformance suite: the cases, the requests they send, and the judgement of the answers.
//!
//! ```text
//! conformance/cases/*.yaml ─▶ Case ─▶ steps ─▶ requests … answers ─▶ Match ─▶ StepVerdict, profile
//! ```

pub mod allowed;
pub mod case;
pub mod cases;
mod command;
mod contradiction;
mod date;
mod describe;
pub mod evidence;
mod expect;
pub mod expectations;
pub mod known;
pub mod match_response;
pub mod own_cases;
pub mod own_words;
mod placeholder;
pub mod profile;
pub mod request;
pub(crate) mod similarity;
pub(crate) mod strict_json;
pub mod verdict;

pub use case::{Case, Effect, Need, Step};
pub use date::{Date, InvalidDate};
pub use expect::Expect;
pub use expectations::TargetExpectations;
pub use known::KnownDifferences;
pub use placeholder::{Account, Placeholder, Property, StepError};

//! Runs cases: for each one, from a known state, sends its requests, judges the answers, and compares them with the snapshot.
//!
//! ```text
//! RunContext (target, accounts, mock)
//!   │ probe: which paths are served
//!   ▼
//! case ─ build ─▶ request ─ Target ─▶ answer ─ verdict ─▶ CaseResult ─┐
//!                                        └─ transcript ─▶ snapshot ───┴─▶ CaseRun … ─▶ RunResult
//! ```

pub mod acceptance;
mod accounts;
mod accounts_file;
mod case_runner;
mod check;
mod collector;
mod context;
mod judge;
pub mod live;
mod passwords;
pub mod private_file;
mod probe;
mod repeat;
mod seed;
mod transcript;

pub use accounts::Accounts;
pub use accounts_file::{AccountsFile, Credentials};
pub use case_runner::CaseRun;
pub use check::{Check, CheckReport, check};
pub use collector::RunResult;
pub use context::RunContext;
pub use passwords::{PasswordForm, TargetPolicy};
pub use probe::probe_commands;
pub use seed::Seed;
pub use transcript::{case_commands, request_with_placeholders};

use crate::{
    report::CaseResult, runner::collector::RunCollector, snapshot::SnapshotStore,
    suite::cases::CaseWithLocation,
};

/// Runs cases at a mock, one after the other. `watch` is called with each case as it ends. For a live target see [`live`].
pub async fn run(
    context: &RunContext,
    cases: &[&'static CaseWithLocation],
    store: &SnapshotStore,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> RunResult {
    let mut collector = RunCollector::start(context, store, watch, &mut u32::MAX.clone()).await;
    for located in cases {
        let case = collector.cases.run_repeatedly(located, None).await;
        collector.add(located, case);
    }
    collector.finish()
}

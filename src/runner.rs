//! Runs cases: for each one, from a known state, sends its requests, judges the answers, and compares them with the snapshot.
//!
//! ```text
//! RunContext (target, accounts, mock)
//!   │ probe: which paths are served
//!   ▼
//! case ─ build ─▶ request ─ Target ─▶ answer ─ verdict ─▶ CaseResult ─┐
//!                                        └─ transcript ─▶ snapshot ───┴─▶ CaseRun … ─▶ RunResult
//! ```

mod accounts;
mod accounts_file;
#[cfg(feature = "cli")]
pub mod capture;
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
#[cfg(feature = "cli")]
pub(crate) use collector::not_asked;
pub use context::RunContext;
pub use passwords::{PasswordForm, TargetPolicy};
pub use probe::probe_commands;
pub use seed::Seed;
pub use transcript::case_commands;
#[cfg(feature = "cli")]
pub(crate) use transcript::curl;

use crate::{
    report::{CaseResult, NotJudged, ReasonCode},
    runner::{collector::RunCollector, live::guard::INTERRUPTED},
    snapshot::SnapshotStore,
    suite::cases::CaseWithLocation,
};

/// Runs cases at a mock, one after the other, until it is asked to stop. `watch` is called with each case as it ends. For a live
/// target see [`live`].
pub async fn run(
    context: &RunContext,
    cases: &[&'static CaseWithLocation],
    store: &SnapshotStore,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> RunResult {
    let mut collector = RunCollector::start(context, store, watch, &mut |_| true).await;
    for located in cases {
        let case = tokio::select! {
            biased;
            () = context.stop.requested() => {
                let reason = NotJudged::new(ReasonCode::Interrupted, INTERRUPTED);
                collector.cases.not_run(located, reason, None)
            }
            case = collector.cases.run_repeatedly(located, None) => case,
        };
        collector.add(located, case);
    }
    collector.finish()
}

//! Runs cases: for each one, from a known state, sends its requests, judges the answers, and compares them with the snapshot.
//!
//! ```text
//! RunContext (target, accounts, mock)
//!   │ probe: which paths are served
//!   ▼
//! case ─ build ─▶ request ─ Target ─▶ answer ─ verdict ─▶ Judged ─┐
//!                                        └─ transcript ─▶ snapshot ┴─▶ CaseRun … ─▶ RunResult
//! ```

pub mod acceptance;
mod accounts;
mod accounts_file;
mod case_runner;
mod check;
mod collector;
mod context;
pub mod live;
pub mod private_file;
mod probe;
mod repeat;
mod seed;
mod transcript;

pub use accounts::Accounts;
pub use accounts_file::{AccountsFile, Credentials};
pub use check::{Check, CheckReport, check};
pub use context::RunContext;
pub use probe::probe_commands;
pub use seed::Seed;
pub use transcript::case_commands;

use crate::{
    client::ConnectFailure,
    contract,
    report::{CaseResult, TargetSummary},
    runner::{
        case_runner::CaseRunner,
        collector::RunCollector,
        live::delivery::{DeferredVerdict, SentChange},
    },
    snapshot::{SnapshotError, SnapshotStore},
    suite::{Effect, cases::CaseWithLocation, evidence::Evidence},
};

/// The run of one case.
#[derive(Debug)]
pub struct CaseRun {
    /// The result, compared with the snapshot.
    pub result: CaseResult,
    /// The body of its snapshot; none if it was not judged.
    pub snapshot: Option<String>,
    evidence: Vec<Evidence>,
    /// Whether there was no connection.
    is_unreached: bool,
    /// The changes that were sent.
    changes: Vec<SentChange>,
    /// The verdict if all answers to its changes are lost.
    deferred: Option<DeferredVerdict>,
}

/// The result of a run.
#[derive(Debug)]
pub struct RunResult {
    /// Every case, in order.
    pub cases: Vec<CaseRun>,
    /// What the run says about the target.
    pub summary: TargetSummary,
    /// Why the target could not be reached, for the exit code.
    pub unreachable: Option<ConnectFailure>,
}

/// Runs cases at a mock, one after the other. `watch` is called with each case as it ends. For a live target see [`live`].
///
/// # Errors
/// A snapshot cannot be read or written.
pub async fn run(
    context: &RunContext,
    cases: &[&'static CaseWithLocation],
    store: &SnapshotStore,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> Result<RunResult, SnapshotError> {
    let contract = contract::of(context.kind);
    let mut posts = u32::MAX;
    let probed = probe::paths(context, contract, &mut posts).await;
    let served = probed.served.clone();
    let mut collector = RunCollector::new(context, contract, store, watch);
    collector.add_probe(probed);
    let runner = CaseRunner {
        context,
        contract,
        served: &served,
    };
    for located in cases {
        let case = runner.run_repeatedly(located, None).await;
        collector.add(located, case)?;
    }
    Ok(collector.finish())
}

/// Returns the name of an effect in case files.
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::AuthFailure => "auth-failure",
        Effect::PasswordChange => "password-change",
    }
}

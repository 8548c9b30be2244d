//! The runner: for each case, from a known state, send its steps, judge the answers, hold them against the snapshot.
//!
//! ```text
//! Lab (target, accounts, what it can offer)
//!   │ probe: which paths are served
//!   ▼
//! case ─ build ─▶ request ─ Target ─▶ answer ─ verdict ─▶ Judged ─┐
//!                                        └─ transcript ─▶ snapshot ┴─▶ CaseResult … ─▶ TargetSummary
//! ```

pub mod acceptance;
mod accounts;
pub mod budget;
pub mod careful;
mod commands;
pub mod consent;
mod gathered;
pub mod guard;
pub mod lab;
mod lost;
pub mod memory;
pub mod named;
pub mod order;
pub mod private;
mod probe;
mod repeat;
pub mod seed;
mod session;
pub mod stop;
mod transcript;
pub mod undo;

pub use accounts::Accounts;
use bytes::Bytes;
pub use commands::{planned, probes};
use http::Request;
pub use lab::Lab;
pub use memory::Memory;
pub use named::Named;
pub use seed::Seed;
pub use stop::Stop;

use crate::{
    client::ConnectFailure,
    conformance::{Effect, evidence::Evidence, suite::Located},
    contract,
    report::{CaseResult, TargetSummary},
    runner::{
        gathered::Gathered,
        lost::{Change, Otherwise},
        session::Session,
    },
};

/// What one case left behind: its result, and its exchanges as a snapshot has them.
#[derive(Debug)]
pub struct Ran {
    /// The result, already held against the memory.
    pub result: CaseResult,
    /// The body of its snapshot; none where it was not judged.
    pub snapshot: Option<String>,
    evidence: Vec<Evidence>,
    /// Whether there was no connection.
    unreached: bool,
    /// The changes that were asked for.
    changes: Vec<Change>,
    /// What is said of it where what it lost was lost always.
    otherwise: Option<Otherwise>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// Every case, in order.
    pub cases: Vec<Ran>,
    /// What the run says of the target.
    pub summary: TargetSummary,
    /// Whether the target could not be reached, for the exit code.
    pub unreachable: Option<ConnectFailure>,
}

/// Runs cases at a mock of our own, one after the other. `watch` is told of each as it ends. For any other target see [`careful`].
///
/// # Errors
/// What makes a run impossible: the memory cannot be read or written.
pub async fn run(
    lab: &Lab,
    cases: &[&'static Located],
    memory: &Memory,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> Result<Run, crate::snapshot::SnapshotError> {
    let contract = contract::of(lab.kind);
    let mut post = POSTS;
    let probed = probe::paths(lab, contract, &mut post).await;
    let mut gathered = Gathered::new(lab, contract, memory, watch);
    gathered.probed(probed.evidence, probed.unreachable);
    for located in cases {
        let case = Session {
            lab,
            contract,
            served: &probed.served,
        }
        .times(located, None)
        .await;
        gathered.add(located, case)?;
    }
    Ok(gathered.end())
}

/// The name a request is about, which some answers echo.
fn username(request: &Request<Bytes>) -> String {
    // Blanks behind it, of which a body that is padded has tens of thousands, change nothing.
    let end = request
        .body()
        .iter()
        .rposition(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        .map_or(0, |last| last + 1);
    let body: Option<serde_json::Value> = serde_json::from_slice(&request.body()[..end]).ok();
    body.and_then(|body| {
        body.get("username")
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    })
    .unwrap_or_default()
}

/// Names an effect as case files do.
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::AuthFailure => "auth-failure",
        Effect::PasswordChange => "password-change",
    }
}

/// How many POSTs of `{}` the probe may send to a mock of our own: as many as it likes.
const POSTS: u32 = u32::MAX;

//! The suite put to the test: every mutant must die as declared, every control must be accepted, both reference mocks must be clean.
//!
//! ```text
//! conformance/mutants.yaml ──┐               ┌─ with the snapshots ──┐
//! conformance/controls.yaml ─┼─ trial: a mock ┤                       ├─ demands ─▶ Proof
//! the reference mocks ───────┘  over HTTPS    └─ without them ────────┘
//! ```
//!
//! Trials run beside one another and are told in the order of the files; a trial asks one mock, case after case.

mod control;
mod demands;
mod scores;
mod trial;

use std::{sync::Arc, thread};

use tokio::task::JoinSet;

use crate::{
    conformance::{
        controls::Control,
        mutants::{Mutant, Mutants},
    },
    contract::Kind,
    prover::control::Accepted,
    report::proof::{Proof, Reference, Trial},
    server::tls::Identity,
};

/// What is to be tried, and what came of it.
pub(crate) struct Tried {
    references: Vec<Reference>,
    mutants: Vec<Vec<Trial>>,
    controls: Vec<Vec<(Kind, Accepted)>>,
}

/// Tries everything and holds it against the demands. `watch` is told how many trials of how many are done.
///
/// # Errors
/// A mock that cannot be started.
pub async fn prove(
    mutants: &Mutants,
    controls: &[Control],
    watch: &(dyn Fn(usize, usize) + Sync),
) -> Result<Proof, String> {
    let tried = attempt(mutants, controls, watch).await?;
    Ok(demands::proof(mutants, controls, tried))
}

/// One thing to be tried.
#[derive(Clone)]
enum Subject {
    Control(usize, Arc<Control>, Kind),
    Mutant(usize, Arc<Mutant>, Kind),
    Reference(Kind),
}

/// What came of it.
enum Came {
    Control(usize, Kind, Accepted),
    Mutant(usize, Trial),
    Reference(Reference),
}

async fn attempt(
    mutants: &Mutants,
    controls: &[Control],
    watch: &(dyn Fn(usize, usize) + Sync),
) -> Result<Tried, String> {
    let identity =
        Arc::new(Identity::generate(&[]).map_err(|error| format!("no certificate: {error}"))?);
    let mut subjects = subjects(mutants, controls).into_iter();
    let total = subjects.len();
    let mut running = JoinSet::new();
    let mut tried = Tried {
        references: Vec::new(),
        mutants: vec![Vec::new(); mutants.mutants.len()],
        controls: controls.iter().map(|_| Vec::new()).collect(),
    };
    let most = thread::available_parallelism().map_or(1, |count| count.get() * AT_ONCE);
    let mut done = 0;
    loop {
        while running.len() < most
            && let Some(subject) = subjects.next()
        {
            running.spawn(came_of(subject, Arc::clone(&identity)));
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        done += 1;
        watch(done, total);
        match ended.map_err(|error| format!("a trial did not end: {error}"))?? {
            Came::Control(index, kind, accepted) => tried.controls[index].push((kind, accepted)),
            Came::Mutant(index, trial) => tried.mutants[index].push(trial),
            Came::Reference(reference) => tried.references.push(reference),
        }
    }
    // They end as they may; what is told has one order.
    tried.references.sort_by_key(|reference| reference.kind);
    tried
        .mutants
        .iter_mut()
        .for_each(|trials| trials.sort_by_key(|trial| trial.kind));
    tried
        .controls
        .iter_mut()
        .for_each(|accepted| accepted.sort_by_key(|(kind, _)| *kind));
    Ok(tried)
}

fn subjects(mutants: &Mutants, controls: &[Control]) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Kind::ALL.iter().copied().map(Subject::Reference).collect();
    for (index, mutant) in mutants.mutants.iter().enumerate() {
        let shared = Arc::new(mutant.clone());
        subjects.extend(
            mutant
                .kinds
                .iter()
                .map(|kind| Subject::Mutant(index, Arc::clone(&shared), *kind)),
        );
    }
    for (index, control) in controls.iter().enumerate() {
        let shared = Arc::new(control.clone());
        subjects.extend(
            control
                .kinds
                .iter()
                .map(|kind| Subject::Control(index, Arc::clone(&shared), *kind)),
        );
    }
    subjects
}

async fn came_of(subject: Subject, identity: Arc<Identity>) -> Result<Came, String> {
    Ok(match subject {
        Subject::Control(index, control, kind) => Came::Control(
            index,
            kind,
            control::accepted(&control, kind, &identity).await?,
        ),
        Subject::Mutant(index, mutant, kind) => {
            Came::Mutant(index, trial::of(&mutant, kind, &identity).await?)
        }
        Subject::Reference(kind) => Came::Reference(trial::reference(kind, &identity).await?),
    })
}

/// How many trials run at once for each processor: while one waits for its answer, another goes on.
const AT_ONCE: usize = 2;

//! Tests the conformance suite itself: it must detect every mutant as declared, accept every control, and find both reference mocks clean.
//!
//! ```text
//! mutants.yaml ───┐                 ┌─ with the snapshots ──┐
//! controls.yaml ──┼─ trial: a mock ─┤                       ├─ checks ─▶ Report
//! reference mocks ┘   over HTTPS    └─ without them ────────┘
//! ```
//!
//! Trials run side by side; the report has the order of the files. A trial asks one mock, case after case. An [`Extent`] says
//! which cases a mutant is asked.

mod checks;
mod control;
mod deviation;
pub mod fault;
pub mod mock;
pub mod report;
mod scores;
pub mod spec;
mod trial;

use std::{sync::Arc, thread};

use d4iot_double::{contract::Kind, server::tls::Identity};
use tokio::task::JoinSet;

use crate::{
    control::ControlTrial,
    report::{MutantTrial, ReferenceTrial, Report},
    spec::{
        controls::ControlSpec,
        mutants::{MutantFile, MutantSpec},
    },
};

/// Which cases each mutant is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them. Only this shows that every case and every fact has a mutant.
    Whole,
    /// The case that must detect it.
    Quick,
    /// The case that must detect it, and this one, which must detect a mutant.
    Case(String),
}

/// The results of all trials, in the order of the files.
struct Trials {
    references: Vec<ReferenceTrial>,
    mutants: Vec<Vec<MutantTrial>>,
    controls: Vec<Vec<ControlTrial>>,
}

/// Runs all trials and checks what they must show. `progress` receives the number of finished trials and of all.
///
/// # Errors
/// A mock that cannot be started.
pub async fn run(
    mutants: &MutantFile,
    controls: &[ControlSpec],
    extent: &Extent,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report, String> {
    let trials = run_trials(mutants, controls, extent, progress).await?;
    Ok(checks::report(mutants, controls, trials, extent))
}

/// One thing to be tried.
enum Subject {
    Control(usize, Arc<ControlSpec>, Kind),
    Mutant(usize, Arc<MutantSpec>, Kind),
    Reference(Kind),
}

/// The result of one trial.
enum Trial {
    Control(usize, ControlTrial),
    Mutant(usize, MutantTrial),
    Reference(ReferenceTrial),
}

async fn run_trials(
    mutants: &MutantFile,
    controls: &[ControlSpec],
    extent: &Extent,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Trials, String> {
    let identity = Arc::new(Identity::generate(&[]).map_err(|error| error.to_string())?);
    let mut subjects = subjects(mutants, controls).into_iter();
    let total = subjects.len();
    let mut running = JoinSet::new();
    let mut trials = Trials {
        references: Vec::new(),
        mutants: mutants.mutants.iter().map(|_| Vec::new()).collect(),
        controls: controls.iter().map(|_| Vec::new()).collect(),
    };
    let max = thread::available_parallelism().map_or(1, |count| count.get() * TRIALS_PER_PROCESSOR);
    let mut done = 0;
    loop {
        while running.len() < max
            && let Some(subject) = subjects.next()
        {
            running.spawn(run_trial(subject, Arc::clone(&identity), extent.clone()));
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        done += 1;
        progress(done, total);
        match ended.map_err(|error| format!("a trial did not end: {error}"))?? {
            Trial::Control(index, trial) => trials.controls[index].push(trial),
            Trial::Mutant(index, trial) => trials.mutants[index].push(trial),
            Trial::Reference(trial) => trials.references.push(trial),
        }
    }
    // They end in any order; the report has one.
    trials.references.sort_by_key(|trial| trial.kind);
    for trials in &mut trials.mutants {
        trials.sort_by_key(|trial| trial.kind);
    }
    for trials in &mut trials.controls {
        trials.sort_by_key(|trial| trial.kind);
    }
    Ok(trials)
}

fn subjects(mutants: &MutantFile, controls: &[ControlSpec]) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Kind::ALL.iter().copied().map(Subject::Reference).collect();
    for (index, mutant) in mutants.mutants.iter().enumerate() {
        let mutant = Arc::new(mutant.clone());
        let of_kind = |kind: &Kind| Subject::Mutant(index, Arc::clone(&mutant), *kind);
        subjects.extend(mutant.kinds.iter().map(of_kind));
    }
    for (index, control) in controls.iter().enumerate() {
        let control = Arc::new(control.clone());
        let of_kind = |kind: &Kind| Subject::Control(index, Arc::clone(&control), *kind);
        subjects.extend(control.kinds.iter().map(of_kind));
    }
    subjects
}

async fn run_trial(
    subject: Subject,
    identity: Arc<Identity>,
    extent: Extent,
) -> Result<Trial, String> {
    Ok(match subject {
        Subject::Control(index, control, kind) => {
            Trial::Control(index, control::run(&control, kind, &identity).await?)
        }
        Subject::Mutant(index, mutant, kind) => {
            Trial::Mutant(index, trial::run(&mutant, kind, &identity, &extent).await?)
        }
        Subject::Reference(kind) => Trial::Reference(trial::reference(kind, &identity).await?),
    })
}

/// While one trial waits for an answer, another goes on.
const TRIALS_PER_PROCESSOR: usize = 2;

//! A run at a target that is not ours: what has no effect first, then changes, each undone, then what may fail to sign in.

use std::collections::BTreeSet;

use crate::{
    conformance::Account,
    contract,
    report::CaseResult,
    runner::{
        Lab, Memory, Run,
        gathered::Gathered,
        guard::Guard,
        order::{Phase, Plan},
        probe,
        session::Session,
        stop::Stop,
        undo::{Hands, Journal, Lost},
    },
};

/// What a run at a target left behind.
#[derive(Debug)]
pub struct Ended {
    /// The results.
    pub run: Run,
    /// How it ended.
    pub after: After,
}

/// How a run at a target ended.
#[derive(Debug)]
pub struct After {
    /// Why lock-out is suspected: the run was stopped for it.
    pub suspicion: Option<String>,
    /// Whether somebody asked the run to stop.
    pub interrupted: bool,
    /// What could not be given back: the journal is still open then.
    pub lost: Vec<Lost>,
}

/// What a run makes of a target's accounts.
#[derive(Debug)]
pub struct Care {
    /// How many failed sign-ins it may cause.
    pub failures: u32,
    /// The journal; needed where the plan has changes.
    pub journal: Option<Journal>,
    /// Asks it to stop.
    pub stop: Stop,
}

/// Runs a plan. `watch` is told of each case as it ends.
///
/// # Errors
/// The memory or the journal cannot be read or written, in words. What was changed is given back before.
pub async fn run(
    lab: &Lab,
    plan: &Plan,
    memory: &Memory,
    care: Care,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> Result<Ended, String> {
    let contract = contract::of(lab.kind);
    let mut posts = care.failures;
    let probed = probe::paths(lab, contract, &mut posts).await;
    let served = probed.served;
    let mut gathered = Gathered::new(lab, contract, memory, watch);
    let mut silent = usize::from(probed.unreachable.is_some()) * MOST_SILENT;
    let unreached = probed.unreachable.clone();
    gathered.probed(probed.evidence, probed.unreachable);
    let hands = Hands::new(&lab.target, contract, &lab.accounts, served.clone());
    let mut guard = Guard::new(
        hands,
        contract,
        care.journal,
        care.failures,
        care.stop.clone(),
    );
    guard.spend(care.failures - posts);
    if let Some(journal) = &mut guard.journal {
        for (fact, reading) in served.iter() {
            journal
                .serves(fact, reading)
                .map_err(|error| format!("writing the journal: {error}"))?;
        }
    }
    let session = Session {
        lab,
        contract,
        served: &served,
    };
    let mut failed: Option<String> = None;
    let present: BTreeSet<Account> = lab.accounts.present();
    let mut proven = false;
    for planned in &plan.cases {
        if planned.phase == Phase::Change
            && !proven
            && silent < MOST_SILENT
            && guard.refusal(planned).is_none()
        {
            guard.prove(&plan.objects, &present).await;
            proven = true;
        }
        let why = || {
            unreached.as_ref().map_or_else(
                || SILENT.to_owned(),
                |unreached| format!("{SILENT}: {}", unreached.told),
            )
        };
        let refusal = if silent >= MOST_SILENT {
            Some(why())
        } else {
            guard.refusal(planned)
        };
        let case = match refusal {
            Some(reason) => session.refused_with(
                planned.located,
                reason,
                unreached.as_ref().map(|unreached| unreached.hint.clone()),
            ),
            None => session.times(planned.located, Some(&mut guard)).await,
        };
        match gathered.add(planned.located, case) {
            Ok(true) => silent = if silent < MOST_SILENT { 0 } else { silent },
            Ok(false) => silent += 1,
            Err(error) => {
                failed = Some(error.to_string());
                break;
            }
        }
    }
    for (located, reason) in &plan.left_out {
        if failed.is_none() {
            failed = gathered
                .add(located, session.refused(located, reason.clone()))
                .err()
                .map(|error| error.to_string());
        }
    }
    guard.give_back().await;
    gathered.told(OWN, std::mem::take(&mut guard.hands.evidence));
    if guard.lost.is_empty()
        && let Some(journal) = guard.journal.take()
    {
        journal
            .close()
            .map_err(|error| format!("closing the journal: {error}"))?;
    }
    match failed.filter(|_| guard.lost.is_empty()) {
        Some(error) => Err(error),
        None => {
            let after = After {
                suspicion: guard.suspicion,
                interrupted: care.stop.is_asked(),
                lost: guard.lost,
            };
            Ok(Ended {
                run: gathered.end(),
                after,
            })
        }
    }
}

/// After how many cases in a row without a connection nothing more is tried.
const MOST_SILENT: usize = 3;
const SILENT: &str = "the target could not be reached";
/// What the profile calls the run's own requests, where it names the case that showed a reading.
const OWN: &str = "set-up and undo";

#[cfg(test)]
mod tests;

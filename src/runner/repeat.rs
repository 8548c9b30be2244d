//! Runs a case several times. A case is unstable if its answers differ.

use crate::{
    report::{CaseFinding, Conformance},
    runner::{
        case_runner::{CaseRun, CaseRunner},
        live::guard::SafetyGuard,
    },
    snapshot,
    suite::cases::CaseWithLocation,
};

impl CaseRunner<'_> {
    /// Runs a case as often as the context says, each time from the same state.
    pub(super) async fn run_repeatedly(
        &self,
        located: &'static CaseWithLocation,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> CaseRun {
        let mut attempts = vec![self.run(located, guard.as_deref_mut()).await];
        for _ in 1..self.context.repeat {
            if guard.as_deref().is_some_and(|guard| !guard.can_repeat()) {
                break;
            }
            attempts.push(self.run(located, guard.as_deref_mut()).await);
        }
        merge(attempts)
    }
}

/// Makes one result of several. Results that were not judged are left out if any was judged.
fn merge(mut attempts: Vec<CaseRun>) -> CaseRun {
    let is_judged = |run: &CaseRun| run.result.conformance != Conformance::NotJudged;
    let first = attempts.iter().position(is_judged).unwrap_or(0);
    let mut later = first + 1..attempts.len();
    let other = later.find(|number| {
        let other = &attempts[*number];
        is_judged(other) && differs(&attempts[first], other)
    });
    let verdicts = attempts.iter().map(|run| run.result.conformance.name());
    let verdicts = verdicts.collect::<Vec<_>>().join(", ");
    let is_reached = attempts.iter().any(|run| run.unreached.is_none());
    let mut changes = Vec::new();
    let mut evidence = Vec::new();
    for run in &mut attempts {
        changes.append(&mut run.changes);
        evidence.append(&mut run.evidence);
    }

    // The other attempt comes later, so that the first keeps its place.
    let other = other.map(|number| (number, attempts.swap_remove(number)));
    let mut one = attempts.swap_remove(first);
    if let Some((number, other)) = other {
        let before = one.snapshot.take().unwrap_or_default();
        let result = &mut one.result;
        result.difference = snapshot::diff(&before, &other.snapshot.unwrap_or_default());
        result.conformance = Conformance::Unstable;
        // The other attempt's exchanges follow the first's, and so do its findings.
        let further = result.exchanges.len();
        for mut finding in other.result.reasons {
            finding.step += if finding.step > 0 { further } else { 0 };
            result.reasons.push(finding);
        }
        let (first, other_number) = (first + 1, number + 1);
        let received = format!(
            "answers that differ, first between attempt {first} and attempt {other_number}: {verdicts}"
        );
        let finding = CaseFinding::new(0, "the same answer each time", received);
        result.reasons.push(finding);
        result.exchanges.extend(other.result.exchanges);
    }
    let unreached = one.unreached.take().filter(|_| !is_reached);
    CaseRun {
        changes,
        evidence,
        unreached,
        ..one
    }
}

fn differs(one: &CaseRun, other: &CaseRun) -> bool {
    let is_same = match (&one.snapshot, &other.snapshot) {
        (Some(one), Some(other)) => snapshot::same(one, other),
        (one, other) => one.is_none() && other.is_none(),
    };
    !is_same || one.result.conformance != other.result.conformance
}

//! Runs a case several times. A case is unstable if its answers differ.

use crate::{
    report::{CaseFinding, Conformance},
    runner::{CaseRun, case_runner::CaseRunner, live::guard::SafetyGuard},
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
        together(attempts)
    }
}

/// Makes one result of several. Results that were not judged are left out if any was judged.
fn together(mut attempts: Vec<CaseRun>) -> CaseRun {
    let judged = |run: &CaseRun| run.result.conformance != Conformance::NotJudged;
    let first = attempts.iter().position(judged).unwrap_or(0);
    let other = (first + 1..attempts.len())
        .find(|number| judged(&attempts[*number]) && !alike(&attempts[first], &attempts[*number]));
    let changes = attempts
        .iter_mut()
        .flat_map(|run| std::mem::take(&mut run.changes))
        .collect();
    let evidence = attempts
        .iter_mut()
        .flat_map(|run| std::mem::take(&mut run.evidence))
        .collect();
    let is_unreached = attempts.iter().all(|run| run.is_unreached);
    let verdicts: Vec<&str> = attempts
        .iter()
        .map(|run| run.result.conformance.name())
        .collect();
    let told = verdicts.join(", ");
    let other = other.map(|number| (number, attempts.swap_remove(number)));
    let mut one = attempts.swap_remove(first);
    if let Some((number, other)) = other {
        let (before, after) = (
            one.snapshot.take().unwrap_or_default(),
            other.snapshot.unwrap_or_default(),
        );
        one.result.difference = snapshot::diff(&before, &after);
        one.result.conformance = Conformance::Unstable;
        // The other attempt's exchanges follow the first's, and so do its findings.
        let further = one.result.exchanges.len();
        let moved = |finding: CaseFinding| CaseFinding {
            step: if finding.step > 0 {
                finding.step + further
            } else {
                0
            },
            ..finding
        };
        one.result
            .reasons
            .extend(other.result.reasons.into_iter().map(moved));
        one.result.reasons.push(CaseFinding {
            step: 0,
            expected: "the same answer each time".into(),
            received: format!(
                "answers that differ, first between attempt {} and attempt {}: {told}",
                first + 1,
                number + 1
            ),
            readings: Vec::new(),
            hint: None,
        });
        one.result.exchanges.extend(other.result.exchanges);
        one.deferred = None;
    }
    CaseRun {
        changes,
        evidence,
        is_unreached,
        ..one
    }
}

fn alike(one: &CaseRun, other: &CaseRun) -> bool {
    let same = match (&one.snapshot, &other.snapshot) {
        (Some(one), Some(other)) => snapshot::same(one, other),
        (None, None) => true,
        _ => false,
    };
    same && one.result.conformance == other.result.conformance
}

//! Asking a case several times: one that is not answered alike each time is unstable.

use crate::{
    conformance::suite::Located,
    report::{Conformance, Finding},
    runner::{Ran, guard::Guard, session::Session},
    snapshot,
};

impl Session<'_> {
    /// Asks a case as often as the lab says, each time from the same state.
    pub(super) async fn times(
        &self,
        located: &'static Located,
        mut guard: Option<&mut Guard<'_>>,
    ) -> Ran {
        let mut times = vec![self.case(located, guard.as_deref_mut()).await];
        for _ in 1..self.lab.repeat {
            if guard.as_deref().is_some_and(|guard| !guard.goes_on()) {
                break;
            }
            times.push(self.case(located, guard.as_deref_mut()).await);
        }
        together(times)
    }
}

/// Makes one of several times: what was judged counts, and what was not is left out where something was.
fn together(mut times: Vec<Ran>) -> Ran {
    let judged = |ran: &Ran| ran.result.conformance != Conformance::NotJudged;
    let first = times.iter().position(judged).unwrap_or(0);
    let other = (first + 1..times.len())
        .find(|number| judged(&times[*number]) && !alike(&times[first], &times[*number]));
    let changes = times
        .iter_mut()
        .flat_map(|ran| std::mem::take(&mut ran.changes))
        .collect();
    let evidence = times
        .iter_mut()
        .flat_map(|ran| std::mem::take(&mut ran.evidence))
        .collect();
    let unreached = times.iter().all(|ran| ran.unreached);
    let verdicts: Vec<&str> = times
        .iter()
        .map(|ran| ran.result.conformance.name())
        .collect();
    let told = verdicts.join(", ");
    let other = other.map(|number| (number, times.swap_remove(number)));
    let mut one = times.swap_remove(first);
    if let Some((number, other)) = other {
        let (before, after) = (
            one.snapshot.take().unwrap_or_default(),
            other.snapshot.unwrap_or_default(),
        );
        one.result.difference = snapshot::diff(&before, &after);
        one.result.conformance = Conformance::Unstable;
        // The other time's exchanges stand behind the first's, and its findings with them.
        let further = one.result.exchanges.len();
        let moved = |finding: Finding| Finding {
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
        one.result.reasons.push(Finding {
            step: 0,
            expected: "the same answer each time".into(),
            received: format!(
                "answers that differ, first between time {} and time {}: {told}",
                first + 1,
                number + 1
            ),
            readings: Vec::new(),
            hint: None,
        });
        one.result.exchanges.extend(other.result.exchanges);
        one.otherwise = None;
    }
    Ran {
        changes,
        evidence,
        unreached,
        ..one
    }
}

fn alike(one: &Ran, other: &Ran) -> bool {
    let same = match (&one.snapshot, &other.snapshot) {
        (Some(one), Some(other)) => snapshot::same(one, other),
        (None, None) => true,
        _ => false,
    };
    same && one.result.conformance == other.result.conformance
}

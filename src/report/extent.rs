//! How much a run judged, and what would let it judge more.

use std::collections::{BTreeMap, BTreeSet};

#[cfg(feature = "cli")]
use crate::report::TargetSummary;
use crate::report::{CaseResult, Conformance, ReasonCode, Summary, amount};

/// Says how many cases were judged, of how many.
pub(super) fn judged(summary: &Summary) -> String {
    let counts = summary.targets.iter().map(|target| target.counts.judged());
    judged_of(counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)))
}

/// Says how many cases were judged, of how many.
pub(super) fn judged_of((judged, all): (usize, usize)) -> String {
    format!("{judged} of {} judged", amount(all, "case"))
}

/// Says which documented facts no judged case asked for; none where all were asked for.
pub(super) fn not_asked(summary: &Summary) -> Option<String> {
    let targets = summary.targets.iter();
    let facts: BTreeSet<&String> = targets.flat_map(|target| &target.not_asked).collect();
    let more = (facts.len() > MAX_FACTS).then_some("…");
    let shown = facts.iter().take(MAX_FACTS).map(|fact| fact.as_str());
    let shown = shown.chain(more).collect::<Vec<_>>().join(", ");
    let count = amount(facts.len(), "documented fact");
    (!facts.is_empty()).then(|| format!("{count} not asked for: {shown}"))
}

/// Names the options that would let a run judge more, each with the number of cases that wait for it.
pub(super) fn more(summary: &Summary) -> Vec<String> {
    let mut waiting = waiting(cases(summary));
    // The cases of a list are counted only.
    let ends = summary.targets.iter().flat_map(|target| &target.end);
    for (option, count) in ends.flat_map(|end| &end.to_judge_more) {
        *waiting.entry(option.clone()).or_default() += count;
    }
    let options = waiting.into_iter();
    let options = options.map(|(option, count)| format!("{option} ({})", amount(count, "case")));
    options.collect()
}

/// Returns how many cases wait for each option.
fn waiting<'a>(cases: impl Iterator<Item = &'a CaseResult>) -> BTreeMap<String, usize> {
    let mut waiting = BTreeMap::new();
    for case in cases.filter(|case| case.conformance == Conformance::NotJudged) {
        let Some(reason) = case.reasons.iter().find(|reason| reason.code.is_some()) else {
            continue;
        };
        let option = match reason.code {
            // The reason names the account.
            Some(ReasonCode::AccountMissing) => match reason.received.split('`').nth(1) {
                Some(account) => format!("--accounts naming {account}"),
                None => "--accounts FILE".to_owned(),
            },
            Some(ReasonCode::ConsentMissing) => "--change-passwords-on HOST".to_owned(),
            Some(ReasonCode::Budget) if reason.received.contains("wait ") => {
                "--max-auth-failures N, or a run 15 minutes later".to_owned()
            }
            Some(ReasonCode::Budget) => "--max-auth-failures N".to_owned(),
            _ => continue,
        };
        *waiting.entry(option).or_default() += 1;
    }
    waiting
}

#[cfg(feature = "cli")]
impl TargetSummary {
    /// Keeps the cases that were sent or failed, and counts what the others wait for: thousands of targets fit into a report so.
    pub(crate) fn drop_not_judged(&mut self) {
        let is_left_out = |it: &CaseResult| !it.failed && it.conformance == Conformance::NotJudged;
        let left_out = self.cases.iter().filter(|case| is_left_out(case));
        if let Some(end) = &mut self.end {
            end.to_judge_more = waiting(left_out);
        }
        self.cases.retain(|case| !is_left_out(case));
        self.cases.shrink_to_fit();
    }

    /// Returns the reason for which most cases are not judged.
    pub(crate) fn main_reason(&self) -> Option<&str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        let cases = self.cases.iter();
        for case in cases.filter(|case| case.conformance == Conformance::NotJudged) {
            *counts.entry(case.reason()).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        most.map(|(reason, _)| reason)
    }
}

fn cases(summary: &Summary) -> impl Iterator<Item = &CaseResult> {
    summary.targets.iter().flat_map(|target| &target.cases)
}

/// How many facts are named.
const MAX_FACTS: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{CaseFinding, Counts, NotJudged, sample};

    fn with_reasons(reasons: &[(ReasonCode, &str)]) -> Summary {
        let mut summary = sample::plain();
        summary.targets.truncate(1);
        let cases = &mut summary.targets[0].cases;
        for (case, (code, text)) in cases.iter_mut().zip(reasons) {
            case.conformance = Conformance::NotJudged;
            let reason = NotJudged::new(*code, *text);
            case.reasons = vec![CaseFinding::not_judged(1, reason)];
        }
        count(&mut summary);
        summary
    }

    fn count(summary: &mut Summary) {
        let target = &mut summary.targets[0];
        target.counts = Counts::of(&target.cases);
    }

    #[test]
    fn the_denominator_is_every_case() {
        let mut summary = with_reasons(&[(ReasonCode::MockOnly, "only a mock")]);
        summary.targets[0].cases[1].conformance = Conformance::Undocumented;
        count(&mut summary);
        assert_eq!(judged(&summary), "89 of 91 cases judged");
        assert_eq!(not_asked(&summary), None);
        summary.targets[0].not_asked = vec!["validation.path".into()];
        let expected = "1 documented fact not asked for: validation.path";
        assert_eq!(not_asked(&summary).as_deref(), Some(expected));
    }

    #[test]
    fn each_option_says_how_many_cases_wait_for_it() {
        let summary = with_reasons(&[
            (ReasonCode::Budget, "over"),
            (ReasonCode::ConsentMissing, "no consent"),
            (ReasonCode::Budget, "over"),
            (
                ReasonCode::AccountMissing,
                "the accounts file does not name `user`",
            ),
            (ReasonCode::MockOnly, "only a mock"),
        ]);
        let expected = [
            "--accounts naming user (1 case)",
            "--change-passwords-on HOST (1 case)",
            "--max-auth-failures N (2 cases)",
        ];
        assert_eq!(more(&summary), expected);
    }
}

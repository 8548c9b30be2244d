//! The last line of a report: whether anything fails, and how much.

use crate::report::{Conformance, Regression, Summary};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Something fails.
    Bad,
    /// All judged cases pass.
    Good,
    /// Nothing was judged.
    Nothing,
}

/// Returns how a run ended, and the sentence that says so.
pub(super) fn summary_line(summary: &Summary) -> (Ending, String) {
    let cases = || summary.targets.iter().flat_map(|target| &target.cases);
    let failed = cases().filter(|case| case.failed).count();
    let inconsistencies = || {
        summary
            .targets
            .iter()
            .flat_map(|target| &target.inconsistent)
    };
    let inconsistent = inconsistencies()
        .filter(|inconsistency| inconsistency.known.is_none())
        .count();
    let mut wrong = Vec::new();
    if failed > 0 {
        wrong.push(format!(
            "{} {}",
            amount(failed, "case"),
            if failed == 1 { "fails" } else { "fail" }
        ));
    }
    if inconsistent > 0 {
        wrong.push(format!(
            "{} {} answered inconsistently",
            amount(inconsistent, "fact"),
            if inconsistent == 1 { "is" } else { "are" }
        ));
    }
    if !summary.trouble.is_empty() {
        wrong.push(format!(
            "{} with the run itself",
            amount(summary.trouble.len(), "trouble")
        ));
    }
    let mut also = Vec::new();
    let known = cases().filter(|case| case.known.is_some()).count()
        + inconsistencies()
            .filter(|inconsistency| inconsistency.known.is_some())
            .count();
    if known > 0 {
        also.push(amount(known, "known difference"));
    }
    let new = cases()
        .filter(|case| case.regression == Some(Regression::New) && !case.failed)
        .count();
    if new > 0 {
        let waits = if summary.targets.iter().any(|target| target.review.is_some()) {
            " to review"
        } else {
            ""
        };
        also.push(format!("{}{waits}", amount(new, "new snapshot")));
    }
    let written = cases()
        .filter(|case| {
            case.regression == Some(Regression::Changed) && !case.failed && case.known.is_none()
        })
        .count();
    if written > 0 {
        also.push(format!("{} written", amount(written, "changed snapshot")));
    }
    let also = if also.is_empty() {
        String::new()
    } else {
        format!("; {}", also.join(", "))
    };
    if !wrong.is_empty() {
        (Ending::Bad, format!("{}{also}.", wrong.join(", ")))
    } else if cases().all(|case| case.conformance == Conformance::NotJudged) {
        (Ending::Nothing, "Nothing was judged.".to_owned())
    } else {
        (Ending::Good, format!("All judged cases pass{also}."))
    }
}

/// Counts in words: `1 case`, `2 cases`.
pub(super) fn amount(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

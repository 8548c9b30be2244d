//! How a run ended, in words: the conclusion, the causes of failures, the verdicts that occur.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::report::{CaseResult, Conformance, Regression, Summary, amount, extent};

/// Says how many cases fail, and for how many reasons.
pub(super) fn why_failed(summary: &Summary) -> String {
    let failed = summary.causes.iter().flat_map(|cause| &cause.cases);
    let failed: BTreeSet<&String> = failed.collect();
    let is_case = |name: &&&String| !name.contains("/inconsistent.");
    let (cases, all) = (failed.iter().filter(is_case).count(), failed.len());
    let inconsistent = match all - cases {
        0 => String::new(),
        count => format!(", {count} inconsistent,"),
    };
    let fails = if cases == 1 { "fails" } else { "fail" };
    let reasons = amount(summary.causes.len(), "reason");
    let cases = amount(cases, "case");
    format!("{cases} {fails}{inconsistent} for {reasons}")
}

/// Returns the causes; the cases of a run at one target are named without its kind.
pub(super) fn causes(summary: &Summary) -> Vec<Value> {
    let has_one_target = summary.targets.len() == 1;
    let short = |case: &String| match case.split_once('/') {
        Some((_, id)) if has_one_target => id.to_owned(),
        _ => case.clone(),
    };
    let causes = summary.causes.iter().map(|cause| {
        let cases: Vec<String> = cause.cases.iter().map(short).collect();
        json!({ "text": cause.text, "count": cases.len(), "cases": cases })
    });
    causes.collect()
}

/// Returns the verdicts of a run, each with its meaning.
pub(super) fn legend(summary: &Summary) -> Vec<(&'static str, &'static str)> {
    let cases = || summary.targets.iter().flat_map(|target| &target.cases);
    let verdicts = Conformance::ALL.iter();
    let verdicts = verdicts.filter(|verdict| cases().any(|case| case.conformance == **verdict));
    let legend = verdicts.map(|verdict| (verdict.name(), verdict.meaning()));
    legend.collect()
}

/// Returns how a run ended (`bad`, `good`, or `nothing` was judged), and the sentence that says so.
pub(super) fn conclusion(summary: &Summary) -> (&'static str, String) {
    let targets = || summary.targets.iter();
    let cases: Vec<&CaseResult> = targets().flat_map(|target| &target.cases).collect();
    let count = |test: fn(&CaseResult) -> bool| cases.iter().filter(|case| test(case)).count();
    let inconsistent = targets().flat_map(|target| &target.inconsistent);
    let (known, inconsistent): (Vec<_>, Vec<_>) =
        inconsistent.partition(|found| found.known.is_some());
    let is_reviewed = targets().any(|target| target.review.is_some());
    let to_review = if is_reviewed { " to review" } else { "" };
    let known = known.len() + count(|case| case.known.is_some());
    let new = count(|case| case.regression == Some(Regression::New) && !case.failed);
    let written = count(|case| {
        case.regression == Some(Regression::Changed) && !case.failed && case.known.is_none()
    });
    let causes = match summary.causes.len().saturating_sub(inconsistent.len()) {
        0 => String::new(),
        causes => format!(" for {}", amount(causes, "reason")),
    };
    let verb = |count: usize, one, many| if count == 1 { one } else { many };
    let failed = count(|case| case.failed);
    let fails = format!(" {}{causes}", verb(failed, "fails", "fail"));
    let inconsistent = inconsistent.len();
    let is = verb(inconsistent, "is", "are");
    let mixed = format!(" {is} answered inconsistently");
    let list = |rows: [(usize, &str, &str); 3]| {
        let rows = rows.into_iter().filter(|(count, ..)| *count > 0);
        let texts = rows.map(|(count, noun, rest)| amount(count, noun) + rest);
        texts.collect::<Vec<_>>().join(", ")
    };
    let problems = list([
        (failed, "case", &fails),
        (inconsistent, "fact", &mixed),
        (summary.trouble.len(), "problem", " with the run itself"),
    ]);
    let mut remarks = list([
        (known, "known difference", ""),
        (new, "new snapshot", to_review),
        (written, "changed snapshot", " written"),
    ]);
    if !remarks.is_empty() {
        remarks.insert_str(0, "; ");
    }
    let judged = extent::judged(summary);
    if !problems.is_empty() {
        ("bad", format!("{problems}{remarks}; {judged}."))
    } else if cases.iter().any(|case| case.conformance.is_judged()) {
        ("good", format!("{judged}, none fails{remarks}."))
    } else {
        let recorded = match count(|case| case.conformance == Conformance::Undocumented) {
            0 => String::new(),
            recorded => format!("; {} recorded", amount(recorded, "answer")),
        };
        let none = judged.trim_end_matches(" judged");
        ("nothing", format!("Nothing was judged: {none}{recorded}."))
    }
}

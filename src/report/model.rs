//! A run as the templates of the formats see it: the [`Summary`], and what several formats derive from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    contract,
    contract::{FactEntry, Kind, Operation, grouped},
    report::{
        CaseResult, Conformance, Followed, Inconsistency, Regression, Summary, TargetSummary,
        conclusion, extent, fleet, fleet::Column, numbered, sanitize,
    },
};

/// Returns everything that a template can show: of the cases, those that `shows` selects.
pub(super) fn context(summary: &Summary, shows: CaseFilter, every_case: bool) -> Value {
    let (ending, sentence) = conclusion::conclusion(summary);
    let columns = fleet::columns(summary);
    let readings = reading_rows(summary, &columns);
    let mut class_counts: BTreeMap<String, usize> = BTreeMap::new();
    for class in summary.targets.iter().flat_map(all_classes) {
        *class_counts.entry(class).or_default() += 1;
    }
    json!({
        "tool": summary.tool,
        "date": summary.date,
        "label": summary.label,
        "options": summary.options.join(" "),
        "actions": summary.actions,
        "notes": summary.notes,
        "trouble": summary.trouble,
        "targets": targets(summary, shows, &columns),
        "why_failed": conclusion::why_failed(summary),
        "causes": conclusion::causes(summary),
        "every_case": every_case,
        "legend": conclusion::legend(summary),
        // Build servers want one; a run that has none is one of long ago.
        "timestamp": summary.date.as_deref().unwrap_or("1970-01-01T00:00:00Z").trim_end_matches('Z'),
        "not_asked": extent::not_asked(summary),
        "more": extent::more(summary).join(", "),
        "conformances": Conformance::NAMES,
        "regressions": Regression::NAMES,
        "follows_others": readings.iter().any(|row| row.is_other),
        "is_fleet": summary.fleet.is_some(),
        "columns": columns.iter().map(|column| &column.title).collect::<Vec<_>>(),
        "profiles": columns.iter().map(|column| (&column.title, column.places.len())).collect::<Vec<_>>(),
        "widths": widths(&columns, &readings),
        "readings": readings,
        "class_counts": class_counts,
        "ending": ending,
        "conclusion": sentence,
    })
}

/// Which cases a report shows in full.
#[derive(Clone, Copy, Debug)]
pub(super) enum CaseFilter {
    All,
    /// One for each cause.
    Examples,
    Failed,
}

fn targets(summary: &Summary, shows: CaseFilter, columns: &[Column<'_>]) -> Vec<Value> {
    let examples = summary.causes.iter().flat_map(|cause| cause.cases.first());
    let examples: BTreeSet<&String> = examples.collect();
    let targets = summary.targets.iter().enumerate().map(|(place, target)| {
        let mut context = target_context(target, |case| match shows {
            CaseFilter::All => true,
            CaseFilter::Failed => case.failed,
            CaseFilter::Examples => {
                case.failed && examples.contains(&format!("{}/{}", target.kind, case.id))
            }
        });
        if summary.fleet.is_some() {
            let column = columns.iter().find(|column| column.places.contains(&place));
            context["profile_name"] = json!(column.map_or("-", |column| &column.title));
            let cases = context["cases"].as_array_mut().into_iter().flatten();
            for case in cases.filter(|case| case["failed"] == false) {
                case["exchanges"].take();
                case["facts"].take();
            }
        } else if matches!(shows, CaseFilter::All) {
            // A page of thousands of targets has no room for what none of them was asked.
            context["facts"] = json!(facts(target));
        }
        context
    });
    targets.collect()
}

fn target_context(target: &TargetSummary, shows: impl Fn(&CaseResult) -> bool) -> Value {
    let review = target.review.as_deref();
    let passed = || target.cases.iter().filter(|case| !case.failed);
    let failed = || target.cases.iter().filter(|case| case.failed);
    let with_reason = |case| (CaseResult::reason(case).to_owned(), case);
    let known = passed().filter_map(|case| Some((case.known.clone()?, case)));
    let variants = passed().filter(|case| case.conformance == Conformance::Variant);
    let variants = variants.flat_map(|case| iter::zip(case.reading.clone(), iter::repeat(case)));
    let not_judged = || passed().filter(|case| case.conformance == Conformance::NotJudged);
    let new = passed().filter(|case| case.regression == Some(Regression::New));
    let inconsistent = target.inconsistent.iter();
    let shown = target.cases.iter().filter(|case| shows(case));
    let counts = &target.counts;
    json!({
        "kind": target.kind,
        "target": target.target,
        "exit_code": target.end.as_ref().map(|end| end.exit_code.to_string()),
        "judged": extent::judged_of(target.counts.judged()),
        "certificate": target.certificate,
        "failed_sign_ins": target.failed_sign_ins,
        "stopped": target.stopped,
        "counts": counts,
        "profile": target.profile,
        // Of several that were seen, none is the one.
        "has_profile": target.profile.iter().any(|fact| !fact.readings.is_empty() || fact.other.len() == 1),
        "gone": target.gone,
        "name": target.name(),
        "review": review.map(|folder| review_command(folder, "")),
        "case_count": target.cases.len(),
        "cases": shown.map(|case| case_context(case, review)).collect::<Vec<_>>(),
        "inconsistent": inconsistent.map(inconsistency_context).collect::<Vec<_>>(),
        "known": case_groups(known),
        "variants": case_groups(variants),
        "not_judged": case_groups(not_judged().map(with_reason)),
        "new": new.map(|case| &case.id).collect::<Vec<_>>(),
        // Without a baseline no case was compared with a snapshot.
        "has_snapshots": counts.same + counts.changed + counts.new > 0,
        "tests": target.cases.len() + target.inconsistent.len(),
        "failures": failed().count() + target.inconsistent.iter().filter(|found| found.known.is_none()).count(),
        "skipped": not_judged().count(),
        "micros": target.cases.iter().map(CaseResult::micros).fold(0, u64::saturating_add),
        "bar": bar(target),
    })
}

/// Returns where each verdict of a bar starts, and how long it is.
fn bar(target: &TargetSummary) -> Vec<(&'static str, usize, usize)> {
    let mut start = 0;
    let parts = Conformance::ALL.iter().map(|conformance| {
        let of_it = |case: &&CaseResult| case.conformance == *conformance;
        let count = target.cases.iter().filter(of_it).count();
        start += count;
        (conformance.name(), start - count, count)
    });
    parts.filter(|(_, _, count)| *count > 0).collect()
}

fn case_context(case: &CaseResult, review: Option<&str>) -> Value {
    // A deviation cannot be accepted, and where nothing was written there is nothing to accept.
    let is_reviewed = case.regression == Some(Regression::Changed)
        && case.conformance != Conformance::Deviation
        && !case.difference.is_empty();
    let fields = json!({
        "verdict": verdict(case),
        "reason": case.reason(),
        "micros": case.micros(),
        "classes": classes(case),
        "review": review.filter(|_| is_reviewed).map(|folder| review_command(folder, &case.id)),
    });
    extended(case, fields)
}

fn inconsistency_context(found: &Inconsistency) -> Value {
    let fields = json!({
        "id": found.id(),
        "description": found.description(),
        "number_and_fact": numbered(found.register.as_deref(), &found.fact),
        "width": found.followed.iter().map(|(reading, _)| reading.chars().count()).max(),
        "classes": inconsistency_classes(found),
    });
    extended(found, fields)
}

/// Returns a value as JSON, with further fields.
fn extended(value: &impl Serialize, mut fields: Value) -> Value {
    let value = serde_json::to_value(value).expect("the types of reports are JSON");
    if let (Value::Object(fields), Value::Object(value)) = (&mut fields, value) {
        fields.extend(value);
    }
    fields
}

/// Says what is wrong with a failed case in a few words: `deviation`, `documented, changed`.
fn verdict(case: &CaseResult) -> String {
    let name = case.conformance.name();
    match (case.conformance, case.regression) {
        (_, Some(Regression::Changed)) => format!("{name}, changed"),
        (Conformance::Deviation | Conformance::Unstable, _) => name.to_owned(),
        _ => format!("failed, {name}"),
    }
}

/// Returns the command that goes through the pending snapshots of a folder; through all of them if there is no id.
fn review_command(folder: &str, id: &str) -> String {
    let kind = folder.strip_prefix("snapshots/").map(str::parse::<Kind>);
    // `review` looks into the folders of kinds by itself.
    let option = match kind {
        Some(Ok(_)) => String::new(),
        _ => format!(" --snapshots {folder}"),
    };
    let command = format!("d4iot-double review{option} {id}");
    command.trim_end().to_owned()
}

/// Groups cases by what they share, a reason or a reading, with the first hint of each group.
fn case_groups<'a>(cases: impl Iterator<Item = (String, &'a CaseResult)>) -> Vec<Value> {
    let groups = grouped(cases).into_iter().map(|(reason, cases)| {
        let mut findings = cases.iter().flat_map(|case| &case.reasons);
        let hint = findings.find_map(|found| found.hint.as_ref());
        let ids: Vec<&String> = cases.iter().map(|case| &case.id).collect();
        json!({ "reason": reason, "cases": ids, "hint": hint })
    });
    groups.collect()
}

/// One fact that the documents contradict each other about, or in which a target does not follow the default.
#[derive(Serialize)]
struct ReadingRow {
    /// Its number, or `-`.
    number: String,
    fact: String,
    /// What each target follows, in the order of the targets; `-` where it was not seen.
    cells: Vec<String>,
    /// Whether a target follows another reading than the default.
    is_other: bool,
}

/// Returns the rows by number, those without one last.
fn reading_rows(summary: &Summary, columns: &[Column<'_>]) -> Vec<ReadingRow> {
    let mut rows: BTreeMap<(bool, &str, &str), Vec<String>> = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        let target = column.target;
        let facts = contract::of(target.kind).facts().into_iter();
        let disputed = facts.filter(FactEntry::is_disputed).map(|fact| fact.name);
        let disputed: BTreeSet<String> = disputed.collect();
        for followed in &target.profile {
            let is_other = !followed.is_default || !followed.other.is_empty();
            if is_other || disputed.contains(&followed.fact) {
                let number = followed.register.as_deref();
                let key = (number.is_none(), number.unwrap_or("-"), &*followed.fact);
                let empty = || vec!["-".to_owned(); columns.len()];
                let mark = if is_other { MARK } else { "" };
                rows.entry(key).or_insert_with(empty)[index] = reading(followed) + mark;
            }
        }
    }
    let rows = rows.into_iter();
    let rows = rows.map(|((_, number, fact), cells)| ReadingRow {
        number: number.into(),
        fact: fact.into(),
        is_other: cells.iter().any(|cell| cell.ends_with(MARK))
            || summary.fleet.is_some() && cells.iter().any(|cell| *cell != cells[0]),
        cells,
    });
    rows.collect()
}

/// Names the reading; several where the cases do not distinguish them, and what was seen that is no reading.
fn reading(followed: &Followed) -> String {
    let known = followed.readings.join(" or ");
    let other = sanitize::cut(&followed.other.join(", "), MAX_OTHER);
    let mut seen = vec![known, other];
    seen.retain(|text| !text.is_empty());
    match seen.is_empty() {
        true => "mixed".to_owned(),
        false => seen.join(", "),
    }
}

/// Returns the widths of the columns: the facts, then each target.
fn widths(columns: &[Column<'_>], rows: &[ReadingRow]) -> Vec<usize> {
    let facts = rows.iter().map(|row| row.fact.chars().count()).max();
    let columns = columns.iter().enumerate().map(|(index, column)| {
        let cells = rows.iter().map(|row| row.cells[index].chars().count());
        cells.fold(column.title.len(), usize::max)
    });
    facts.into_iter().chain(columns).collect()
}

/// Returns every fact of the contract with the cases of the run that cover it.
fn facts(target: &TargetSummary) -> Vec<Value> {
    let contract = contract::of(target.kind);
    let mut covered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for case in &target.cases {
        for fact in &case.facts {
            covered.entry(fact_name(fact)).or_default().push(&case.id);
        }
    }
    let facts = contract.facts().into_iter().map(|fact| {
        let mut profile = target.profile.iter();
        let followed = profile.find(|followed| followed.fact == fact.name);
        json!({
            "number": contract.ambiguity_number(&fact.name),
            "reading": followed.map(Followed::text).unwrap_or_default(),
            "is_other": followed.is_some_and(|followed| !followed.is_default),
            "cases": covered.get(&*fact.name).into_iter().flatten().collect::<Vec<_>>(),
            "name": fact.name,
        })
    });
    facts.collect()
}

/// Returns the name of a fact that may have its number before it.
pub(crate) fn fact_name(fact: &str) -> &str {
    fact.split_once(' ').map_or(fact, |(_, name)| name)
}

/// Returns what a case can be chosen by on a page.
fn classes(case: &CaseResult) -> Vec<String> {
    let states = [
        Some("case"),
        Some(case.conformance.name()),
        case.regression.map(Regression::name),
        case.failed.then_some("failed"),
        case.known.as_ref().map(|_| "known"),
    ];
    let mut classes: Vec<String> = states.into_iter().flatten().map(str::to_owned).collect();
    for operation in Operation::ALL {
        // A case whose answer is of no operation, such as one to invalid JSON, still has the name of the operation it asked for.
        let facts = case.facts.iter().map(|fact| fact_name(fact));
        let mut names = facts.chain([&*case.id]);
        if names.any(|name| name.starts_with(&format!("{operation}."))) {
            classes.push(format!("ask-{operation}"));
        }
    }
    classes
}

fn inconsistency_classes(found: &Inconsistency) -> Vec<String> {
    let state = found.known.as_ref().map_or("failed", |_| "known");
    ["case", "deviation", state].map(str::to_owned).into()
}

fn all_classes(target: &TargetSummary) -> impl Iterator<Item = String> {
    let inconsistencies = target.inconsistent.iter().flat_map(inconsistency_classes);
    target.cases.iter().flat_map(classes).chain(inconsistencies)
}

/// What follows a reading that is not the default.
const MARK: &str = " *";
/// How many characters are shown of answers that are no reading, so that a column stays one.
const MAX_OTHER: usize = 40;

//! What an answer says of its giver: documented, a variant, a deviation, or beyond the documents.

use bytes::Bytes;
use http::Response;
use http::header;

use crate::conformance::Case;
use crate::conformance::Step;
use crate::conformance::case::Forbidden;
use crate::conformance::expected;
use crate::conformance::expected::Branch;
use crate::conformance::expected::Choice;
use crate::conformance::recognise;
use crate::conformance::recognise::Recognised;
use crate::contract::Contract;
use crate::contract::Ground;
use crate::contract::Outcome;
use crate::report::Conformance;
use crate::report::Finding;

/// What came back for a step.
pub enum Received<'a> {
    /// A whole answer.
    Answer(&'a Response<Bytes>),
    /// The connection was there and the answer was not one: in words.
    Broken(&'a str),
    /// There was no connection: in words.
    Unreachable(&'a str),
}

/// What one step's answer says.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict on this step.
    pub conformance: Conformance,
    /// The outcome it was recognised as.
    pub outcome: Option<Outcome>,
    /// Which readings it agrees with.
    pub evidence: Vec<Evidence>,
    /// The readings that are not the ruling, of the combination nearest to it.
    pub variants: Vec<Choice>,
    /// What is wrong with it, or why it is not judged.
    pub finding: Option<Finding>,
}

/// Which readings of a fact an answer agrees with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The fact's full name.
    pub fact: String,
    /// The readings; none where what was seen is no reading of it.
    pub readings: Vec<String>,
    /// What was seen, where that is no reading of the fact.
    pub other: Option<String>,
}

/// Judges one step's answer. `username` is the name that was sent.
pub fn of_step(case: &Case, number: usize, contract: &Contract, username: &str, received: Received<'_>) -> Judged {
    let step = &case.steps[number];
    let branches = match expected::branches(&step.expect, contract, step.ask) {
        Ok(branches) => branches,
        Err(error) => return not_judged(number, error),
    };
    let answer = match received {
        Received::Answer(answer) => answer,
        Received::Unreachable(trouble) => return not_judged(number, format!("the target did not answer: {trouble}")),
        Received::Broken(trouble) if branches.iter().any(|branch| branch.silent) => return undocumented(None, vec![], Some(trouble)),
        Received::Broken(trouble) => {
            return deviation(finding(number, contract, step, &branches, username, trouble.to_owned(), vec![]), None);
        }
    };
    let tried: Vec<(&Branch, Result<Recognised, String>)> =
        branches.iter().map(|branch| (branch, recognise::recognise(contract, step.ask, branch.outcome, username, answer))).collect();
    let lawful = lawful(&tried);
    let evidence = evidence(&lawful, &tried, answer);
    let best = lawful.iter().min_by_key(|(branch, choices)| (choices.iter().map(|choice| choice.rank).sum::<usize>(), branch.silent));
    match best {
        Some((branch, choices)) if !branch.silent => {
            let variants: Vec<Choice> = choices.iter().filter(|choice| choice.rank > 0).cloned().collect();
            let conformance = if variants.is_empty() { Conformance::Documented } else { Conformance::Variant };
            Judged { conformance, outcome: Some(branch.outcome), evidence, variants, finding: None }
        }
        _ if case.must_not == Some(Forbidden::Success) && recognise::looks_like_success(answer) => {
            let mut finding = finding(number, contract, step, &branches, username, show(answer), vec![]);
            finding.expected = "a refusal: the documents call every field required".into();
            deviation(finding, None)
        }
        Some((branch, _)) => undocumented(Some(branch.outcome), evidence, None),
        None if branches.iter().any(|branch| branch.silent) => undocumented(recognise::name(contract, step.ask, username, answer), evidence, None),
        None => {
            let why = tried.into_iter().filter_map(|(branch, tried)| Some(format!("{}: {}", branch.outcome, tried.err()?))).collect();
            let outcome = recognise::name(contract, step.ask, username, answer);
            deviation(finding(number, contract, step, &branches, username, show(answer), why), outcome)
        }
    }
}

/// Folds the verdicts of a case's steps into one: the gravest of them.
pub fn of_steps(steps: &[Judged]) -> Conformance {
    let has = |wanted: Conformance| steps.iter().any(|step| step.conformance == wanted);
    [Conformance::Deviation, Conformance::NotJudged, Conformance::Variant, Conformance::Undocumented]
        .into_iter()
        .find(|verdict| has(*verdict))
        .unwrap_or(Conformance::Documented)
}

/// Every lawful way to read the answer: a branch and all choices that go with it.
fn lawful<'a>(tried: &[(&'a Branch, Result<Recognised, String>)]) -> Vec<(&'a Branch, Vec<Choice>)> {
    let recognised = tried.iter().filter_map(|(branch, tried)| Some((*branch, tried.as_ref().ok()?)));
    recognised
        .flat_map(|(branch, tried)| tried.combinations.iter().map(move |combination| (branch, [&branch.choices[..], combination].concat())))
        .collect()
}

/// What the answer tells of each fact that plays a part in every lawful way to read it.
fn evidence(lawful: &[(&Branch, Vec<Choice>)], tried: &[(&Branch, Result<Recognised, String>)], answer: &Response<Bytes>) -> Vec<Evidence> {
    let Some((_, first)) = lawful.first() else { return Vec::new() };
    let mut evidence: Vec<Evidence> = Vec::new();
    for fact in first.iter().map(|choice| &choice.fact) {
        let told: Option<Vec<&Choice>> = lawful.iter().map(|(_, choices)| choices.iter().find(|choice| choice.fact == *fact)).collect();
        if let Some(mut told) = told {
            told.sort_by_key(|choice| choice.rank);
            told.dedup();
            evidence.push(Evidence { fact: fact.clone(), readings: told.into_iter().map(|choice| choice.reading.clone()).collect(), other: None });
        }
    }
    if let Some(recognised) = tried.iter().find_map(|(_, tried)| tried.as_ref().ok()) {
        let readings: Vec<String> = recognised.status.iter().map(|choice| choice.reading.clone()).collect();
        let other = readings.is_empty().then(|| answer.status().as_u16().to_string());
        evidence.push(Evidence { fact: recognised.status_fact.clone(), readings, other });
    }
    evidence
}

fn finding(number: usize, contract: &Contract, step: &Step, branches: &[Branch], username: &str, received: String, why: Vec<String>) -> Finding {
    let mut outcomes: Vec<Outcome> = branches.iter().map(|branch| branch.outcome).collect();
    outcomes.dedup();
    let mut readings = Vec::new();
    let mut expected = Vec::new();
    for outcome in outcomes {
        let Some((place, utterance)) = contract.utterance(outcome.at(step.ask), outcome) else { continue };
        let fact = format!("{place}.{outcome}.body");
        for reading in utterance.body.readings() {
            let text = reading.is.text().replace("{username}", username);
            expected.push(format!("{outcome}: {text}"));
            readings.push(format!("{fact} ({}): {}", reading.name, ground(&reading.ground, contract)));
        }
    }
    let hint = (!why.is_empty()).then(|| why.join("; "));
    Finding { step: number + 1, expected: expected.join(" · "), received, readings, hint }
}

/// Says what a reading stands on, each place with its document.
pub fn ground(ground: &Ground, contract: &Contract) -> String {
    match ground {
        Ground::Assumed { because } => format!("assumed, because {because}"),
        Ground::Said { at, .. } => at.iter().map(|place| place.cite(contract.kind)).collect::<Vec<_>>().join(", "),
    }
}

fn show(answer: &Response<Bytes>) -> String {
    let content_type =
        answer.headers().get(header::CONTENT_TYPE).map_or("no content type".into(), |value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body = String::from_utf8_lossy(answer.body());
    let shown: String = body.chars().take(SHOWN).collect();
    format!("{} {content_type} {shown}{}", answer.status().as_u16(), if shown.len() < body.len() { " …" } else { "" })
}

fn deviation(finding: Finding, outcome: Option<Outcome>) -> Judged {
    Judged { conformance: Conformance::Deviation, outcome, evidence: Vec::new(), variants: Vec::new(), finding: Some(finding) }
}

fn undocumented(outcome: Option<Outcome>, evidence: Vec<Evidence>, trouble: Option<&str>) -> Judged {
    let finding = trouble.map(|trouble| Finding {
        step: 0,
        expected: "the documents are silent".into(),
        received: trouble.to_owned(),
        readings: Vec::new(),
        hint: None,
    });
    Judged { conformance: Conformance::Undocumented, outcome, evidence, variants: Vec::new(), finding }
}

/// A step that is not judged, with the reason.
pub fn not_judged(number: usize, reason: String) -> Judged {
    let finding = Finding { step: number + 1, expected: String::new(), received: reason, readings: Vec::new(), hint: None };
    Judged { conformance: Conformance::NotJudged, outcome: None, evidence: Vec::new(), variants: Vec::new(), finding: Some(finding) }
}

/// How many characters of a body a finding shows.
const SHOWN: usize = 400;

//! Cases of a user's own, in the form of `conformance/cases/*.yaml`, in addition to those of the suite.

use std::{collections::BTreeSet, sync::OnceLock};

use crate::{
    contract,
    contract::{Kind, Outcome, Readings},
    fixture::{self, Diagnostic, Spanned},
    suite::{Case, Effect, Step, StepError, cases, cases::CaseWithLocation, request},
};

/// Returns every case: those of the suite, then those that were added.
pub fn every() -> impl Iterator<Item = &'static CaseWithLocation> + Clone {
    cases::all().iter().chain(OWN.get().into_iter().flatten())
}

/// Adds the cases of files, each a name for errors and its text. Once in a process; later calls add nothing.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn add(files: &[(String, String)]) -> Result<(), Diagnostic> {
    let mut own: Vec<CaseWithLocation> = Vec::new();
    for (file, text) in files {
        for case in fixture::read_as::<Vec<Spanned<Case>>>(file, text)? {
            let (place, case) = (case.place, case.value);
            let is_taken = |located: &CaseWithLocation| located.case.id == case.id;
            let checked = match cases::all().iter().chain(&own).any(is_taken) {
                true => Err("another case has this id".into()),
                false => check(&case),
            };
            checked.map_err(|StepError(problem)| {
                let message = format!("case `{}`: {problem}", case.id);
                Diagnostic::new(place, message).hint(FORM).in_file(file)
            })?;
            own.push(CaseWithLocation {
                case,
                // The name of a file given on the command line: there are a few.
                file: Box::leak(file.clone().into_boxed_str()),
                line: u32::try_from(place.line).unwrap_or(u32::MAX),
            });
        }
    }
    OWN.get_or_init(|| own);
    Ok(())
}

fn check(case: &Case) -> Result<(), StepError> {
    let is_plain = |letter: char| {
        letter.is_ascii_lowercase() || letter.is_ascii_digit() || "_.".contains(letter)
    };
    if case.id.is_empty() || !case.id.chars().all(is_plain) {
        return Err("the id is not of lower-case letters, digits, `_` and `.`".into());
    }
    if case.steps.is_empty() || case.kinds.is_empty() {
        return Err("no steps or no kinds".into());
    }
    for kind in &case.kinds {
        let contract = contract::of(*kind);
        let mut facts = case.facts.iter();
        if let Some(fact) = facts.find(|fact| contract.facts_meant(fact).is_empty()) {
            return Err(StepError(format!("unknown fact `{fact}` of a {kind}")));
        }
        for (number, step) in case.steps.iter().enumerate() {
            check_step(case, step, *kind).map_err(|StepError(problem)| {
                StepError(format!("step {}: {problem}", number + 1))
            })?;
        }
    }
    Ok(())
}

fn check_step(case: &Case, step: &Step, kind: Kind) -> Result<(), StepError> {
    let (contract, served) = (contract::of(kind), Readings::default());
    let placeholder = |placeholder: super::Placeholder| Ok(placeholder.to_string());
    let request = request::build(step, contract, &served, &placeholder)?;
    let allowed = step.allowed(contract)?.into_iter();
    let outcomes: BTreeSet<_> = allowed.map(|response| response.outcome).collect();
    let spec = |outcome: Outcome| contract.response_spec(outcome.at(step.ask), outcome);
    let mut all = outcomes.iter();
    if let Some(outcome) = all.find(|outcome| spec(**outcome).is_none()) {
        let text = format!("{} has no answer `{outcome}`", step.ask);
        return Err(StepError(text));
    }
    let least = if step.can_change(request.uri().path()) {
        Effect::PasswordChange
    } else if outcomes.iter().any(|outcome| !outcome.is_success()) {
        Effect::AuthFailure
    } else {
        Effect::None
    };
    if case.effect < least {
        let text = format!("effect `{}` is too little, expected `{least}`", case.effect);
        return Err(StepError(text));
    }
    Ok(())
}

const FORM: &str = "the cases of `d4iot-double plan` and CONTRIBUTING.md show the form";
static OWN: OnceLock<Vec<CaseWithLocation>> = OnceLock::new();

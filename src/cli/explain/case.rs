//! What a case is about, sends and expects, for people.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    cli::error::{CliError, Result},
    contract::{Contract, Kind, Readings},
    report, runner,
    suite::{
        Account, Step, allowed,
        allowed::{AllowedResponse, Judgement, numbered_fact},
        case::{Forbidden, Need},
        cases::CaseWithLocation,
    },
};

/// Explains a case for those of the kinds that it is for.
///
/// # Errors
/// It is for none of them.
pub(super) fn text(located: &CaseWithLocation, contracts: &[&Contract]) -> Result<String> {
    let CaseWithLocation {
        case, file, line, ..
    } = located;
    let mut kinds = vec![Kind::Sensor, Kind::Console];
    kinds.retain(|kind| case.kinds.contains(kind));
    let mut contracts = contracts.to_vec();
    contracts.retain(|contract| kinds.contains(&contract.kind));
    if contracts.is_empty() {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
        let (id, kinds) = (&case.id, kinds.join(", "));
        return Err(CliError::usage(format!(
            "the case `{id}` is for {kinds} only"
        )));
    }
    let mut explained = Vec::new();
    for contract in &contracts {
        let commands = runner::case_commands(contract.kind, case, "$TARGET")?;
        let mut steps = Vec::new();
        for (step, command) in case.steps.iter().zip(commands) {
            let served = Readings::default();
            let responses = allowed::allowed_responses(&step.expect, contract, step.ask, &served)?;
            let texts = responses.iter();
            let mut expected: Vec<String> = texts.map(|it| allowed(it, step, contract)).collect();
            expected.dedup();
            steps.push(json!({ "command": command, "expected": expected }));
        }
        // A number stays on the line of its fact.
        let facts = case.covers(contract).into_iter();
        let facts = facts.map(|fact| numbered_fact(contract, &fact).replace(' ', "\u{a0}"));
        let facts: Vec<String> = facts.collect();
        explained.push(json!({ "kind": contract.kind, "facts": facts, "steps": steps }));
    }
    let shown = json!({
        "id": case.id,
        "title": case.title,
        "file": file,
        "line": line,
        "kinds": kinds,
        "effect": case.effect.name(),
        "tags": case.tags,
        "needs": needs(located, &contracts)?,
        "must_not_succeed": case.must_not == Some(Forbidden::Success),
    });
    let template = include_str!("../templates/case.jinja");
    let context = json!({ "case": shown, "contracts": explained });
    Ok(report::plain(template, context))
}

/// Says an expected response in words: its outcome and wordings, the readings it belongs to, and whether it is judged.
fn allowed(response: &AllowedResponse, step: &Step, contract: &Contract) -> String {
    let outcome = response.outcome;
    let mut text = outcome.to_string();
    if let Some((_, spec)) = contract.response_spec(outcome.at(step.ask), outcome) {
        let readings = spec.body.readings();
        let wordings: Vec<&str> = readings.iter().map(|reading| reading.is.text()).collect();
        text.push_str(&format!(": {}", wordings.join(" · ")));
    }
    let choices = response.choices.iter().map(|choice| {
        let fact = numbered_fact(contract, &choice.fact);
        format!("{fact} is {}", choice.reading)
    });
    let choices = choices.collect::<Vec<_>>().join(" and ");
    if !choices.is_empty() {
        text.push_str(&format!(" (if {choices})"));
    }
    text + match response.judgement {
        Judgement::Documented => "",
        Judgement::Several => "; which of them comes is not judged",
        Judgement::Open => "; recorded, not judged",
    }
}

/// Returns what a target must have for the case: accounts, and what only a mock offers.
fn needs(
    CaseWithLocation { case, .. }: &CaseWithLocation,
    contracts: &[&Contract],
) -> Result<Vec<String>> {
    let mut accounts = BTreeSet::new();
    for contract in contracts {
        for step in &case.steps {
            let (request, used) = runner::request_with_placeholders(step, contract);
            request?;
            accounts.extend(used.iter().map(|placeholder| placeholder.account));
        }
    }
    accounts.remove(&Account::Unknown);
    let names: Vec<&str> = accounts.iter().map(|account| account.name()).collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let mut needs = vec![format!("the account{plural} {}", names.join(", "))];
    needs.retain(|_| !names.is_empty());
    needs.extend(case.needs.iter().map(|need| match need {
        Need::AnySymbol => "a mock: its policy accepts any symbol".to_owned(),
        Need::AccountLockout | Need::Lockout => {
            "a mock: its lock-out ends with the case".to_owned()
        }
        Need::Page => "a mock: it has the documentation's example users".to_owned(),
    }));
    Ok(needs)
}

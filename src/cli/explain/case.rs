//! A case as text: what it tests, needs, sends and expects.

use std::{cell::RefCell, collections::BTreeSet};

use crate::{
    cli::{
        error::{CliError, Result},
        explain::facts::wrap,
    },
    contract::{Contract, Kind, Readings},
    runner,
    suite::{
        Account, Step, allowed,
        allowed::{AllowedResponse, Judgement},
        case::{Forbidden, Need},
        cases::CaseWithLocation,
        request,
    },
};

/// Returns the text, ending in a newline: what all kinds share, then the requests and expected answers of each kind.
///
/// # Errors
/// A case that is for none of these kinds, or a step that makes no request; a test holds all cases against the latter.
pub(super) fn text(located: &CaseWithLocation, contracts: &[&Contract]) -> Result<String> {
    let CaseWithLocation {
        case, file, line, ..
    } = located;
    let of_case = |contract: &&&Contract| case.kinds.contains(&contract.kind);
    let contracts: Vec<&Contract> = contracts.iter().filter(of_case).copied().collect();
    let mut kinds = vec![Kind::Sensor, Kind::Console];
    kinds.retain(|kind| case.kinds.contains(kind));
    let kinds = join(kinds.iter().map(|kind| kind.name()));
    if contracts.is_empty() {
        let message = format!("the case `{}` is for {kinds} only", case.id);
        return Err(CliError::usage(message));
    }
    let mut lines = Vec::new();
    wrap("", 0, &format!("{}: {}", case.id, case.title), &mut lines);
    lines.push(format!("  --> {file}:{line}"));
    item("kinds", &kinds, &mut lines);
    item("effect", case.effect.name(), &mut lines);
    if !case.tags.is_empty() {
        item("tags", &case.tags.join(", "), &mut lines);
    }
    item("needs", &needs(located, &contracts)?, &mut lines);
    if case.must_not == Some(Forbidden::Success) {
        let rule = "succeed: success is a deviation, whatever else is unspecified";
        item("must not", rule, &mut lines);
    }
    for contract in contracts {
        lines.push(format!("\n=== {}", contract.kind));
        let facts = case.covers(contract);
        // A number stays on the line of its fact.
        let facts = facts.iter().map(|fact| numbered(contract, fact));
        let facts = facts.map(|fact| fact.replace(' ', "\u{a0}"));
        let from = lines.len();
        item("facts", &facts.collect::<Vec<_>>().join(", "), &mut lines);
        for line in &mut lines[from..] {
            *line = line.replace('\u{a0}', " ");
        }
        let commands = runner::case_commands(contract.kind, case, "$TARGET");
        let commands = commands.map_err(CliError::usage)?;
        for (index, (step, command)) in case.steps.iter().zip(commands).enumerate() {
            let label = match case.steps.len() {
                1 => "request".to_owned(),
                _ => format!("step {}", index + 1),
            };
            // A command is not wrapped: it is there to be copied.
            lines.push(format!("  {label:<width$}{command}", width = INDENT - 2));
            expectation(step, contract, &mut lines)?;
        }
    }
    Ok(lines.join("\n") + "\n")
}

fn expectation(step: &Step, contract: &Contract, lines: &mut Vec<String>) -> Result<()> {
    let served = Readings::default();
    let responses = allowed::allowed_responses(&step.expect, contract, step.ask, &served);
    let responses = responses.map_err(CliError::usage)?;
    let text = |response| allowed(response, step, contract);
    let mut texts: Vec<String> = responses.iter().map(text).collect();
    texts.dedup();
    for (index, text) in texts.iter().enumerate() {
        item(if index == 0 { "expected" } else { "or" }, text, lines);
    }
    Ok(())
}

/// One allowed response: the outcome, its wordings, and the readings that lead to it.
fn allowed(response: &AllowedResponse, step: &Step, contract: &Contract) -> String {
    let outcome = response.outcome;
    let mut text = outcome.to_string();
    if let Some((_, spec)) = contract.response_spec(outcome.at(step.ask), outcome) {
        let readings = spec.body.readings();
        let wordings: Vec<&str> = readings.iter().map(|reading| reading.is.text()).collect();
        text.push_str(&format!(": {}", wordings.join(" · ")));
    }
    let choices = response.choices.iter();
    let choices =
        choices.map(|choice| format!("{} is {}", numbered(contract, &choice.fact), choice.reading));
    let choices = choices.collect::<Vec<_>>().join(" and ");
    if !choices.is_empty() {
        text.push_str(&format!(" (if {choices})"));
    }
    text.push_str(match response.judgement {
        Judgement::Documented => "",
        Judgement::OrderUnspecified => "; the order is not judged",
        Judgement::Unspecified => "; recorded, not judged",
    });
    text
}

/// What the case needs: the accounts that the steps name, and what only a mock has.
fn needs(
    CaseWithLocation { case, .. }: &CaseWithLocation,
    contracts: &[&Contract],
) -> Result<String> {
    let accounts: RefCell<BTreeSet<Account>> = RefCell::default();
    for contract in contracts {
        for step in &case.steps {
            let built = request::build(step, contract, &Readings::default(), &|placeholder| {
                accounts.borrow_mut().insert(placeholder.account);
                Ok(placeholder.to_string())
            });
            built.map_err(CliError::usage)?;
        }
    }
    let mut accounts = accounts.into_inner();
    accounts.remove(&Account::Unknown);
    let names = join(accounts.iter().map(|account| account.name()));
    let accounts = match accounts.len() {
        0 => None,
        1 => Some(format!("the account {names}")),
        _ => Some(format!("the accounts {names}")),
    };
    let offered = case.needs.iter().map(|need| match need {
        Need::AnySymbol => "a mock: its policy accepts any symbol",
        Need::Lockout => "a mock: its lock-out ends with the case",
        Need::Page => "a mock: it has the documentation's example users",
    });
    let mut needs: Vec<String> = accounts.into_iter().collect();
    needs.extend(offered.map(str::to_owned));
    Ok(if needs.is_empty() {
        "nothing".into()
    } else {
        needs.join("; ")
    })
}

fn join<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn numbered(contract: &Contract, fact: &str) -> String {
    let number = contract.ambiguity_number(fact);
    number.map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

fn item(label: &str, text: &str, lines: &mut Vec<String>) {
    wrap(&format!("  {label}"), INDENT, text, lines);
}

/// The column of the items, as in the report.
const INDENT: usize = 12;

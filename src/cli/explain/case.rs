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
        cases,
        cases::CaseWithLocation,
        request,
    },
};

/// Returns the case of an id, if there is one.
pub(super) fn find(id: &str) -> Option<&'static CaseWithLocation> {
    cases::all().iter().find(|located| located.case.id == id)
}

/// Returns the text, ending in a newline: what all kinds share, then the requests and expected answers of each kind.
///
/// # Errors
/// A case that is for none of these kinds, or a step that makes no request; a test holds all cases against the latter.
pub(super) fn text(located: &CaseWithLocation, contracts: &[&Contract]) -> Result<String> {
    let case = &located.case;
    let contracts: Vec<&&Contract> = contracts
        .iter()
        .filter(|contract| case.kinds.contains(&contract.kind))
        .collect();
    if contracts.is_empty() {
        let (id, kinds) = (&case.id, kinds(&case.kinds));
        return Err(CliError::usage(format!(
            "the case `{id}` is for {kinds} only"
        )));
    }
    let mut lines = Vec::new();
    wrap("", 0, &format!("{}: {}", case.id, case.title), &mut lines);
    lines.push(format!("  --> {}:{}", located.file, located.line));
    item("kinds", &kinds(&case.kinds), &mut lines);
    item("effect", case.effect.name(), &mut lines);
    if !case.tags.is_empty() {
        item("tags", &case.tags.join(", "), &mut lines);
    }
    item("needs", &needs(located, &contracts)?, &mut lines);
    if case.must_not == Some(Forbidden::Success) {
        item(
            "must not",
            "succeed: success is a deviation, whatever else is unspecified",
            &mut lines,
        );
    }
    for contract in contracts {
        lines.push(String::new());
        lines.push(format!("=== {}", contract.kind));
        of_kind(located, contract, &mut lines)?;
    }
    Ok(lines.join("\n") + "\n")
}

/// Adds the requests and expected answers of one kind.
fn of_kind(located: &CaseWithLocation, contract: &Contract, lines: &mut Vec<String>) -> Result<()> {
    let case = &located.case;
    let facts: Vec<String> = case
        .covers(contract)
        .iter()
        .map(|fact| numbered(contract, fact))
        .collect();
    // A number stays on the line of its fact.
    let from = lines.len();
    item(
        "facts",
        &facts
            .iter()
            .map(|fact| fact.replace(' ', "\u{a0}"))
            .collect::<Vec<_>>()
            .join(", "),
        lines,
    );
    lines[from..]
        .iter_mut()
        .for_each(|line| *line = line.replace('\u{a0}', " "));
    for (index, (step, command)) in case
        .steps
        .iter()
        .zip(runner::case_commands(contract.kind, case, "$TARGET").map_err(CliError::usage)?)
        .enumerate()
    {
        let label = if case.steps.len() == 1 {
            "request".to_owned()
        } else {
            format!("step {}", index + 1)
        };
        // A command is not wrapped: it is there to be copied.
        lines.push(format!("  {label:<width$}{command}", width = INDENT - 2));
        expectation(step, contract, lines)?;
    }
    Ok(())
}

fn expectation(step: &Step, contract: &Contract, lines: &mut Vec<String>) -> Result<()> {
    let mut answers: Vec<String> =
        allowed::allowed_responses(&step.expect, contract, step.ask, &Readings::default())
            .map_err(CliError::usage)?
            .iter()
            .map(|branch| allowed(branch, step, contract))
            .collect();
    answers.dedup();
    for (index, branch) in answers.iter().enumerate() {
        item(if index == 0 { "expected" } else { "or" }, branch, lines);
    }
    Ok(())
}

/// One allowed response: the outcome, its wordings, and the readings that lead to it.
fn allowed(branch: &AllowedResponse, step: &Step, contract: &Contract) -> String {
    let spec = contract.response_spec(branch.outcome.at(step.ask), branch.outcome);
    let wordings: Vec<&str> = spec
        .map(|(_, said)| {
            said.body
                .readings()
                .iter()
                .map(|reading| reading.is.text())
                .collect()
        })
        .unwrap_or_default();
    let mut text = branch.outcome.to_string();
    if !wordings.is_empty() {
        text.push_str(&format!(": {}", wordings.join(" · ")));
    }
    if !branch.choices.is_empty() {
        let choices: Vec<String> = branch
            .choices
            .iter()
            .map(|choice| format!("{} is {}", numbered(contract, &choice.fact), choice.reading))
            .collect();
        text.push_str(&format!(" (if {})", choices.join(" and ")));
    }
    match branch.judgement {
        Judgement::Documented => {}
        Judgement::OrderUnspecified => text.push_str("; the order is not judged"),
        Judgement::Unspecified => text.push_str("; recorded, not judged"),
    }
    text
}

/// What the case needs: the accounts that the steps name, and what only a mock has.
fn needs(located: &CaseWithLocation, contracts: &[&&Contract]) -> Result<String> {
    let accounts: RefCell<BTreeSet<Account>> = RefCell::default();
    for (contract, step) in contracts
        .iter()
        .flat_map(|contract| located.case.steps.iter().map(move |step| (contract, step)))
    {
        request::build(step, contract, &Readings::default(), &|placeholder| {
            accounts.borrow_mut().insert(placeholder.account);
            Ok(placeholder.to_string())
        })
        .map_err(CliError::usage)?;
    }
    let accounts = accounts.into_inner();
    let named: Vec<&str> = accounts
        .iter()
        .filter(|account| **account != Account::Unknown)
        .map(|account| account.name())
        .collect();
    let mut needs = match named.len() {
        0 => Vec::new(),
        1 => vec![format!("the account {}", named[0])],
        _ => vec![format!("the accounts {}", named.join(", "))],
    };
    needs.extend(
        located
            .case
            .needs
            .iter()
            .map(|need| offered(*need).to_owned()),
    );
    Ok(if needs.is_empty() {
        "nothing".into()
    } else {
        needs.join("; ")
    })
}

fn offered(need: Need) -> &'static str {
    match need {
        Need::AnySymbol => "a mock: its policy accepts any symbol",
        Need::Lockout => "a mock: its lock-out ends with the case",
        Need::Page => "a mock: it has the documentation's example users",
    }
}

fn numbered(contract: &Contract, fact: &str) -> String {
    contract
        .ambiguity_number(fact)
        .map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

fn kinds(kinds: &[Kind]) -> String {
    [Kind::Sensor, Kind::Console]
        .iter()
        .filter(|kind| kinds.contains(kind))
        .map(|kind| kind.name())
        .collect::<Vec<_>>()
        .join(", ")
}

fn item(label: &str, text: &str, lines: &mut Vec<String>) {
    wrap(&format!("  {label}"), INDENT, text, lines);
}

/// The column of the items, as in the report.
const INDENT: usize = 12;

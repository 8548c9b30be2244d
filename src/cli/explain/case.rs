//! A case told: what it finds out, what it needs, what it sends, what it expects.

use std::{cell::RefCell, collections::BTreeSet};

use crate::{
    cli::explain::layout::wrap,
    conformance::{
        Account, Step,
        case::{Forbidden, Need},
        expected,
        expected::{Branch, Standing},
        request, suite,
        suite::Located,
    },
    contract::{Contract, Kind, Readings},
    runner,
};

/// Returns the case of an id, if there is one.
pub(super) fn find(id: &str) -> Option<&'static Located> {
    suite::all().iter().find(|located| located.case.id == id)
}

/// Returns the text, ending in a newline: once what holds for every kind, then what each of these kinds is sent and should answer.
///
/// # Errors
/// A case that is for none of these kinds, or a step that makes no request; a test holds all cases against the latter.
pub(super) fn text(located: &Located, laws: &[&Contract]) -> Result<String, String> {
    let case = &located.case;
    let laws: Vec<&&Contract> = laws
        .iter()
        .filter(|law| case.kinds.contains(&law.kind))
        .collect();
    if laws.is_empty() {
        return Err(format!(
            "the case `{}` is for {} only",
            case.id,
            kinds(&case.kinds)
        ));
    }
    let mut lines = Vec::new();
    wrap("", 0, &format!("{}: {}", case.id, case.title), &mut lines);
    lines.push(format!("  --> {}:{}", located.file, located.line));
    item("kinds", &kinds(&case.kinds), &mut lines);
    item("effect", runner::effect(case.effect), &mut lines);
    if !case.tags.is_empty() {
        item("tags", &case.tags.join(", "), &mut lines);
    }
    item("needs", &needs(located, &laws)?, &mut lines);
    if case.must_not == Some(Forbidden::Success) {
        item(
            "must not",
            "succeed: that is a deviation, whatever else is left open",
            &mut lines,
        );
    }
    for law in laws {
        lines.push(String::new());
        lines.push(format!("=== {}", law.kind));
        told(located, law, &mut lines)?;
    }
    Ok(lines.join("\n") + "\n")
}

/// Adds what one kind is sent and should answer.
fn told(located: &Located, law: &Contract, lines: &mut Vec<String>) -> Result<(), String> {
    let case = &located.case;
    let facts: Vec<String> = case
        .covers(law)
        .iter()
        .map(|fact| numbered(law, fact))
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
        .zip(runner::case_commands(law.kind, case, "$TARGET")?)
        .enumerate()
    {
        let label = if case.steps.len() == 1 {
            "request".to_owned()
        } else {
            format!("step {}", index + 1)
        };
        // A command is not wrapped: it is there to be copied.
        lines.push(format!("  {label:<width$}{command}", width = INDENT - 2));
        expectation(step, law, lines)?;
    }
    Ok(())
}

fn expectation(step: &Step, law: &Contract, lines: &mut Vec<String>) -> Result<(), String> {
    let mut told: Vec<String> =
        expected::branches(&step.expect, law, step.ask, &Readings::default())?
            .iter()
            .map(|branch| lawful(branch, step, law))
            .collect();
    told.dedup();
    for (index, branch) in told.iter().enumerate() {
        item(if index == 0 { "expected" } else { "or" }, branch, lines);
    }
    Ok(())
}

/// One lawful answer: the outcome, its wordings, and the readings that lead to it.
fn lawful(branch: &Branch, step: &Step, law: &Contract) -> String {
    let spec = law.response_spec(branch.outcome.at(step.ask), branch.outcome);
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
            .map(|choice| format!("{} is {}", numbered(law, &choice.fact), choice.reading))
            .collect();
        text.push_str(&format!(" (where {})", choices.join(" and ")));
    }
    match branch.standing {
        Standing::Said => {}
        Standing::Unordered => text.push_str("; which of them comes first is not judged"),
        Standing::Silent => text.push_str("; recorded, not judged"),
    }
    text
}

/// What must be there: the accounts that the steps name, and what only a mock can offer.
fn needs(located: &Located, laws: &[&&Contract]) -> Result<String, String> {
    let accounts: RefCell<BTreeSet<Account>> = RefCell::default();
    for (law, step) in laws
        .iter()
        .flat_map(|law| located.case.steps.iter().map(move |step| (law, step)))
    {
        request::build(step, law, &Readings::default(), &|placeholder| {
            accounts.borrow_mut().insert(placeholder.account);
            Ok(placeholder.to_string())
        })?;
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
        Need::AnySymbol => "a mock, whose policy is known to take any symbol",
        Need::Lockout => "a mock, with a lock-out that ends with the case",
        Need::Page => "a mock, with the users of the documents' examples",
    }
}

fn numbered(law: &Contract, fact: &str) -> String {
    law.ambiguity_number(fact)
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

/// How far to the right the items stand, as in the report.
const INDENT: usize = 12;

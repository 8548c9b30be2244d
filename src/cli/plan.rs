//! `plan`: what check would send, in order, with effects and costs; nothing is sent.

use std::io::Write;

use crate::{
    cli::{
        check, code,
        console::Console,
        error::{CliError, Result},
        write_out,
    },
    contract,
    contract::Kind,
    runner,
    runner::live::{CasePhase, PlannedCase, PreparedRun, undo},
    suite::{Account, Effect, cases::CaseWithLocation},
};

/// Prints the plan.
pub(super) fn run(options: &check::CheckArgs, out: &mut dyn Write, console: &Console) -> Result {
    let text = if options.target.target.is_some() {
        let run = options.target.prepare(&options.selection, options.repeat)?;
        if run.plan.is_empty() {
            return Err(options.selection.nothing());
        }
        for warning in &run.warnings {
            console.warning(warning);
        }
        live_plan(&run, options.target.max_auth_failures)?
    } else {
        mock_plan(options)?
    };
    write_out(out, text)?;
    Ok(code::SUCCESS)
}

/// The plan for built-in mocks: the cases in order.
fn mock_plan(options: &check::CheckArgs) -> Result<String> {
    let mut text = String::new();
    for kind in options.selection.kinds() {
        let cases = options.selection.cases(kind)?;
        for located in &cases {
            text.push_str(&entry(kind, located, "$TARGET", "")?);
        }
        if !cases.is_empty() {
            text.push_str(&sum(kind, &cases));
        }
    }
    if text.is_empty() {
        return Err(options.selection.nothing());
    }
    Ok(text)
}

/// The plan for a target: the phases in order, the cost of each case, and what is left out.
fn live_plan(run: &PreparedRun, budget: u32) -> Result<String> {
    let (kind, address, plan) = (run.context.kind, run.context.target.address(), &run.plan);
    let mut text = format!("{kind} {address}\n\n{PROBE}\n");
    for command in runner::probe_commands(kind, address) {
        text.push_str(&format!("  {command}\n"));
    }
    let mut phase = None;
    for planned in &plan.cases {
        if phase != Some(planned.phase) {
            text.push_str(&format!("\n{}\n", heading(planned.phase)));
            if planned.phase == CasePhase::Mutating {
                for account in &plan.objects {
                    text.push_str(&undo_requests(kind, *account, address));
                }
            }
            phase = Some(planned.phase);
        }
        text.push_str(&entry(kind, planned.located, address, &cost(planned))?);
    }
    if !plan.left_out.is_empty() {
        text.push_str("\nleft out: not-judged\n");
    }
    for (located, reason) in &plan.left_out {
        let effect = located.case.effect.name();
        text.push_str(&format!("{} ({effect}): {reason}\n", located.case.id));
    }
    let cases: Vec<&CaseWithLocation> = plan.cases.iter().map(|planned| planned.located).collect();
    let spent: u32 = plan.cases.iter().map(|planned| planned.cost).sum();
    text.push_str(&format!(
        "\n{}{} left out; {spent} of {budget} failed sign-ins used up; nothing was sent\n",
        sum(kind, &cases),
        plan.left_out.len()
    ));
    Ok(text)
}

/// Returns the run's own requests about one account.
fn undo_requests(kind: Kind, account: Account, address: &str) -> String {
    let labels = [
        "validated before the changes, and after each with the password that should be current",
        "its password set to itself, before any change",
        "restored by the user",
        "or else by the administrator",
    ];
    let commands = undo::undo_commands(contract::of(kind), account, address);
    let lines = labels.into_iter().zip(commands);
    lines.fold(
        format!("account `{}`\n", account.name()),
        |text, (label, command)| format!("{text}  {label}:\n    {command}\n"),
    )
}

fn heading(phase: CasePhase) -> &'static str {
    match phase {
        CasePhase::ReadOnly => "without effect",
        CasePhase::Mutating => {
            "changes: after each request a validation finds the current password; after each case the original is restored and validated"
        }
        CasePhase::AuthFailure => {
            "failed sign-ins, when everything is restored; the cases that cover most facts first"
        }
    }
}

fn cost(planned: &PlannedCase) -> String {
    match planned.cost {
        0 => String::new(),
        1 => ", costs 1 failed sign-in".to_owned(),
        cost => format!(", costs {cost} failed sign-ins"),
    }
}

fn entry(kind: Kind, located: &CaseWithLocation, address: &str, cost: &str) -> Result<String> {
    let case = &located.case;
    let mut text = format!(
        "{kind} {} ({}{cost})  {}:{}\n",
        case.id,
        case.effect.name(),
        located.file,
        located.line
    );
    for command in runner::case_commands(kind, case, address).map_err(CliError::usage)? {
        text.push_str(&format!("  {command}\n"));
    }
    Ok(text)
}

fn sum(kind: Kind, cases: &[&CaseWithLocation]) -> String {
    let count = |effect: Effect| {
        cases
            .iter()
            .filter(|located| located.case.effect == effect)
            .count()
    };
    let requests: usize = cases.iter().map(|located| located.case.steps.len()).sum();
    let effects = format!(
        "{} without effect, {} that may fail to sign in, {} that may change a password",
        count(Effect::None),
        count(Effect::AuthFailure),
        count(Effect::PasswordChange)
    );
    format!(
        "{kind}: {} cases, {requests} requests: {effects}\n",
        cases.len()
    )
}

const PROBE: &str = "first: which paths the target serves, with GET; if that does not show it, with POST of {} as far as the budget of failed sign-ins allows";

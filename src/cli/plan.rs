//! `plan`: what check would send, in order, with effects and costs; nothing is sent.

use crate::{
    cli::{
        check::CheckArgs,
        console::Console,
        error::{CliError, Result},
        print,
    },
    contract,
    contract::Kind,
    runner,
    runner::live::{CasePhase, PreparedRun, undo},
    suite::{Account, Effect, cases::CaseWithLocation},
};

/// Prints the plan.
pub(super) fn run(options: &CheckArgs, console: &Console) -> Result {
    if options.target.target.is_none() {
        return print(mock_plan(options)?);
    }
    let run = options.target.prepare(&options.selection, options.repeat)?;
    for warning in &run.warnings {
        console.warning(warning);
    }
    print(live_plan(&run, options.target.max_auth_failures)?)
}

/// The plan for built-in mocks: the cases in order.
fn mock_plan(options: &CheckArgs) -> Result<String> {
    let mut text = String::new();
    for kind in options.selection.kinds() {
        let cases = options.selection.cases(kind)?;
        for located in &cases {
            text.push_str(&entry(kind, located, "$TARGET", 0)?);
        }
        if !cases.is_empty() {
            text.push_str(&sum(kind, &cases));
        }
    }
    if text.is_empty() {
        Err(options.selection.nothing())
    } else {
        Ok(text)
    }
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
        if phase.replace(planned.phase) != Some(planned.phase) {
            text.push_str(&format!("\n{}\n", heading(planned.phase)));
            if planned.phase == CasePhase::Mutating {
                let requests = |account: &Account| undo_requests(kind, *account, address);
                text.extend(plan.objects.iter().map(requests));
            }
        }
        text.push_str(&entry(kind, planned.located, address, planned.cost)?);
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
    let (sum, left_out) = (sum(kind, &cases), plan.left_out.len());
    Ok(format!(
        "{text}\n{sum}{left_out} left out; {spent} of {budget} failed sign-ins used up; nothing was sent\n"
    ))
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
    let lines = lines.map(|(label, command)| format!("  {label}:\n    {command}\n"));
    format!(
        "account `{}`\n{}",
        account.name(),
        lines.collect::<String>()
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

fn entry(kind: Kind, located: &CaseWithLocation, address: &str, cost: u32) -> Result<String> {
    let CaseWithLocation {
        case, file, line, ..
    } = located;
    let cost = match cost {
        0 => String::new(),
        1 => ", costs 1 failed sign-in".to_owned(),
        cost => format!(", costs {cost} failed sign-ins"),
    };
    let (id, effect) = (&case.id, case.effect.name());
    let commands = runner::case_commands(kind, case, address).map_err(CliError::usage)?;
    let commands = commands.iter().map(|command| format!("  {command}\n"));
    let commands: String = commands.collect();
    Ok(format!(
        "{kind} {id} ({effect}{cost})  {file}:{line}\n{commands}"
    ))
}

fn sum(kind: Kind, cases: &[&CaseWithLocation]) -> String {
    let of = |effect| {
        let effects = cases.iter().map(|located| located.case.effect);
        effects.filter(|other| *other == effect).count()
    };
    let requests: usize = cases.iter().map(|located| located.case.steps.len()).sum();
    format!(
        "{kind}: {} cases, {requests} requests: {} without effect, {} that may fail to sign in, {} that may change a password\n",
        cases.len(),
        of(Effect::None),
        of(Effect::AuthFailure),
        of(Effect::PasswordChange)
    )
}

const PROBE: &str = "first: which paths the target serves, with GET; if that does not show it, with POST of {} as far as the budget of failed sign-ins allows";

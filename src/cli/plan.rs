//! `plan`: what check would send, in order, with effects and costs; nothing is sent.

use std::io::Write;

use crate::{
    cli::{check, code, talk::Talk, target::Aim},
    conformance::{Account, Effect, suite::Located},
    contract::Kind,
    runner,
    runner::{
        order::{Phase, Planned},
        undo,
    },
};

/// Prints the plan and returns the exit code.
pub fn run(options: &check::Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    if options.target.target.is_none() {
        return talk.code(print(options, out, talk));
    }
    match options.target.aim(&options.selection, options.repeat) {
        Ok(aim) if aim.is_empty() => nothing(talk),
        Ok(aim) => {
            aim.warnings
                .iter()
                .for_each(|warning| talk.warning(warning));
            talk.code(visit(&aim, options.target.max_auth_failures, out))
        }
        Err((code, text)) => {
            talk.error(text);
            code
        }
    }
}

fn print(options: &check::Options, out: &mut dyn Write, talk: &Talk) -> Result<u8, String> {
    let kinds = options
        .selection
        .kind
        .map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
    let mut selected = 0;
    for kind in kinds {
        let cases = options.selection.cases(kind)?;
        let mut text = String::new();
        for located in &cases {
            text.push_str(&entry(kind, located, "$TARGET", "")?);
        }
        text.push_str(&sum(kind, &cases));
        if cases.is_empty() {
            continue;
        }
        selected += cases.len();
        if out.write_all(text.as_bytes()).is_err() {
            return Ok(code::GOOD); // The reader has seen enough.
        }
    }
    if selected > 0 {
        return Ok(code::GOOD);
    }
    Ok(nothing(talk))
}

fn nothing(talk: &Talk) -> u8 {
    talk.error("no case is selected, so nothing would be sent\n  hint: `d4iot-double plan` without options lists them all");
    code::NOTHING
}

/// The plan at a target: the phases in order, what each case costs, and what is left out.
fn visit(aim: &Aim, failures: u32, out: &mut dyn Write) -> Result<u8, String> {
    let (kind, address) = (aim.lab.kind, aim.lab.target.address());
    let mut text = format!(
        "{kind} {address}\n\nfirst: which paths it serves, by GET; where that does not tell, by POST of {{}} where the budget of failed sign-ins has room for each of them\n"
    );
    runner::probes(kind, address)
        .into_iter()
        .for_each(|command| text.push_str(&format!("  {command}\n")));
    let mut phase = None;
    for planned in &aim.plan.cases {
        if phase != Some(planned.phase) {
            text.push_str(&format!("\n{}\n", heading(planned.phase)));
            if planned.phase == Phase::Change {
                for account in &aim.plan.objects {
                    text.push_str(&rites(kind, *account, address));
                }
            }
            phase = Some(planned.phase);
        }
        text.push_str(&entry(kind, planned.located, address, &cost(planned))?);
    }
    if !aim.plan.left_out.is_empty() {
        text.push_str("\nleft out: not-judged\n");
    }
    for (located, reason) in &aim.plan.left_out {
        text.push_str(&format!(
            "{} ({}): {reason}\n",
            located.case.id,
            runner::effect(located.case.effect)
        ));
    }
    let cases: Vec<&Located> = aim
        .plan
        .cases
        .iter()
        .map(|planned| planned.located)
        .collect();
    let spent: u32 = aim.plan.cases.iter().map(|planned| planned.cost).sum();
    text.push_str(&format!(
        "\n{}{} left out; {spent} of {failures} failed sign-ins used up; nothing was sent\n",
        sum(kind, &cases),
        aim.plan.left_out.len()
    ));
    // A reader that closes the pipe has seen enough.
    drop(out.write_all(text.as_bytes()));
    Ok(code::GOOD)
}

/// What is sent round the changes of one account.
fn rites(kind: Kind, account: Account, address: &str) -> String {
    let said = [
        "validated before, and after each change with the password that should hold",
        "its password put in its own place, before any change",
    ];
    let undone = ["given back by itself", "or else by the administrator"];
    let lines = said
        .into_iter()
        .chain(undone)
        .zip(undo::commands(kind, account, address));
    lines.fold(
        format!("account `{}`\n", account.name()),
        |text, (what, command)| format!("{text}  {what}:\n    {command}\n"),
    )
}

fn heading(phase: Phase) -> &'static str {
    match phase {
        Phase::Plain => "without effect",
        Phase::Change => {
            "changes: after each request a validation finds out which password holds; after each case the password is given back and that is proven"
        }
        Phase::Failure => {
            "failed sign-ins, when everything is given back; those that tell most first"
        }
    }
}

fn cost(planned: &Planned) -> String {
    if planned.cost == 0 {
        String::new()
    } else {
        format!(", costs {} failed sign-in(s)", planned.cost)
    }
}

fn entry(kind: Kind, located: &Located, address: &str, cost: &str) -> Result<String, String> {
    let case = &located.case;
    let mut text = format!(
        "{kind} {} ({}{cost})  {}:{}\n",
        case.id,
        runner::effect(case.effect),
        located.file,
        located.line
    );
    for command in runner::planned(kind, case, address)? {
        text.push_str(&format!("  {command}\n"));
    }
    Ok(text)
}

fn sum(kind: Kind, cases: &[&Located]) -> String {
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

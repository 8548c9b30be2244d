//! `plan`: what check would send, in order, with effects; nothing is sent.

use std::io::Write;

use clap::Args;

use crate::cli::code;
use crate::cli::selection::Selection;
use crate::cli::talk::Talk;
use crate::conformance::Effect;
use crate::contract::Kind;
use crate::runner;

/// What plan is told.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    selection: Selection,
}

/// Prints the plan and returns the exit code.
pub fn run(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    talk.code(print(options, out, talk))
}

fn print(options: &Options, out: &mut dyn Write, talk: &Talk) -> Result<u8, String> {
    let kinds = options.selection.kind.map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
    let mut selected = 0;
    for kind in kinds {
        let cases = options.selection.cases(kind)?;
        let mut text = String::new();
        for located in &cases {
            let case = &located.case;
            text.push_str(&format!("{kind} {} ({})  {}:{}\n", case.id, runner::effect(case.effect), located.file, located.line));
            for command in runner::planned(kind, case)? {
                text.push_str(&format!("  {command}\n"));
            }
        }
        let count = |effect: Effect| cases.iter().filter(|located| located.case.effect == effect).count();
        let requests: usize = cases.iter().map(|located| located.case.steps.len()).sum();
        let effects = format!(
            "{} without effect, {} that may fail to sign in, {} that may change a password",
            count(Effect::None),
            count(Effect::AuthFailure),
            count(Effect::PasswordChange)
        );
        text.push_str(&format!("{kind}: {} cases, {requests} requests: {effects}\n", cases.len()));
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
    talk.error("no case is selected, so nothing would be sent\n  hint: `d4iot-double plan` without options lists them all");
    Ok(code::NOTHING)
}

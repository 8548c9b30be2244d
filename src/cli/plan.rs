//! `plan`: what check would send, in order, with effects and costs; nothing is sent.

use serde_json::{Value, json};

use crate::{
    cli::{
        check::CheckArgs,
        console::Console,
        error::{CliError, Result},
        print,
    },
    contract,
    contract::{Kind, Operation},
    report, runner,
    runner::live::{PreparedRun, plan::WRONG_PASSWORD, undo},
    suite::{Account, Property, cases::CaseWithLocation},
};

/// Prints the plan.
pub(super) fn run(options: &CheckArgs, console: &Console) -> Result {
    if !options.report.is_empty() {
        console.warning("plan sends nothing and writes no report: --report is for check");
    }
    if options.target.targets.is_some() {
        let error = CliError::usage("plan shows what is sent to one target");
        return Err(error.hint("name a TARGET of the list"));
    }
    let plans = if options.target.target.is_none() {
        mock_plans(options)?
    } else {
        let run = options.target.prepare(&options.selection, options.repeat)?;
        let warnings = run.warnings.iter();
        warnings.for_each(|warning| console.warning(warning));
        vec![live_plan(&run)?]
    };
    let template = include_str!("templates/plan.jinja");
    print(report::plain(template, json!({ "plans": plans })))
}

/// Returns the plans for the built-in mocks, with `$TARGET` for their address.
fn mock_plans(options: &CheckArgs) -> Result<Vec<Value>> {
    let mut plans = Vec::new();
    for kind in options.selection.kinds() {
        let cases = options.selection.cases(kind)?.into_iter();
        let cases = cases.map(|located| planned_case(kind, located, "$TARGET"));
        let cases: Vec<Value> = cases.collect::<Result<_>>()?;
        if !cases.is_empty() {
            plans.push(json!({ "kind": kind, "address": null, "cases": cases, "left_out": [] }));
        }
    }
    if plans.is_empty() {
        return Err(options.selection.nothing());
    }
    Ok(plans)
}

/// Returns the plan for a target: what is sent in which order, how each change is undone, and what is left out.
fn live_plan(run: &PreparedRun) -> Result<Value> {
    use Operation::{SetPassword, SetPasswordByAdmin, Validation};
    use Property::{NewPassword, Password, WrongPassword};
    let (kind, address, plan) = (run.context.kind, run.context.target.address(), &run.plan);
    let mut cases = Vec::new();
    for planned in &plan.cases {
        let mut case = planned_case(kind, planned.located, address)?;
        case["phase"] = json!(planned.phase);
        case["cost"] = json!(planned.cost);
        cases.push(case);
    }
    let own = |request, current| undo::own_command(contract::of(kind), request, current, address);
    let accounts = plan.objects.iter().map(|account: &Account| {
        let to = |operation| (operation, *account);
        let commands = [
            own(to(Validation), Password),
            own(to(SetPassword), Password),
            own(to(SetPassword), NewPassword),
            own(to(SetPasswordByAdmin), NewPassword),
        ];
        json!({ "name": account.name(), "commands": commands })
    });
    let mut present = run.context.accounts.present();
    present.remove(&Account::Unknown);
    let present = present.iter();
    let validations = present.map(|account| own((Validation, *account), Password));
    let mut planned = plan.cases.iter();
    let is_asked = planned.any(|planned| planned.located.case.id == WRONG_PASSWORD);
    let object = plan.objects.first().filter(|_| !is_asked);
    let wrong = object.map(|account| own((Validation, *account), WrongPassword));
    let left_out = plan.left_out.iter().map(|(located, reason)| {
        let case = &located.case;
        json!({ "id": case.id, "effect": case.effect.name(), "reason": reason.text, "code": reason.code })
    });
    Ok(json!({
        "kind": kind,
        "address": address,
        "probes": runner::probe_commands(kind, address),
        "validations": validations.collect::<Vec<_>>(),
        "wrong": wrong,
        "cases": cases,
        "accounts": accounts.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
        "used": run.sign_ins.count(),
        "budget": run.sign_ins.limit(),
    }))
}

fn planned_case(kind: Kind, located: &CaseWithLocation, address: &str) -> Result<Value> {
    let case = &located.case;
    Ok(json!({
        "id": case.id,
        "effect": case.effect.name(),
        "file": located.file,
        "line": located.line,
        "commands": runner::case_commands(kind, case, address)?,
    }))
}

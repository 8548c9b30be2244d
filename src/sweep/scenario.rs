//! Which scenarios there are: each failure mode at each call that the client made in the clean run, and each reading that it saw.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::{LeftOut, Sweep, SweepError, glob, unknown};
use crate::{
    contract,
    contract::{ClosedSet, Contract, Glob, Operation, Outcome, closed_set, nearest},
    failure::{Certificate, FailureMode},
    fixture,
    fixture::{Diagnostic, Fixture},
    journal::EntryView,
};

closed_set! {
    /// What a client is to do, in the words of password managers.
    #[non_exhaustive]
    Task, "task" {
        /// Changes a user's password by the old one: `set_password`.
        Change = "change",
        /// Sets a user's password, whose old one is not known, as an administrator: `set_password_by_admin`.
        Reconcile = "reconcile",
        /// Checks a user's password: `validation`.
        Verify = "verify",
    }
}

closed_set! {
    /// At which calls of a client a failure mode happens.
    #[non_exhaustive]
    At, "choice" {
        /// At each in turn, and from there on.
        Always = "always",
        /// At each in turn, once.
        Each = "each",
        /// At the first that it can happen to, once.
        First = "first",
    }
}

/// A call that a client made, as far as failure modes ask for it.
#[derive(Clone, Debug)]
pub(super) struct CleanCall {
    pub(super) operation: Option<Operation>,
    pub(super) outcome: Outcome,
    pub(super) connection: u64,
    pub(super) user: Option<String>,
}

impl CleanCall {
    /// Returns a call by its entry in the journal.
    pub(super) fn of(entry: &EntryView) -> CleanCall {
        CleanCall {
            operation: entry.operation.and_then(Operation::named),
            outcome: entry.judged.parse().unwrap_or(Outcome::BadRequest),
            connection: entry.connection,
            user: entry.user.clone(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.operation.map_or("none", Operation::name)
    }

    pub(super) fn is_change(&self) -> bool {
        self.operation.is_some_and(Operation::is_change)
    }
}

/// A client's task on an appliance that fails in one way.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) task: Task,
    /// The failure modes, already scheduled; none for a reading.
    pub(super) modes: Vec<FailureMode>,
    /// A fact and its reading.
    pub(super) reading: Option<(String, String)>,
    /// The call that it happens at, from 1.
    pub(super) call: Option<usize>,
    /// What a good client does, if that is known.
    pub(super) advice: Option<String>,
    /// The connections that show a certificate no client should accept, from 1.
    pub(super) untrusted: Option<RangeInclusive<u64>>,
}

/// A place where a failure mode can happen: the call, from 1, and the how many-th of what the mode counts it is.
type Occasion = (usize, u64);

/// Returns the scenarios of a task, and the failure modes that cannot happen in it.
pub(super) fn plan(
    sweep: &Sweep,
    fixture: &Fixture,
    modes: &[FailureMode],
    task: Task,
    calls: &[CleanCall],
) -> Result<(Vec<Scenario>, Vec<LeftOut>), SweepError> {
    let (mut scenarios, mut left_out) = (Vec::new(), Vec::new());
    let (at, has_pairs) = sweep.occurrence();
    for mode in modes {
        let occasions = occasions(mode, calls);
        if let (true, None, Some(reason)) = (occasions.is_empty(), &sweep.scenario, why_not(mode)) {
            let mode = mode.name.clone();
            left_out.push(LeftOut { task, mode, reason });
        }
        let most = if at == At::First { 1 } else { usize::MAX };
        for occasion in occasions.into_iter().take(most) {
            scenarios.push(single(fixture, task, mode, occasion, at)?);
        }
    }
    if has_pairs {
        let pairs = pairs(fixture, task, modes, calls)?;
        if pairs.is_empty() {
            let reason =
                "no two of the chosen failures can happen to a change and to a call after it";
            let (mode, reason) = ("pairs".to_owned(), reason.to_owned());
            left_out.push(LeftOut { task, mode, reason });
        }
        scenarios.extend(pairs);
    }
    scenarios.extend(readings(sweep, fixture, task, calls)?);
    Ok((scenarios, left_out))
}

/// The fixture's own modes and the ready-made ones, as far as they are chosen.
pub(super) fn chosen_modes(
    sweep: &Sweep,
    fixture: &Fixture,
) -> Result<Vec<FailureMode>, SweepError> {
    let ready_made = fixture::READY_MADE.iter();
    let mut modes: Vec<FailureMode> = ready_made
        .filter_map(|it| fixture::ready_made(it))
        .collect();
    modes.retain(|mode| fixture.failures.iter().all(|own| own.name != mode.name));
    modes.extend(fixture.failures.iter().cloned());
    if sweep.chooses_nothing() {
        return Ok(modes);
    }
    let mut globs = Vec::new();
    for wanted in &sweep.failures {
        let glob = glob("--fail", wanted)?;
        if !modes.iter().any(|mode| glob.is_match(&mode.name)) {
            let own = fixture.failures.iter().map(|mode| mode.name.as_str());
            let near = fixture::nearest_mode(wanted, own);
            return Err(unknown("--fail", wanted, "failure mode", near));
        }
        globs.push(glob);
    }
    modes.retain(|mode| globs.iter().any(|glob| glob.is_match(&mode.name)));
    Ok(modes)
}

fn applies_to(mode: &FailureMode, call: &CleanCall) -> bool {
    mode.applies_to(call.operation, Some(call.outcome), call.user.as_deref())
}

/// Returns where a mode can happen: of a mode for connections, at the first call of each.
fn occasions(mode: &FailureMode, calls: &[CleanCall]) -> Vec<Occasion> {
    let numbered = calls.iter().zip(1..);
    if mode.action.is_connection_level() {
        let mut last = 0;
        let first_calls = numbered.filter(|(call, _)| {
            let is_new = call.connection > last;
            last = last.max(call.connection);
            is_new
        });
        return first_calls
            .map(|(call, number)| (number, call.connection))
            .collect();
    }
    let applicable = numbered.filter(|(call, _)| applies_to(mode, call));
    applicable.map(|(_, call)| call).zip(1..).collect()
}

/// Says why a mode cannot happen, where that is a condition of its own.
fn why_not(mode: &FailureMode) -> Option<String> {
    let mut conditions = Vec::new();
    if let Some(on) = &mode.on {
        let names: Vec<&str> = on.iter().map(|operation| operation.name()).collect();
        conditions.push(format!("is one of {}", names.join(", ")));
    }
    if let Some(user) = &mode.user {
        conditions.push(format!("is about the user {user}"));
    }
    if !mode.when.outcome.is_empty() {
        let outcomes = mode.when.outcome.iter();
        let names: Vec<&str> = outcomes.map(|outcome| outcome.name()).collect();
        conditions.push(format!("has the outcome {}", names.join(", ")));
    }
    let reason = format!("no call of the client {}", conditions.join(" and "));
    (!conditions.is_empty()).then_some(reason)
}

/// Returns a mode with other conditions, as an appliance of the fixture takes it.
fn scheduled(
    fixture: &Fixture,
    mode: &FailureMode,
    conditions: Value,
) -> Result<FailureMode, Diagnostic> {
    let mut keys: Map<String, Value> = mode.written.as_object().cloned().unwrap_or_default();
    keys.shift_remove("armed");
    let mut when = conditions.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(own)) = keys.shift_remove("when") {
        when.extend(own.into_iter().filter(|(key, _)| key == "outcome"));
    }
    if !when.is_empty() {
        keys.insert("when".to_owned(), Value::Object(when));
    }
    let text = Value::Object(keys).to_string();
    fixture::read_mode(&mode.name, &text, &fixture.mode_context())
}

/// Returns the conditions by which a mode happens after so many others of what it counts; as often as its own `times` says, or once.
fn conditions(mode: &FailureMode, after: u64, at: At) -> Value {
    let mut when = json!({});
    match (at, mode.when.times) {
        (At::Always, _) => {}
        (_, Some(times)) if times > 1 => when["times"] = json!(times),
        _ => {
            return json!({ "calls": [after + 1] });
        }
    }
    if after > 0 {
        when["after"] = json!(after);
    }
    when
}

fn single(
    fixture: &Fixture,
    task: Task,
    mode: &FailureMode,
    (call, ordinal): Occasion,
    at: At,
) -> Result<Scenario, SweepError> {
    let after = ordinal - 1;
    let dots = if at == At::Always { ".." } else { "" };
    let times = match at {
        At::Always => u64::MAX,
        _ => mode.when.times.unwrap_or(1).max(1),
    };
    let last = after.saturating_add(times);
    // Another name's or issuer's, or another time's; clients differ about one whose name stands in its subject alone.
    let certificate = mode.action.tls.as_ref().and_then(|tls| tls.certificate);
    let is_untrusted =
        certificate.is_some_and(|it| !matches!(it, Certificate::CnOnly | Certificate::Swapped));
    Ok(Scenario {
        name: format!("{task}/{}@{call}{dots}", mode.name),
        task,
        modes: vec![scheduled(fixture, mode, conditions(mode, after, at))?],
        reading: None,
        call: Some(call),
        advice: fixture::advice(&mode.name),
        untrusted: is_untrusted.then_some(ordinal..=last),
    })
}

/// Returns the pairs: after a change whose answer does not come as it is, another failure at the next call that it can happen to.
fn pairs(
    fixture: &Fixture,
    task: Task,
    modes: &[FailureMode],
    calls: &[CleanCall],
) -> Result<Vec<Scenario>, SweepError> {
    let Some(change) = calls.iter().position(CleanCall::is_change) else {
        return Ok(Vec::new());
    };
    let mut pairs = Vec::new();
    let of_requests = || modes.iter().filter(|it| !it.action.is_connection_level());
    let damaging = of_requests().filter(|mode| {
        let action = &mode.action;
        let is_damaged = action.end.is_some()
            || !action.corruptions.is_empty()
            || action.response.replaces_response();
        action.commits() && is_damaged && applies_to(mode, &calls[change])
    });
    // After a change whose answer is lost a client may ask, if it did not before; it should not change again.
    let follows = |mode: &FailureMode| {
        let (on, later) = (mode.on.as_ref(), &calls[change + 1..]);
        let asks = on.is_none_or(|on| on.contains(&Operation::Validation));
        asks || later.iter().any(|call| applies_to(mode, call))
    };
    for first in damaging {
        let before = |mode: &FailureMode, calls: &[CleanCall]| {
            calls.iter().filter(|call| applies_to(mode, call)).count() as u64
        };
        let after = before(first, &calls[..change]);
        let lost = scheduled(fixture, first, json!({ "calls": [after + 1] }))?;
        for second in of_requests().filter(|mode| mode.name != first.name && follows(mode)) {
            let after = before(second, &calls[..=change]);
            let next = scheduled(fixture, second, conditions(second, after, At::Each))?;
            let (call, number) = (Some(change + 1), change + 1);
            pairs.push(Scenario {
                name: format!("{task}/{}@{number},{}", first.name, second.name),
                task,
                modes: vec![lost.clone(), next],
                reading: None,
                call,
                advice: fixture::advice(&first.name),
                untrusted: None,
            });
        }
    }
    Ok(pairs)
}

/// Returns the readings, other than that of the fixture, of each fact that an answer of the clean run showed.
fn readings(
    sweep: &Sweep,
    fixture: &Fixture,
    task: Task,
    calls: &[CleanCall],
) -> Result<Vec<Scenario>, SweepError> {
    let contract = contract::of(fixture.kind);
    let globs = reading_globs(sweep)?;
    let mut scenarios = Vec::new();
    for fact in contract.facts() {
        let default = fact.readings.first().map_or("", |reading| reading.name);
        let current = fixture.readings.of(&fact.name).unwrap_or(default);
        let is_chosen = sweep.chooses_nothing()
            || globs
                .iter()
                .any(|glob| is_meant(glob, contract, &fact.name));
        if !is_chosen || !is_shown(&fact.name, calls) {
            continue;
        }
        for reading in fact.readings.iter().filter(|it| it.name != current) {
            scenarios.push(Scenario {
                name: format!("{task}/{}={}", fact.name, reading.name),
                task,
                modes: Vec::new(),
                reading: Some((fact.name.clone(), reading.name.to_owned())),
                call: None,
                advice: None,
                untrusted: None,
            });
        }
    }
    Ok(scenarios)
}

/// Checks that each reading that is chosen is one of a fact that an answer to the client shows, whatever its task.
pub(super) fn check_readings(
    sweep: &Sweep,
    fixture: &Fixture,
    calls: &[CleanCall],
) -> Result<(), SweepError> {
    let contract = contract::of(fixture.kind);
    let facts = contract.facts();
    let shown = || facts.iter().filter(|fact| is_shown(&fact.name, calls));
    for (glob, text) in reading_globs(sweep)?.iter().zip(&sweep.readings) {
        if !shown().any(|fact| is_meant(glob, contract, &fact.name)) {
            let names = shown().map(|fact| fact.name.as_str());
            let what = "fact that an answer to the client shows";
            return Err(unknown("--reading", text, what, nearest(text, names)));
        }
    }
    Ok(())
}

fn reading_globs(sweep: &Sweep) -> Result<Vec<Glob>, SweepError> {
    let texts = sweep.readings.iter();
    texts.map(|text| glob("--reading", text)).collect()
}

/// Whether a glob means a fact, by its name or its number.
fn is_meant(glob: &Glob, contract: &Contract, fact: &str) -> bool {
    let number = contract.ambiguity_number(fact).unwrap_or_default();
    glob.is_match(fact) || glob.is_match(number)
}

/// Whether one of these calls was answered by what a fact is about.
pub(super) fn is_shown(fact: &str, calls: &[CleanCall]) -> bool {
    calls.iter().any(|call| {
        let operation = call.operation.map_or("", Operation::name);
        fact.starts_with(&format!("{operation}.{}.", call.outcome))
    })
}

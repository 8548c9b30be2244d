//! What the default run with consent must catch, and what it must accept: the binary at appliances that answer otherwise in one respect.

mod changes;
mod credentials;
mod lawful;
mod words;

use std::fs;

use bytes::Bytes;
use d4iot_double::contract::Operation;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde_json::Value;

use crate::{
    fake::{Answer, Exchange, Lock, is_success},
    sample::sample,
    scenarios::{
        Command, Scenario,
        play::{Play, said},
        run_all,
    },
};

/// An appliance that answers otherwise.
pub(crate) struct Tampering {
    scenario: Scenario,
    /// Of a lawful one: a case, and the verdict on it.
    verdict: Option<(&'static str, &'static str)>,
    /// Whether passwords that nobody asked to change may be left changed.
    harmful: bool,
    /// Whether only a run may catch it that may fail to sign in often.
    is_costly: bool,
}

impl Tampering {
    fn new(name: &'static str, behaviour: fn(&Exchange<'_>) -> Answer) -> Tampering {
        Tampering {
            scenario: Scenario::new(name, behaviour),
            verdict: None,
            harmful: false,
            is_costly: false,
        }
    }

    /// Only some of the answers are other ones.
    fn when(
        name: &'static str,
        behaviour: fn(&Exchange<'_>) -> Option<Response<Bytes>>,
    ) -> Tampering {
        let mut row = Tampering::new(name, |exchange| exchange.answer().into());
        row.scenario.responder = std::sync::Arc::new(move |exchange| {
            behaviour(exchange)
                .unwrap_or_else(|| exchange.answer())
                .into()
        });
        row
    }

    /// Only some of the answers are other ones, and those that a run gets who may fail to sign in often. The appliance never locks.
    fn costly(
        name: &'static str,
        behaviour: fn(&Exchange<'_>) -> Option<Response<Bytes>>,
    ) -> Tampering {
        let mut row = Tampering::when(name, behaviour);
        row.is_costly = true;
        row.scenario = row.scenario.locks(Lock::NEVER);
        row
    }

    /// The fixture has another line.
    fn fixture(mut self, from: &str, to: &str) -> Tampering {
        self.scenario = self.scenario.fixture(from, to);
        self
    }

    /// The accounts file says this of the policy.
    fn policy(mut self, policy: &str) -> Tampering {
        self.scenario = self.scenario.policy(policy);
        self
    }

    /// The passwords of users are short ones.
    fn short_passwords(mut self) -> Tampering {
        let (long, short) = ("-Passw0rd:1", "-Pw1");
        self.scenario = self.scenario.fixture(long, short).accounts(long, short);
        self
    }

    /// The appliance follows another reading.
    fn reading(name: &'static str, fact: &str, reading: &str) -> Tampering {
        let line = format!("policy: product_16\nreadings: {{ {fact}: {reading} }}");
        Tampering::when(name, |_| None).fixture("policy: product_16", &line)
    }

    fn verdict(self, case: &'static str, verdict: &'static str) -> Tampering {
        let verdict = Some((case, verdict));
        Tampering { verdict, ..self }
    }

    fn harmful(self) -> Tampering {
        let harmful = true;
        Tampering { harmful, ..self }
    }
}

#[test]
fn every_deviation_is_caught_by_the_default_run_with_consent() {
    deviations_are_caught(false);
}

#[test]
fn every_deviation_is_caught_with_a_larger_budget() {
    deviations_are_caught(true);
}

#[expect(clippy::print_stdout, reason = "the size of the table")]
fn deviations_are_caught(is_costly: bool) {
    let rows: Vec<Tampering> = [words::rows(), credentials::rows(), changes::rows()]
        .into_iter()
        .flatten()
        .filter(|row| row.is_costly == is_costly)
        .collect();
    println!("{} deviations", rows.len());
    // A larger budget makes each run three times as long.
    let rows = sample(rows, 0, if is_costly { 3 } else { 1 }).collect();
    run_rows(rows, |row, play| {
        let budget: &[&str] = if row.is_costly {
            &["--max-auth-failures", "1000"]
        } else {
            &[]
        };
        let (code, report) = checked(play, budget);
        let deviations = report["targets"][0]["counts"]["deviation"].as_u64();
        // What harms accounts may end the run before a case judges it.
        let ended = row.harmful && [6, 7].contains(&code);
        if !ended && (![1, 7].contains(&code) || deviations.unwrap_or(0) == 0) {
            play.note(&format!(
                "not caught: exit code {code}, {} of {} cases judged",
                judged(&report),
                cases(&report).len()
            ));
        }
    });
}

#[test]
fn every_lawful_variation_is_accepted() {
    let rows = lawful::rows();
    println!("{} lawful variations", rows.len());
    run_rows(rows, |row, play| {
        let (code, report) = checked(play, &[]);
        let failing = cases(&report).iter().filter(|case| case["failed"] == true);
        let failing: Vec<&str> = failing.filter_map(|case| case["id"].as_str()).collect();
        if code != 0 || !failing.is_empty() {
            play.note(&format!("exit code {code}; failing: {failing:?}"));
        }
        if judged(&report) < 20 {
            play.note(&format!("only {} cases judged", judged(&report)));
        }
        if let Some((id, expected)) = row.verdict {
            let case = cases(&report).iter().find(|case| case["id"] == id);
            let verdict = case.map_or("missing", |case| {
                case["conformance"].as_str().unwrap_or_default()
            });
            if verdict != expected {
                play.note(&format!("{id} is {verdict}, expected {expected}"));
            }
        }
    });
}

fn run_rows(rows: Vec<Tampering>, hold: fn(&Tampering, &mut Play)) {
    let jobs = rows.into_iter().map(|row| {
        let name = row.scenario.name.to_owned();
        let job = move || {
            let mut play = Play::start(&row.scenario);
            hold(&row, &mut play);
            play.lasting = row.harmful;
            let in_a_row = if row.is_costly { usize::MAX } else { 4 };
            play.end(in_a_row, usize::from(row.harmful));
            play.into_wrong()
        };
        (name, Box::new(job) as Box<_>)
    });
    run_all(jobs.collect());
}

/// Returns the exit code, and the report.
fn checked(play: &mut Play, options: &[&str]) -> (i32, Value) {
    let mut command = play.command(Command::Check, &["--report", "json=report.json"]);
    // The default of half a minute is also how long a run waits for changes that are late.
    command.args(["--timeout", "2s"]).args(options);
    let output = command.output().unwrap();
    let code = output.status.code().unwrap_or(-1);
    let report = fs::read_to_string(play.folder.path().join("report.json")).unwrap_or_default();
    if said(&output).contains("panicked") || report.is_empty() {
        play.wrong("no report", &output);
    }
    if report.contains("Passw0rd") || said(&output).contains("Passw0rd") {
        play.note("shows a password");
    }
    (code, serde_json::from_str(&report).unwrap_or_default())
}

fn cases(report: &Value) -> &[Value] {
    let cases = report["targets"][0]["cases"].as_array();
    cases.map_or(&[], Vec::as_slice)
}

fn judged(report: &Value) -> usize {
    let judged = cases(report)
        .iter()
        .filter(|case| ["documented", "variant"].contains(&case["conformance"].as_str().unwrap()));
    judged.count()
}

/// The answer with its JSON rewritten.
fn rewritten(answer: Response<Bytes>, rewrite: impl Fn(&mut Value)) -> Response<Bytes> {
    let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else {
        return answer;
    };
    rewrite(&mut body);
    answer.map(|_| body.to_string().into())
}

/// The answer with a text of its body replaced.
pub(crate) fn replaced(answer: Response<Bytes>, from: &str, to: &str) -> Response<Bytes> {
    let text = String::from_utf8_lossy(answer.body()).replace(from, to);
    answer.map(|_| text.into())
}

/// The answer with another status.
pub(crate) fn status(mut answer: Response<Bytes>, map: fn(u16) -> u16) -> Answer {
    let mapped = map(answer.status().as_u16());
    *answer.status_mut() = StatusCode::from_u16(mapped).unwrap();
    answer.into()
}

fn with_header(mut answer: Response<Bytes>, name: &'static str, value: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::from_str(value) {
        let name = HeaderName::from_static(name);
        answer.headers_mut().insert(name, value);
    }
    answer
}

/// The answer of an operation, if it succeeded.
fn success_of(exchange: &Exchange<'_>, operation: Operation) -> Option<Response<Bytes>> {
    let answer = exchange.is(operation).then(|| exchange.answer())?;
    is_success(&answer).then_some(answer)
}

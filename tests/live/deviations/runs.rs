//! Runs of the suite, in this process, at a fake appliance that answers otherwise.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use d4iot_double::{
    client::{Target, TargetOptions},
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
    fixture,
    report::Conformance,
    runner,
    runner::{RunContext, RunResult},
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::{cases, cases::CaseWithLocation},
};
use http::Response;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::fake::{Exchange, Lock, Running};

/// What an appliance answers.
pub(crate) type Meddle = Box<dyn Fn(&Exchange<'_>) -> Response<Bytes> + Send + Sync>;

/// Runs the whole suite at an appliance that answers otherwise.
pub(crate) async fn run(kind: Kind, meddle: Meddle) -> RunResult {
    run_cases(kind, meddle, |_| true).await
}

/// Runs some cases at such an appliance.
pub(crate) async fn run_cases(
    kind: Kind,
    meddle: Meddle,
    wanted: impl Fn(&str) -> bool,
) -> RunResult {
    let (double, mut lab) = lab(kind);
    let responder = Arc::new(move |exchange: &Exchange<'_>| meddle(exchange).into());
    // The lab gives its mock the state of each case.
    let host = Arc::clone(double.appliance());
    let running = Running::around(host, kind, Lock::NEVER, false, responder);
    lab.target = Target::new(&running.url(), &TargetOptions::default()).unwrap();
    runner::run(&lab, &cases(kind, wanted), &SnapshotStore::None, &|_| ()).await
}

/// A mock, and what a run needs to know of it.
pub(crate) fn lab(kind: Kind) -> (d4iot_double::server::RunningAppliance, RunContext) {
    static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&[]).unwrap());
    RunContext::mock(&fixture::built_in(kind), "mock".into(), &IDENTITY).unwrap()
}

/// The cases of a kind.
pub(crate) fn cases(kind: Kind, wanted: impl Fn(&str) -> bool) -> Vec<&'static CaseWithLocation> {
    cases::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&kind) && wanted(&located.case.id))
        .collect()
}

/// Bends every answer in one way.
pub(crate) fn bent(
    bend: impl Fn(Response<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
) -> Meddle {
    Box::new(move |exchange| bend(exchange.answer()))
}

/// The verdict on each case.
pub(crate) fn verdicts(run: &RunResult) -> BTreeMap<&str, Conformance> {
    run.summary
        .cases
        .iter()
        .map(|case| (case.id.as_str(), case.conformance))
        .collect()
}

/// The cases that an honest appliance passes as documented and whose expectation leaves nothing open.
pub(crate) async fn documented(kind: Kind) -> Vec<&'static str> {
    let plain = plain(kind).await;
    let said = |id: &&str| {
        plain[*id] == Conformance::Documented && !LEFT_OPEN.iter().any(|(open, _)| open == id)
    };
    plain.keys().copied().filter(said).collect()
}

/// The verdicts on an honest appliance, reached once.
pub(crate) async fn plain(kind: Kind) -> &'static BTreeMap<&'static str, Conformance> {
    static SENSOR: OnceCell<BTreeMap<&str, Conformance>> = OnceCell::const_new();
    static CONSOLE: OnceCell<BTreeMap<&str, Conformance>> = OnceCell::const_new();
    let once = if kind == Kind::Sensor {
        &SENSOR
    } else {
        &CONSOLE
    };
    once.get_or_init(|| async move {
        let run = run(kind, bent(|answer| answer)).await;
        let verdicts = verdicts(&run);
        cases(kind, |_| true)
            .into_iter()
            .map(|located| (located.case.id.as_str(), verdicts[located.case.id.as_str()]))
            .collect()
    })
    .await
}

/// The cases that fail a run.
pub(crate) fn failed(run: &RunResult) -> Vec<&str> {
    run.summary
        .cases
        .iter()
        .filter(|case| case.failed)
        .map(|case| case.id.as_str())
        .collect()
}

/// Asserts that cases deviate, and fail the run for it.
#[track_caller]
pub(crate) fn assert_deviates(run: &RunResult, ids: &[&str]) {
    let verdicts = verdicts(run);
    for id in ids {
        assert_eq!(verdicts.get(id), Some(&Conformance::Deviation), "{id}");
        assert!(failed(run).contains(id), "{id}");
    }
}

/// A request's or an answer's body, null where it is no JSON.
pub(crate) fn json(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

/// The same answer with another body.
pub(crate) fn with_body(answer: Response<Bytes>, body: impl Into<Bytes>) -> Response<Bytes> {
    answer.map(|_| body.into())
}

/// The body an appliance utters for an outcome under the reading of that name and the default readings of all else.
pub(crate) fn worded(
    kind: Kind,
    operation: Operation,
    outcome: Outcome,
    reading: Option<&str>,
    username: &str,
) -> String {
    let (_, spec) = contract::of(kind)
        .response_spec(Some(operation), outcome)
        .unwrap();
    let internal = spec
        .internal
        .as_ref()
        .map_or(&Internal::Absent, |fact| &fact.default_reading().is);
    spec.body
        .pick(reading)
        .is
        .body(Envelope::Object, internal, Echo { username })
        .to_string()
}

/// The text of an outcome's default reading.
pub(crate) fn text(kind: Kind, operation: Operation, outcome: Outcome) -> &'static str {
    contract::of(kind)
        .response_spec(Some(operation), outcome)
        .unwrap()
        .1
        .body
        .default_reading()
        .is
        .text()
}

/// Cases that the console's mock passes as documented while another reading lets anything come, and which reading.
const LEFT_OPEN: &[(&str, &str)] = &[
    (
        "set_password.quote.c99_as_printed",
        "set_password.roles: not_read_only, whose refusal no document words",
    ),
    (
        "set_password.role.read_only",
        "set_password.roles: not_read_only, whose refusal no document words",
    ),
    (
        "validation.content_type.form",
        "validation.accepts: json, under which a form's type is refused in words of its own",
    ),
    (
        "validation.content_type.form_and_wrong_password",
        "validation.accepts: json, under which a form's type is refused in words of its own",
    ),
    (
        "validation.quote.c257_filled",
        "validation.accepts: json, under which a form's type is refused in words of its own",
    ),
    (
        "validation.quote.c263_mended",
        "validation.accepts: json, under which a form's type is refused in words of its own",
    ),
];

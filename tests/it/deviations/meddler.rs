//! The man in the middle: a service around a mock, and the runner sent to it.

use std::{
    collections::BTreeMap,
    future::pending,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use d4iot_double::{
    appliance::User,
    client::{Target, TargetOptions},
    clock::Clock,
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
    fixture,
    redact::Secret,
    report::Conformance,
    runner,
    runner::{RunContext, RunResult},
    server,
    server::{Client, Limits, MockAppliance, Refusal, ServerAnswer, Service, tls::Identity},
    snapshot::SnapshotStore,
    suite::{cases, cases::CaseWithLocation},
};
use http::{Request, Response, request::Parts};
use serde_json::Value;
use tokio::sync::OnceCell;

/// What a meddler does with one request: it may ask the appliance, as often and with whatever it likes.
pub(crate) type Meddle =
    Box<dyn Fn(&Request<Bytes>, &Appliance<'_>) -> Response<Bytes> + Send + Sync>;

/// The appliance behind a meddler, for one request.
pub(crate) struct Appliance<'a> {
    host: &'a MockAppliance,
    client: Client,
}

impl Appliance<'_> {
    /// Asks it.
    pub(crate) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.host.answer(request, self.client).into_response()
    }

    /// Asks it, and undoes what it changed.
    pub(crate) fn answer_and_forget(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let before = self.host.state();
        let answer = self.answer(request);
        self.host.set_state(before);
        answer
    }

    /// The password that a user has now.
    pub(crate) fn password(&self, username: &str) -> Option<String> {
        self.host
            .state()
            .directory
            .find(username)
            .map(|user| user.password.expose().to_owned())
    }

    /// Gives a user another password, whatever the contract says.
    pub(crate) fn change(&self, username: &str, password: &str) {
        let mut state = self.host.state();
        if let Some(user) = state.directory.find(username).cloned() {
            state.directory.put(User {
                password: Secret::new(password),
                ..user
            });
        }
        self.host.set_state(state);
    }
}

struct Meddler {
    host: Arc<MockAppliance>,
    meddle: Meddle,
}

impl Service for Meddler {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        ServerAnswer::plain((self.meddle)(
            request,
            &Appliance {
                host: &self.host,
                client,
            },
        ))
    }

    fn clock(&self) -> &Clock {
        self.host.clock()
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        self.host.refuse(head, refusal, client)
    }
}

/// Runs the whole suite at a meddler.
pub(crate) async fn run(kind: Kind, meddle: Meddle) -> RunResult {
    run_cases(kind, meddle, |_| true).await
}

/// Runs some cases at a meddler.
#[expect(
    clippy::disallowed_methods,
    reason = "the meddler serves beside the test, and ends with its runtime"
)]
pub(crate) async fn run_cases(
    kind: Kind,
    meddle: Meddle,
    wanted: impl Fn(&str) -> bool,
) -> RunResult {
    let (double, mut lab) = lab(kind);
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    lab.target = Target::new(
        &format!("http://{}", listener.local_addr().unwrap()),
        &TargetOptions::default(),
    )
    .unwrap();
    let meddler = Arc::new(Meddler {
        host: Arc::clone(double.appliance()),
        meddle,
    });
    tokio::spawn(server::run(
        listener,
        None,
        meddler,
        Limits::default(),
        pending(),
    ));
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
    Box::new(move |request, appliance| bend(appliance.answer(request)))
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

/// The operation that a request asks for, by the end of its path.
pub(crate) fn operation(request: &Request<Bytes>) -> Option<Operation> {
    let name = request.uri().path().rsplit('/').next().unwrap_or_default();
    name.parse()
        .ok()
        .filter(|_| request.method() == http::Method::POST)
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

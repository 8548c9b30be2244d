//! Runs a scenario: a double, the client, and a look at what the appliance holds then.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    Attempt, ClientEnding, ClientRun, ClientUnderTest, Ended, Mark, MarkName, PasswordKind,
    ScenarioResult, SweepError, Task, Verdict,
    scenario::{CleanCall, Scenario},
    verdict,
    verdict::Observation,
};
use crate::{
    appliance::{Directory, UserState},
    contract,
    contract::{ClosedSet, Operation, Outcome, Role},
    failure::FailureMode,
    fixture,
    fixture::Fixture,
    journal::{EntryFilter, EntryView},
    redact::{Redactor, Secret},
    server::MockAppliance,
    testing::{Builder, Double},
};

/// Runs scenarios.
pub(super) struct Executor<'a> {
    /// Without failure modes.
    fixture: Fixture,
    username: String,
    old: Secret,
    new: Secret,
    admin: Option<(String, Secret)>,
    redactor: Redactor,
    client: &'a dyn ClientUnderTest,
    limit: Duration,
    stop: &'a AtomicBool,
    runs: AtomicUsize,
    started: Instant,
}

impl<'a> Executor<'a> {
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    pub(super) fn new(
        fixture: &Fixture,
        client: &'a dyn ClientUnderTest,
        limit: Duration,
        stop: &'a AtomicBool,
    ) -> Result<Executor<'a>, SweepError> {
        let users = fixture.state.directory.users();
        let active = || users.clone().filter(|user| user.state == UserState::Active);
        let of_role = |role: Role| active().find(|user| user.role == role);
        let user = of_role(Role::SecurityAnalyst).or_else(|| of_role(Role::ReadOnly));
        let user = user.ok_or(SweepError::Users(
            "the fixture has no active user other than administrators",
        ))?;
        let admin = of_role(Role::Admin);
        let old = user.password.clone();
        let fits = |candidate: &&&str| {
            **candidate != old.expose() && fixture.state.policy.check(candidate).is_ok()
        };
        let new = CANDIDATES
            .iter()
            .find(fits)
            .ok_or(SweepError::Users(
                "the fixture's policy takes none of the passwords that sweep would set",
            ))
            .map(|new| Secret::new(*new))?;
        let secrets = users.clone().map(|user| user.password.expose());
        let names = users.clone().map(|user| user.username.as_str()).collect();
        let redactor = Redactor::of_secrets(secrets.chain([new.expose()]), &names);
        let mut plain = fixture.clone();
        plain.failures.clear();
        plain.listen = None;
        Ok(Executor {
            username: user.username.clone(),
            admin: admin.map(|admin| (admin.username.clone(), admin.password.clone())),
            redactor,
            old,
            new,
            fixture: plain,
            client,
            limit,
            stop,
            runs: AtomicUsize::new(0),
            started: Instant::now(),
        })
    }

    /// Returns how often the client was run, and for how long.
    pub(super) fn runs(&self) -> (usize, Duration) {
        (self.runs.load(Ordering::Relaxed), self.started.elapsed())
    }

    /// Returns a text without passwords.
    pub(super) fn redacted(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// Runs the client without a failure, and returns the calls that it makes.
    pub(super) fn clean_run(&self, task: Task) -> Result<Vec<CleanCall>, SweepError> {
        if task == Task::Reconcile && self.admin.is_none() {
            return Err(SweepError::Users("the fixture has no active administrator"));
        }
        let mut fixture = self.fixture.clone();
        fixture.failures = vec![connection_counter(&fixture)?];
        let double = Builder::new(Ok(fixture)).start_blocking()?;
        let appliance = Arc::clone(double.appliance());
        let given = self.known_password(task);
        let (run, seen, _) = self.run(double, task, "clean", given)?;
        let verdict = verdict::of_first(task, &seen);
        let wanted = match task {
            Task::Verify => Verdict::Kept,
            _ => Verdict::Rotated,
        };
        let other = self.other_user_changed(&appliance);
        let problem = if let Some(other) = other {
            Some(other.text)
        } else if run.exchanges.is_empty() {
            Some(no_request(&run, &appliance))
        } else if run.exchange_count > run.exchanges.len() as u64 {
            let (sent, most) = (run.exchange_count, run.exchanges.len());
            Some(format!(
                "the client sends {sent} requests; a sweep takes at most {most}"
            ))
        } else if seen.ending != ClientEnding::Success {
            Some(format!(
                "the client fails when nothing else does: {}",
                run.ended
            ))
        } else {
            let other = verdict.filter(|verdict| *verdict != wanted);
            other.map(|verdict| verdict::sentence(verdict, task, &seen))
        };
        if let Some(message) = problem {
            let output = run.last_lines();
            return Err(SweepError::CleanRun {
                task,
                message,
                output,
            });
        }
        let call = |entry: &EntryView| CleanCall {
            operation: entry.operation.and_then(Operation::named),
            outcome: entry.judged.parse().unwrap_or(Outcome::BadRequest),
            connection: entry.connection,
            user: entry.user.clone(),
        };
        Ok(run.exchanges.iter().map(call).collect())
    }

    /// Runs a scenario, and again with the failure gone where that decides.
    pub(super) fn execute(&self, scenario: &Scenario) -> Result<ScenarioResult, SweepError> {
        let task = scenario.task;
        let mut fixture = self.fixture.clone();
        fixture.failures = scenario.modes.clone();
        if let Some((fact, name)) = &scenario.reading {
            let contract = contract::of(fixture.kind);
            let chosen = fixture.readings.choose(contract, fact, name);
            debug_assert!(chosen.is_ok(), "the contract has the reading");
        }
        let double = Builder::new(Ok(fixture)).start_blocking()?;
        let appliance = Arc::clone(double.appliance());
        let (first, mut seen, believed) =
            self.run(double, task, &scenario.name, self.known_password(task))?;
        let has_fired = appliance.counters().iter().all(|counter| counter.fired > 0);
        let mut marks: Vec<Mark> = self.accepted(scenario, &first).into_iter().collect();
        let mut runs = vec![first];
        let mut last = appliance;
        let mut verdict = verdict::of_first(task, &seen);
        if verdict.is_none() {
            let mut fixture = last.export();
            fixture.failures.clear();
            let double = Builder::new(Ok(fixture)).start_blocking()?;
            // The next night: no lock-out lasts so long.
            double.clock().advance(Duration::from_secs(24 * 3600));
            last = Arc::clone(double.appliance());
            let (second, seen_then, _) = self.run(double, task, &scenario.name, believed)?;
            runs.push(second);
            verdict = Some(verdict::of_second(&seen_then));
            seen = seen_then;
        }
        marks.extend(self.other_user_changed(&last));
        marks.extend(verdict::of_requests(
            runs.iter().map(|run| &run.exchanges[..]),
        ));
        marks.extend(runs.iter().find_map(|run| run.printed_password()));
        let verdict = match verdict {
            Some(verdict) if has_fired || verdict.is_failure() => verdict,
            _ => Verdict::NotReached,
        };
        Ok(ScenarioResult::new(
            scenario,
            verdict,
            verdict::sentence(verdict, task, &seen),
            marks,
            runs,
        ))
    }

    fn known_password(&self, task: Task) -> Option<Secret> {
        (task != Task::Reconcile).then(|| self.old.clone())
    }

    /// Runs the client once. Returns also the password that it believes in then, for its next run.
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    fn run(
        &self,
        double: Double,
        task: Task,
        scenario: &str,
        password: Option<Secret>,
    ) -> Result<(ClientRun, Observation, Option<Secret>), SweepError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(SweepError::Interrupted);
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        let is_change = task != Task::Verify;
        let attempt = Attempt {
            url: double.url().to_owned(),
            ca_pem: double.ca_pem().to_owned(),
            kind: self.fixture.kind,
            task,
            scenario: scenario.to_owned(),
            username: self.username.clone(),
            password: password.clone(),
            new_password: is_change.then(|| self.new.clone()),
            admin: self.admin.clone().filter(|_| is_change),
            believed: Arc::new(Mutex::new(None)),
        };
        let appliance = Arc::clone(double.appliance());
        let started = Instant::now();
        let mut ended = self.client.run(&attempt, self.limit)?;
        let seconds = started.elapsed().as_secs_f64();
        // What the client has sent before its end is either done now or never.
        drop(double);
        if self.stop.load(Ordering::Relaxed) {
            return Err(SweepError::Interrupted);
        }
        let believed = match (ended.believed.take(), ended.ending) {
            (Some(believed), _) => Some(believed),
            (None, ClientEnding::Success) if is_change => Some(self.new.clone()),
            _ => password,
        };
        let state = appliance.state();
        let held = state.directory.find(&self.username);
        let seen = Observation {
            ending: ended.ending,
            words: ended.words.clone(),
            holds: self.named(held.map(|user| &user.password)),
            believes: match &believed {
                // Nobody knew the old one.
                None => PasswordKind::Old,
                believed => self.named(believed.as_ref()),
            },
            was_authenticated: appliance.count(&EntryFilter {
                operation: Some(Operation::Validation),
                outcome: Some(Outcome::Authenticated),
                ..EntryFilter::default()
            }) > 0,
        };
        let run = self.record(&appliance, ended, &seen, seconds);
        Ok((run, seen, believed))
    }

    fn record(
        &self,
        appliance: &MockAppliance,
        ended: Ended,
        seen: &Observation,
        seconds: f64,
    ) -> ClientRun {
        let page = appliance.journal(&EntryFilter::default(), MAX_EXCHANGES);
        let [stdout, stderr] = [&ended.stdout, &ended.stderr].map(|text| self.redacted(text));
        ClientRun {
            ended: ended.words,
            claims_success: match ended.ending {
                ClientEnding::Success => Some(true),
                ClientEnding::Failure => Some(false),
                ClientEnding::Hung | ClientEnding::Crashed => None,
            },
            holds: seen.holds,
            seconds,
            exchange_count: page.count,
            exchanges: page.entries,
            prints_password: stdout != ended.stdout || stderr != ended.stderr,
            stdout,
            stderr,
        }
    }

    fn named(&self, password: Option<&Secret>) -> PasswordKind {
        match password {
            Some(password) if *password == self.old => PasswordKind::Old,
            Some(password) if *password == self.new => PasswordKind::New,
            _ => PasswordKind::Other,
        }
    }

    /// Returns a mark if a request came over a connection that showed a certificate nobody should accept.
    fn accepted(&self, scenario: &Scenario, run: &ClientRun) -> Option<Mark> {
        let (from, also_later) = scenario.untrusted?;
        let is_untrusted = |connection: u64| match also_later {
            true => connection >= from,
            false => connection == from,
        };
        let mut entries = run.exchanges.iter();
        let accepted = entries.any(|entry| is_untrusted(entry.connection));
        let mode = scenario.modes.first()?;
        let text = format!(
            "sent a request although the certificate is bad: {}",
            mode.name
        );
        accepted.then(|| Mark::new(MarkName::CertificateAccepted, text))
    }

    fn other_user_changed(&self, appliance: &MockAppliance) -> Option<Mark> {
        let before = self.users(&self.fixture.state.directory);
        let now = appliance.state();
        let changed = before
            .symmetric_difference(&self.users(&now.directory))
            .next()?
            .0
            .clone();
        let text = format!("changed the password of `{changed}`, which it was not asked to");
        Some(Mark::new(MarkName::OtherUserChanged, text))
    }

    /// Returns the names and passwords of all users but the one whose password is to be changed.
    fn users(&self, directory: &Directory) -> BTreeSet<(String, String)> {
        let others = directory
            .users()
            .filter(|user| user.username != self.username);
        others
            .map(|user| (user.username.clone(), user.password.expose().to_owned()))
            .collect()
    }
}

/// Returns a failure mode that never happens, and counts connections.
fn connection_counter(fixture: &Fixture) -> Result<FailureMode, SweepError> {
    let never =
        r#"{ "name": "connections", "when": { "calls": [1000000000] }, "do": { "tls": [1.3] } }"#;
    let mode = fixture::read_mode("sweep", never, &fixture.mode_context(true))?;
    Ok(mode)
}

/// Says that a client sent no request, and how far it came.
fn no_request(run: &ClientRun, appliance: &MockAppliance) -> String {
    let connections: u64 = appliance
        .counters()
        .iter()
        .map(|counter| counter.seen)
        .sum();
    let (came, hint) = match connections {
        0 => (
            String::new(),
            "its address is {url} in the command's arguments, and the variable D4IOT_URL",
        ),
        1.. => (
            format!(", but {connections} connections"),
            "does it trust the CA in the file {ca} or D4IOT_CA?",
        ),
    };
    let ended = &run.ended;
    format!("the client sent no request to the appliance{came}: {ended}\n  hint: {hint}")
}

/// The passwords that a client is to set: the first that a policy takes, long ones first.
const CANDIDATES: [&str; 3] = [
    "Sweep-Rotat3d-Passw0rd.",
    "Sw33pRotated",
    "Sw33pRotatedPassw0rd",
];
/// How many requests of a run a report has at most.
const MAX_EXCHANGES: usize = 200;

//! Runs a scenario: a double, the client, and a look at what the appliance holds then.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    ClientEnding, ClientRun, ClientUnderTest, Mark, PasswordKind, ScenarioResult, SweepError, Task,
    Verdict, mark,
    result::MAX_EXCHANGES,
    scenario,
    scenario::{CleanCall, Scenario},
    secrets::redactor,
    verdict,
};
use crate::{
    appliance::UserState,
    contract,
    contract::Role,
    failure::FailureMode,
    fixture,
    fixture::Fixture,
    journal::lock,
    redact::{Redactor, Secret},
    report::amount,
    server::MockAppliance,
    testing::Builder,
};

/// Runs scenarios.
pub(super) struct Executor<'a> {
    /// Without failure modes.
    pub(super) fixture: Fixture,
    pub(super) username: String,
    pub(super) old: Secret,
    pub(super) new: Secret,
    pub(super) admin: Option<(String, Secret)>,
    /// The passwords that an appliance begins with, and the new one.
    pub(super) secrets: BTreeSet<String>,
    /// These and all that clients made up.
    pub(super) seen_secrets: Mutex<BTreeSet<String>>,
    pub(super) redactor: Arc<Redactor>,
    pub(super) client: &'a dyn ClientUnderTest,
    pub(super) limit: Duration,
    pub(super) stop: &'a AtomicBool,
    pub(super) runs: AtomicUsize,
    /// In milliseconds.
    pub(super) longest_clean_run: AtomicU64,
    pub(super) started: Instant,
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
        let fits = |candidate: &&str| {
            *candidate != old.expose() && fixture.state.policy.check(candidate).is_ok()
        };
        let new = CANDIDATES.into_iter().find(fits);
        let new = Secret::new(new.ok_or(SweepError::Users(
            "the fixture's policy takes none of the passwords that sweep would set",
        ))?);
        let secrets = users.clone().map(|user| user.password.expose());
        let secrets: BTreeSet<String> = secrets.chain([new.expose()]).map(str::to_owned).collect();
        let redactor = Arc::new(redactor(&secrets, &fixture.state.directory));
        let mut plain = fixture.clone();
        plain.failures.clear();
        plain.listen = None;
        Ok(Executor {
            username: user.username.clone(),
            admin: admin.map(|admin| (admin.username.clone(), admin.password.clone())),
            seen_secrets: Mutex::new(secrets.clone()),
            secrets,
            redactor,
            old,
            new,
            fixture: plain,
            client,
            limit,
            stop,
            runs: AtomicUsize::new(0),
            longest_clean_run: AtomicU64::new(0),
            started: Instant::now(),
        })
    }

    /// Returns how long a client may run, and how long the longest clean run took.
    pub(super) fn times(&self) -> (Duration, Duration) {
        let clean = self.longest_clean_run.load(Ordering::Relaxed);
        (self.limit, Duration::from_millis(clean))
    }

    /// Returns words as a shell takes them, without passwords: those that were ever seen.
    pub(super) fn quoted(&self, words: &[String]) -> String {
        let redactor = redactor(&lock(&self.seen_secrets), &self.fixture.state.directory);
        // Quoted, a password may be spelled as the redactor does not know it.
        let words: Vec<_> = words.iter().map(|word| redactor.text(word)).collect();
        shlex::try_join(words.iter().map(|word| &**word)).unwrap_or_default()
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
        let (run, _) = self.run(double, task, "clean", given, &BTreeSet::new())?;
        let seen = &run.seen;
        self.longest_clean_run
            .fetch_max((run.seconds * 1000.0) as u64, Ordering::Relaxed);
        let verdict = verdict::of_first(task, seen);
        let wanted = match task {
            Task::Verify => Verdict::Kept,
            _ => Verdict::Rotated,
        };
        let other = self.mark_of_others(&appliance);
        let problem = if let Some(other) = other {
            Some(other.text)
        } else if run.exchanges.is_empty() {
            Some(no_request(&run, &appliance))
        } else if run.exchange_count > MAX_EXCHANGES as u64 {
            let sent = run.exchange_count;
            Some(format!(
                "the client sends {sent} requests; a sweep takes at most {MAX_EXCHANGES}"
            ))
        } else if seen.ending != ClientEnding::Success {
            let hint = match seen.holds {
                PasswordKind::New if seen.ending == ClientEnding::Failure => SUCCESS_EXIT,
                _ => "",
            };
            let ended = &run.ended;
            Some(format!(
                "the client fails when nothing else does: {ended}{hint}"
            ))
        } else {
            let other = verdict.filter(|verdict| *verdict != wanted);
            other.map(|verdict| verdict::sentence(verdict, task, seen, &[]))
        };
        if let Some(message) = problem {
            let output = run.last_lines();
            return Err(SweepError::CleanRun {
                task,
                message,
                output,
            });
        }
        Ok(run.exchanges.iter().map(CleanCall::of).collect())
    }

    /// Runs a scenario, and again with the failure gone where that decides.
    pub(super) fn execute(&self, scenario: &Scenario) -> Result<ScenarioResult, SweepError> {
        let (task, name) = (scenario.task, &scenario.name);
        let modes = scenario.modes.iter();
        let damaging = modes.filter(|mode| mode.action.hides_body());
        let damaging = damaging.map(|mode| &*mode.name).collect();
        let mut fixture = self.fixture.clone();
        fixture.failures = scenario.modes.clone();
        if let Some((fact, name)) = &scenario.reading {
            let contract = contract::of(fixture.kind);
            let chosen = fixture.readings.choose(contract, fact, name);
            debug_assert!(chosen.is_ok(), "the contract has the reading");
        }
        let double = Builder::new(Ok(fixture)).start_blocking()?;
        let appliance = Arc::clone(double.appliance());
        let (first, believed) =
            self.run(double, task, name, self.known_password(task), &damaging)?;
        let missing = self.missing(scenario, &appliance, &first);
        let mut marks = Vec::from_iter(mark::of_certificate(scenario, &first.exchanges));
        let mut verdict = verdict::of_first(task, &first.seen);
        let mut runs = vec![first];
        let mut last = appliance;
        if verdict.is_none() {
            let mut fixture = last.export();
            fixture.failures.clear();
            let double = Builder::new(Ok(fixture)).start_blocking()?;
            // The next night, when no lock-out lasts any longer.
            let lockout = self.fixture.state.lockout.as_ref();
            let lockout = lockout.map_or(Duration::ZERO, |lockout| lockout.duration);
            double.clock().advance(NIGHT + lockout);
            last = Arc::clone(double.appliance());
            let (second, _) = self.run(double, task, name, believed, &damaging)?;
            verdict = Some(verdict::of_second(&second.seen));
            runs.push(second);
        }
        marks.extend(self.mark_of_others(&last));
        let requests = runs.iter().map(|run| &run.exchanges[..]);
        marks.extend(mark::of_requests(requests, &damaging));
        marks.extend(runs.iter().find_map(|run| run.printed_password()));
        let verdict = match verdict {
            Some(verdict) if missing.is_empty() || verdict.is_failure() => verdict,
            _ => Verdict::NotReached,
        };
        let seen = &runs[runs.len() - 1].seen;
        let what = verdict::sentence(verdict, task, seen, &missing);
        Ok(ScenarioResult::new(scenario, verdict, what, marks, runs))
    }

    /// Returns what should have happened to the client, and did not.
    fn missing(
        &self,
        scenario: &Scenario,
        appliance: &MockAppliance,
        first: &ClientRun,
    ) -> Vec<String> {
        let counters = appliance.counters().into_iter();
        let missing = counters.filter(|counter| counter.fired == 0);
        let reading = scenario.reading.as_ref().filter(|(fact, _)| {
            let calls: Vec<CleanCall> = first.exchanges.iter().map(CleanCall::of).collect();
            !scenario::is_shown(fact, &calls)
        });
        let reading = reading.map(|(fact, name)| format!("{fact}={name}"));
        missing.map(|counter| counter.mode).chain(reading).collect()
    }

    fn mark_of_others(&self, appliance: &MockAppliance) -> Option<Mark> {
        let before = &self.fixture.state.directory;
        mark::of_others(&self.username, before, &appliance.state().directory)
    }

    fn known_password(&self, task: Task) -> Option<Secret> {
        (task != Task::Reconcile).then(|| self.old.clone())
    }
}

/// Returns a failure mode that never happens, and counts connections.
fn connection_counter(fixture: &Fixture) -> Result<FailureMode, SweepError> {
    let never =
        r#"{ "name": "connections", "when": { "calls": [1000000000] }, "do": { "tls": [1.3] } }"#;
    Ok(fixture::read_mode("sweep", never, &fixture.mode_context())?)
}

/// Says that a client sent no request, and how far it came.
fn no_request(run: &ClientRun, appliance: &MockAppliance) -> String {
    let counters = appliance.counters();
    let connections: u64 = counters.iter().map(|counter| counter.seen).sum();
    let (came, hint) = match connections {
        0 => (
            String::new(),
            "its address is {url} in the command's arguments, and the variable D4IOT_URL",
        ),
        1.. => (
            format!(", but {}", amount(connections as usize, "connection")),
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
const SUCCESS_EXIT: &str = "\n  hint: the password was changed: if this exit code is a success, name it with --success-exit";
/// When a client runs again: a day later.
const NIGHT: Duration = Duration::from_secs(24 * 3600);

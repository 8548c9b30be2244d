//! One run of the client: what it is given, and what is seen of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Instant,
};

use super::{
    Attempt, ClientEnding, ClientRun, Ended, PasswordKind, SweepError, Task, mark,
    run::Executor,
    secrets::{redactor, without_part},
    verdict::Observation,
};
use crate::{
    contract::{Operation, Outcome},
    journal::{EntryFilter, lock},
    redact::Secret,
    server::MockAppliance,
    testing::Double,
};

impl Executor<'_> {
    /// Runs the client once. Returns also the password that it believes in then, for its next run.
    #[expect(clippy::disallowed_methods, reason = "a report says how long it took")]
    pub(super) fn run(
        &self,
        double: Double,
        task: Task,
        scenario: &str,
        password: Option<Secret>,
        damaging: &BTreeSet<&str>,
    ) -> Result<(ClientRun, Option<Secret>), SweepError> {
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
            redactor: Arc::clone(&self.redactor),
        };
        let appliance = Arc::clone(double.appliance());
        let started = Instant::now();
        let ended = self.client.run(&attempt, self.limit)?;
        let seconds = started.elapsed().as_secs_f64();
        // What the client has sent before its end is either done now or never. On a busy machine it may not even be connected.
        double.await_clients();
        drop(double);
        if self.stop.load(Ordering::Relaxed) {
            return Err(SweepError::Interrupted);
        }
        let believed = match (&ended.believed, ended.ending) {
            (Some(believed), _) => Some(believed.clone()),
            (None, ClientEnding::Success) if is_change => Some(self.new.clone()),
            _ => password,
        };
        let run = self.record(&appliance, ended, believed.as_ref(), seconds, damaging);
        Ok((run, believed))
    }

    fn record(
        &self,
        appliance: &MockAppliance,
        ended: Ended,
        believed: Option<&Secret>,
        seconds: f64,
        damaging: &BTreeSet<&str>,
    ) -> ClientRun {
        let directory = appliance.state().directory;
        let held = directory.find(&self.username).map(|user| &user.password);
        // Where nobody knows the old one, that is what there was to believe in.
        let expected = believed.unwrap_or(&self.old);
        // The client may have made passwords up. A word that it believes in is none.
        let mut secrets = self.secrets.clone();
        secrets.extend(appliance.passwords());
        let believed = believed.map(Secret::expose);
        let believed = believed.filter(|password| password.len() >= MIN_BELIEF);
        secrets.extend(believed.map(str::to_owned));
        lock(&self.seen_secrets).extend(secrets.iter().cloned());
        let redactor = redactor(&secrets, &directory);
        let printed = [&ended.stdout, &ended.stderr];
        let prints_password =
            ended.dropped_password || printed.iter().any(|it| redactor.finds(it.as_bytes()));
        let [stdout, stderr] =
            printed.map(|text| redactor.text(without_part(text, &secrets)).into_owned());
        let page = appliance.journal_without(&EntryFilter::default(), usize::MAX, redactor);
        let was_authenticated = page.entries.iter().any(|entry| {
            entry.operation == Some(Operation::Validation.name())
                && entry.outcome == Some(Outcome::Authenticated.name())
                && entry.user.as_ref() == Some(&self.username)
                && mark::is_known(entry, damaging)
        });
        ClientRun {
            ended: ended.words.clone(),
            claims_success: match ended.ending {
                ClientEnding::Success => Some(true),
                ClientEnding::Failure => Some(false),
                ClientEnding::Hung | ClientEnding::Crashed => None,
            },
            holds: self.named(held),
            seconds,
            exchange_count: page.count,
            exchanges: page.entries,
            prints_password,
            stdout,
            stderr,
            seen: Observation {
                ending: ended.ending,
                words: ended.words,
                holds: self.named(held),
                believes: self.named(Some(expected)),
                knows: held == Some(expected),
                was_authenticated,
            },
        }
    }

    fn named(&self, password: Option<&Secret>) -> PasswordKind {
        match password {
            Some(password) if *password == self.old => PasswordKind::Old,
            Some(password) if *password == self.new => PasswordKind::New,
            _ => PasswordKind::Other,
        }
    }
}

/// How long a password is at least that only the client knows, in bytes: a shorter one may be any word.
const MIN_BELIEF: usize = 8;

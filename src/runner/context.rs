//! A target, its accounts, and the mock behind it.

use std::{sync::Arc, time::Duration};

use crate::{
    appliance::{Lockout, Scope, State},
    client::{ClientError, Target, TargetOptions},
    contract::Kind,
    fixture,
    fixture::Fixture,
    report::{NotJudged, ReasonCode},
    runner::{Accounts, Seed, live::StopSignal},
    server::{MockAppliance, RunningAppliance, tls::Identity},
    suite::{Case, Need, StepError, TargetExpectations},
};

/// A target, and what is known about it.
#[derive(Debug)]
pub struct RunContext {
    /// The kind of appliance.
    pub kind: Kind,
    /// The client of the target.
    pub target: Target,
    /// Its name in reports.
    pub label: String,
    /// Its accounts.
    pub accounts: Accounts,
    /// What is expected beyond the documentation.
    pub agreed: TargetExpectations,
    /// How often each case is run, at least once.
    pub repeat: u32,
    /// Asks the run to stop.
    pub stop: StopSignal,
    /// The mock behind it, with the state in which every case starts; none at a live target.
    pub mock: Option<(Arc<MockAppliance>, State)>,
}

impl RunContext {
    /// Starts a mock of a fixture, over HTTPS, with the suite's accounts in addition to the fixture's users.
    ///
    /// # Errors
    /// The mock or its client cannot be started.
    pub fn mock(
        fixture: &Fixture,
        label: String,
        identity: &Identity,
    ) -> Result<(RunningAppliance, RunContext), ClientError> {
        let mut appliance = fixture.appliance();
        let accounts = Accounts::for_mock(&Seed::random());
        for user in accounts.users() {
            appliance.state.directory.put(user);
        }
        let start = appliance.state.clone();
        // A repeated run has the same failures.
        let schedule = fixture.schedule(fixture.seed.unwrap_or_default());
        let mock = MockAppliance::new(appliance, schedule);
        let no_port = |error| ClientError::Setup(format!("no port for a mock: {error}"));
        let running = RunningAppliance::open(mock, Some(identity)).map_err(no_port)?;
        let options = TargetOptions {
            trust: running.ca_pem().map(str::to_owned),
            ..TargetOptions::default()
        };
        let context = RunContext {
            kind: fixture.kind,
            target: Target::new(&running.url(), &options)?,
            label,
            accounts,
            agreed: TargetExpectations::default(),
            repeat: 1,
            stop: StopSignal::default(),
            mock: Some((Arc::clone(running.appliance()), start)),
        };
        Ok((running, context))
    }

    /// Sets the target to the state in which a case starts.
    ///
    /// # Errors
    /// Why that is not possible: the case is then not judged.
    pub(super) fn prepare(&self, case: &Case) -> Result<(), NotJudged> {
        let Some((mock, start)) = &self.mock else {
            let refusal = case.needs.first().map(|need| need.refusal());
            return refusal.map_or(Ok(()), Err);
        };
        let mut state = start.clone();
        for need in &case.needs {
            let mut lock_by =
                |scope| state.lockout = Some(Lockout::new(LOCKS_AFTER, scope, LOCKED_FOR));
            match need {
                Need::AnySymbol => {}
                Need::AccountLockout => lock_by(Scope::Account),
                Need::Lockout => lock_by(Scope::Source),
                Need::Page => self.check_example_users(&state)?,
            }
        }
        mock.set_state(state);
        Ok(())
    }

    /// Returns the address for commands that people repeat: a mock's port is closed by then.
    pub(super) fn shown_address(&self) -> &str {
        let shown = self.mock.as_ref().map(|_| "$TARGET");
        shown.unwrap_or(self.target.address())
    }

    fn check_example_users(&self, state: &State) -> Result<(), StepError> {
        let examples = fixture::built_in(self.kind).state.directory;
        for user in examples.users() {
            if state.directory.find(&user.username) != Some(user) {
                let name = &user.username;
                return Err(StepError(format!(
                    "the fixture's user `{name}` differs from the documentation's example"
                )));
            }
        }
        Ok(())
    }
}

impl Need {
    /// Returns why a case with this need is not judged at a live target.
    pub(super) fn refusal(self) -> NotJudged {
        let needs = match self {
            Need::AnySymbol => "a policy that accepts any symbol",
            Need::AccountLockout | Need::Lockout => "a lock-out that ends with the case",
            Need::Page => "the documentation's example users",
        };
        let has = if self == Need::Page {
            "has them"
        } else {
            "has it"
        };
        let text = format!("needs {needs}: only the built-in mock {has}");
        NotJudged::new(ReasonCode::MockOnly, text)
    }
}

/// After how many failures the mock of such a case locks; the cases depend on it.
const LOCKS_AFTER: u32 = 3;
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

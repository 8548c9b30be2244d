//! A target, its accounts, and the mock behind it.

use std::{sync::Arc, time::Duration};

use crate::{
    appliance::{Lockout, Scope, State},
    client::{Target, TargetOptions},
    contract::Kind,
    fixture::Fixture,
    runner::{Accounts, Seed},
    server::{MockAppliance, RunningAppliance, tls::Identity},
    suite::{Case, TargetExpectations, case::Need},
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
    ) -> Result<(RunningAppliance, RunContext), String> {
        let mut appliance = fixture.appliance();
        let accounts = Accounts::for_mock(&Seed::random());
        for user in accounts.users() {
            appliance.state.directory.put(user);
        }
        let start = appliance.state.clone();
        // A repeated run has the same failures.
        let schedule = fixture.schedule(fixture.seed.unwrap_or_default());
        let host = MockAppliance::new(appliance, schedule);
        let double = RunningAppliance::open(host, Some(identity))
            .map_err(|error| format!("no port for a mock: {error}"))?;
        let options = TargetOptions {
            trust: double.ca_pem().map(str::to_owned),
            ..TargetOptions::default()
        };
        let target = Target::new(&double.url(), &options).map_err(|error| error.to_string())?;
        let mock = Some((Arc::clone(double.appliance()), start));
        Ok((
            double,
            RunContext {
                kind: fixture.kind,
                target,
                label,
                accounts,
                agreed: TargetExpectations::default(),
                repeat: 1,
                mock,
            },
        ))
    }

    /// Sets the target to the state in which a case starts.
    ///
    /// # Errors
    /// Why that is not possible: the case is then not judged.
    pub(super) fn prepare(&self, case: &Case) -> Result<(), String> {
        let Some((host, start)) = &self.mock else {
            return case
                .needs
                .first()
                .map_or(Ok(()), |need| Err(need.refusal()));
        };
        let mut state = start.clone();
        for need in &case.needs {
            match need {
                Need::AnySymbol => {}
                Need::Lockout => {
                    state.lockout = Some(Lockout::new(LOCKS_AFTER, Scope::Source, LOCKED_FOR))
                }
                Need::Page => self.check_example_users(&state)?,
            }
        }
        host.set_state(state);
        Ok(())
    }

    /// Returns the address for commands that people repeat: a mock's port is closed by then.
    pub(super) fn shown_address(&self) -> String {
        if self.mock.is_some() {
            "$TARGET".into()
        } else {
            self.target.address().to_owned()
        }
    }

    fn check_example_users(&self, state: &State) -> Result<(), String> {
        let built_in = crate::fixture::built_in(self.kind).state.directory;
        let differs = built_in
            .users()
            .into_iter()
            .find(|user| state.directory.find(&user.username) != Some(*user));
        differs.map_or(Ok(()), |user| {
            Err(format!(
                "the fixture's user `{}` differs from the documentation's example",
                user.username
            ))
        })
    }
}

impl Need {
    /// Returns why a case with this need is not judged at a live target.
    pub(super) fn refusal(self) -> String {
        let (needs, reason) = match self {
            Need::AnySymbol => ("a policy that accepts any symbol", "has it"),
            Need::Lockout => ("a lock-out that ends with the case", "has it"),
            Need::Page => ("the documentation's example users", "has them"),
        };
        format!("needs {needs}: only the built-in mock {reason}")
    }
}

/// After how many failures the mock of such a case locks; the cases depend on it.
const LOCKS_AFTER: u32 = 3;
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

//! Where a run takes place: a target, its accounts, and what it can offer beyond them.

use std::{sync::Arc, time::Duration};

use crate::{
    appliance::{Appliance, Lockout, Scope, State},
    client::{Target, TargetOptions},
    clock::Clock,
    conformance::{Agreed, Case, case::Need},
    contract::Kind,
    fixture::Fixture,
    runner::Accounts,
    server::{MockAppliance, RunningAppliance, tls::Identity},
};

/// A target and what is known of it.
#[derive(Debug)]
pub struct Lab {
    /// What it should be.
    pub kind: Kind,
    /// Where it is asked.
    pub target: Target,
    /// What reports call it.
    pub label: String,
    /// Whom it knows.
    pub accounts: Accounts,
    /// What is agreed on beyond the documents; by default nothing.
    pub agreed: Agreed,
    /// How often each case is asked, at least once.
    pub repeat: u32,
    /// The mock behind it, if it is ours, with the state every case starts from.
    pub mock: Option<(Arc<MockAppliance>, State)>,
}

impl Lab {
    /// Starts a mock of a fixture, over HTTPS, and gives it the suite's accounts beside the fixture's own users.
    ///
    /// # Errors
    /// No port, or no client, in words.
    pub fn mock(
        fixture: &Fixture,
        label: String,
        identity: &Identity,
    ) -> Result<(RunningAppliance, Lab), String> {
        Lab::mock_with(fixture, fixture.appliance(), label, identity)
    }

    /// Starts a mock of a fixture that is another appliance than the fixture says: a mutant, as `prove` makes them.
    ///
    /// # Errors
    /// Those of [`Lab::mock`].
    pub fn mock_with(
        fixture: &Fixture,
        mut appliance: Appliance,
        label: String,
        identity: &Identity,
    ) -> Result<(RunningAppliance, Lab), String> {
        let accounts = Accounts::for_a_mock(|bytes| {
            getrandom::fill(bytes).expect("the system has random bytes")
        });
        accounts
            .users()
            .into_iter()
            .for_each(|user| appliance.state.directory.put(user));
        let start = appliance.state.clone();
        // A run that is repeated strikes as before.
        let host = MockAppliance::with_clock(
            appliance,
            fixture.schedule(fixture.seed.unwrap_or_default()),
            Clock::start(),
        );
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
            Lab {
                kind: fixture.kind,
                target,
                label,
                accounts,
                agreed: Agreed::default(),
                repeat: 1,
                mock,
            },
        ))
    }

    /// Brings the target into the state a case starts from.
    ///
    /// # Errors
    /// Why that cannot be done here: the case is then not judged.
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
                Need::Page => self.has_the_page_s_users(&state)?,
            }
        }
        host.set_state(state);
        Ok(())
    }

    /// Returns the address for commands people repeat: a mock's own port is gone by then.
    pub(super) fn shown_address(&self) -> String {
        if self.mock.is_some() {
            "$TARGET".into()
        } else {
            self.target.address().to_owned()
        }
    }

    fn has_the_page_s_users(&self, state: &State) -> Result<(), String> {
        let built_in = crate::fixture::built_in(self.kind).state.directory;
        let differs = built_in
            .users()
            .into_iter()
            .find(|user| state.directory.find(&user.username) != Some(*user));
        differs.map_or(Ok(()), |user| {
            Err(format!(
                "the fixture's user `{}` is not the one of the documents' examples",
                user.username
            ))
        })
    }
}

impl Need {
    /// Says why a case with this need is not judged at a target.
    pub(super) fn refusal(self) -> String {
        let offered = match self {
            Need::AnySymbol => "a policy known to take any symbol",
            Need::Lockout => "a lock-out that ends with the case",
            Need::Page => "the users of the documents' examples",
        };
        format!("{offered} only a mock of our own can offer")
    }
}

/// After how many failures the mock of such a case locks; the cases count on it.
const LOCKS_AFTER: u32 = 3;
const LOCKED_FOR: Duration = Duration::from_secs(15 * 60);

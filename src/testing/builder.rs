//! What a double is to be, before it is started. Values are read by the fixture's reader; errors are values and come at the start.

use std::{fmt, net::SocketAddr, panic::Location, path::PathBuf, time::Duration};

use super::{
    Double, Failure,
    error::{Error, Place},
    runtime,
    step::BuilderStep,
};
use crate::{
    appliance::Scope,
    contract::{Kind, Role},
    fixture,
    fixture::{Fixture, ModeContext},
    journal::{Bounds, MemoryBudget},
    redact::Secret,
    server,
    server::{Limits, MockAppliance, RunningAppliance, tls::Identity},
};

/// What a double is to be. [`Builder::start`] makes it.
#[derive(Debug)]
#[must_use = "a double runs when it is started"]
pub struct Builder {
    base: (Base, Place),
    said: Vec<(BuilderStep, Place)>,
    http: bool,
    sans: Vec<String>,
    frozen: bool,
    bounds: Option<Bounds>,
}

/// What it is to begin with.
#[derive(Debug)]
enum Base {
    BuiltIn(Kind),
    File(PathBuf),
    Text(String),
}

impl Builder {
    #[track_caller]
    pub(super) fn built_in(kind: Kind) -> Builder {
        Builder::new(Base::BuiltIn(kind))
    }

    #[track_caller]
    pub(super) fn file(path: PathBuf) -> Builder {
        Builder::new(Base::File(path))
    }

    #[track_caller]
    pub(super) fn text(text: String) -> Builder {
        Builder::new(Base::Text(text))
    }

    #[track_caller]
    fn new(base: Base) -> Builder {
        Builder {
            base: (base, Location::caller()),
            said: Vec::new(),
            http: false,
            sans: Vec::new(),
            frozen: false,
            bounds: None,
        }
    }

    /// Adds a user with the role of a security analyst. Who names users has those and no others: the four built-in ones are there
    /// only where nobody names any. A user of a fixture is replaced by one of the same name.
    #[track_caller]
    pub fn user(self, username: impl Into<String>, password: impl Into<String>) -> Builder {
        self.user_with_role(username, password, Role::SecurityAnalyst)
    }

    /// Adds a user with a role: only an [`Role::Admin`] may set the passwords of others.
    #[track_caller]
    pub fn user_with_role(
        self,
        username: impl Into<String>,
        password: impl Into<String>,
        role: Role,
    ) -> Builder {
        self.say(BuilderStep::User(
            username.into(),
            Secret::new(password.into()),
            role,
        ))
    }

    /// Asks of new passwords what this policy asks: `examples` (the default), `product_8` or `product_16`.
    #[track_caller]
    pub fn policy(self, name: impl Into<String>) -> Builder {
        self.say(BuilderStep::Policy(name.into()))
    }

    /// Locks after so many failed sign-ins in a row, for a time on the appliance's clock: the address they come from, or the account.
    #[track_caller]
    pub fn lockout(self, after: u32, scope: Scope, hold: Duration) -> Builder {
        self.say(BuilderStep::Lockout(after, scope, hold))
    }

    /// Serves another reading than the default: a fact's name, a glob or a register number, `X11`, and the reading's name.
    #[track_caller]
    pub fn reading(self, fact: impl Into<String>, name: impl Into<String>) -> Builder {
        self.say(BuilderStep::Reading(fact.into(), name.into()))
    }

    /// Arms a failure mode from the start; it stands behind those of a fixture and those given before.
    #[track_caller]
    pub fn failure(self, failure: Failure) -> Builder {
        self.say(BuilderStep::Failure(failure))
    }

    /// Decides everything random by this seed. Default: the fixture's, or 0, so that every run is alike.
    #[track_caller]
    pub fn seed(self, seed: u64) -> Builder {
        self.say(BuilderStep::Seed(seed))
    }

    /// Listens here, `127.0.0.1:8443`; port 0 takes any free one. Default: the fixture's address, or any free port of 127.0.0.1.
    #[track_caller]
    pub fn listen(self, address: impl fmt::Display) -> Builder {
        self.say(BuilderStep::Listen(address.to_string()))
    }

    /// Speaks plain HTTP.
    pub fn http(mut self) -> Builder {
        self.http = true;
        self
    }

    /// Has a certificate of its own that bears a further name or address, besides `localhost`, `127.0.0.1`, `::1` and the host's name.
    pub fn san(mut self, name: impl Into<String>) -> Builder {
        self.sans.push(name.into());
        self
    }

    /// Begins with a clock that stands still.
    pub fn frozen(mut self) -> Builder {
        self.frozen = true;
        self
    }

    /// Keeps so much in the journal, in place of 1,000 entries and 8 MiB.
    pub fn journal_bounds(mut self, bounds: Bounds) -> Builder {
        self.bounds = Some(bounds);
        self
    }

    /// Starts it: on threads of its own, whatever runtime this is awaited in. Takes some hundred microseconds, and at the first
    /// double of a process a few milliseconds.
    ///
    /// # Errors
    /// The first thing that is wrong in what it was told, with the place in the test or in the fixture; an address that cannot be had.
    pub async fn start(self) -> Result<Double, Error> {
        self.start_blocking()
    }

    /// Starts it, for tests without a runtime.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn start_blocking(self) -> Result<Double, Error> {
        let place = self.base.1;
        let broken = |error: String| Error::at(place, error);
        let fixture = self.fixture()?;
        let runtime = runtime::runtime().map_err(broken)?;
        let identity = self.identity().map_err(broken)?;
        let (address, asked_at) = self.address(&fixture);
        // It starts a task: on the doubles' own runtime, not on the caller's.
        let entered = runtime.enter();
        let listener = server::bind(address).map_err(|error| {
            let taken = Error::at(asked_at, format!("binding {address}: {error}"));
            if address.port() == 0 {
                taken
            } else {
                taken.hint("port 0 takes any free one")
            }
        })?;
        let host = MockAppliance::from_fixture(&fixture, fixture.seed.unwrap_or_default());
        let host = host.with_journal(
            self.bounds.unwrap_or_default(),
            MemoryBudget::of_the_process(),
        );
        let served = RunningAppliance::serve(listener, host, identity.as_ref(), Limits::default())
            .map_err(|error| broken(error.to_string()))?;
        drop(entered);
        Ok(Double::new(served, fixture.kind, fixture.name))
    }

    fn address(&self, fixture: &Fixture) -> (SocketAddr, Place) {
        let said = self
            .said
            .iter()
            .rev()
            .find(|(said, _)| matches!(said, BuilderStep::Listen(_)));
        let place = said.map_or(self.base.1, |(_, place)| *place);
        (
            fixture
                .listen
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            place,
        )
    }

    fn identity(&self) -> Result<Option<Identity>, String> {
        match (self.http, self.sans.as_slice()) {
            (true, _) => Ok(None),
            (false, []) => runtime::identity().cloned().map(Some),
            (false, names) => Identity::generate(names)
                .map(Some)
                .map_err(|error| error.to_string()),
        }
    }

    /// Reads all that was said, in its order; failure modes last, as they may name users and go by readings.
    fn fixture(&self) -> Result<Fixture, Error> {
        let mut fixture = self.base()?;
        let mut named: Vec<&str> = Vec::new();
        for (said, place) in &self.said {
            if let BuilderStep::User(username, ..) = said {
                if named.contains(&username.as_str()) {
                    return Err(Error::at(place, format!("duplicate user {username:?}")));
                }
                named.push(username);
            }
            said.apply(&mut fixture)
                .map_err(|error| Error::of_value(place, error))?;
        }
        fixture.frozen |= self.frozen;
        // A fixture's own modes may word answers by other readings: from now on, on top of those chosen here.
        fixture
            .reload_modes()
            .map_err(|error| Error::of_value(self.base.1, error))?;
        fixture
            .check_transport(!self.http)
            .map_err(Error::of_file)?;
        for (said, place) in &self.said {
            let BuilderStep::Failure(failure) = said else {
                continue;
            };
            let context = ModeContext {
                kind: fixture.kind,
                readings: &fixture.readings,
                users: &fixture.state.directory,
                https: !self.http,
            };
            let mut added = None;
            failure.place(place, |name, text, keys| {
                added = Some(fixture::read_mode_with("failure", text, keys, &context)?);
                fixture::check_mode_count("failure", fixture.failures.len())?;
                Ok(fixture.failures.iter().all(|other| other.name != name))
            })?;
            fixture.failures.extend(added);
        }
        Ok(fixture)
    }

    #[expect(clippy::disallowed_methods, reason = "a fixture may be a file")]
    fn base(&self) -> Result<Fixture, Error> {
        let (base, place) = &self.base;
        match base {
            Base::BuiltIn(kind) => Ok(fixture::built_in(*kind)),
            Base::File(path) => {
                let shown = path.display().to_string();
                let bytes = std::fs::read(path).map_err(|error| {
                    let folder = std::env::current_dir()
                        .map(|folder| folder.display().to_string())
                        .unwrap_or_default();
                    Error::at(place, format!("reading {shown}: {error}"))
                        .hint(format!("paths begin at {folder}"))
                })?;
                fixture::read_bytes(&shown, &bytes).map_err(Error::of_file)
            }
            Base::Text(text) => fixture::read("fixture", text)
                .map_err(|error| Error::of_text(place, "the fixture", error)),
        }
    }

    #[track_caller]
    fn say(mut self, said: BuilderStep) -> Builder {
        self.said.push((said, Location::caller()));
        self
    }
}

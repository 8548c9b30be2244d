//! What a double is to be, before it is started. Values are read by the fixture's reader; errors come at the start.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    panic::Location,
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Double, Failure,
    error::{CallSite, Error},
    failure,
    failure::milliseconds,
    runtime,
};
use crate::{
    appliance::{Directory, Scope},
    contract::Role,
    fixture,
    fixture::{Diagnostic, Fixture},
    journal::{Bounds, MemoryBudget},
    server,
    server::{Limits, MockAppliance, RunningAppliance, tls::Identity},
};

/// What a double is to be. [`Builder::start`] starts it.
#[derive(Debug)]
#[must_use = "a double runs when it is started"]
pub struct Builder {
    /// The fixture so far, or the first error.
    fixture: Result<Fixture, Error>,
    place: CallSite,
    listen_place: CallSite,
    usernames: Vec<String>,
    failures: Vec<(Failure, CallSite)>,
    http: bool,
    sans: Vec<String>,
    bounds: Bounds,
}

impl Builder {
    #[track_caller]
    pub(crate) fn new(fixture: Result<Fixture, Error>) -> Builder {
        Builder {
            fixture,
            place: Location::caller(),
            listen_place: Location::caller(),
            usernames: Vec::new(),
            failures: Vec::new(),
            http: false,
            sans: Vec::new(),
            bounds: Bounds::default(),
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
        mut self,
        username: impl Into<String>,
        password: impl Into<String>,
        role: Role,
    ) -> Builder {
        let (username, password) = (username.into(), password.into());
        if self.usernames.contains(&username) && self.fixture.is_ok() {
            let message = format!("duplicate user {username:?}");
            self.fixture = Err(Error::at(Location::caller(), message));
        }
        self.usernames.push(username.clone());
        let user = json!([{ "username": username, "password": password, "role": role.name() }]);
        self.read("users", user, |fixture, part| {
            if !fixture.names_users {
                fixture.state.directory = Directory::default();
                fixture.names_users = true;
            }
            for user in part.state.directory.users() {
                fixture.state.directory.put(user.clone());
            }
        })
    }

    /// Requires of new passwords what this policy requires: `examples` (the default), `product_8` or `product_16`.
    #[track_caller]
    pub fn policy(self, name: impl Into<String>) -> Builder {
        let name: String = name.into();
        self.read("policy", json!(name), |fixture, part| {
            fixture.state.policy = part.state.policy;
        })
    }

    /// Locks after so many failed sign-ins in a row, for a time on the appliance's clock: the address they come from, or the account.
    #[track_caller]
    pub fn lockout(self, after: u32, scope: Scope, hold: Duration) -> Builder {
        let lockout = json!({ "after": after, "scope": scope, "for": milliseconds(hold) });
        self.read("lockout", lockout, |fixture, part| {
            fixture.state.lockout = part.state.lockout
        })
    }

    /// Serves another reading than the default: a fact's name, a glob or the number of an ambiguity, `X11`, and the reading's name.
    #[track_caller]
    pub fn reading(self, fact: impl Into<String>, name: impl Into<String>) -> Builder {
        let (fact, name): (String, String) = (fact.into(), name.into());
        self.read("readings", json!({ fact: name }), |fixture, part| {
            fixture.readings = fixture.readings.clone().and(&part.readings);
        })
    }

    /// Arms a failure mode from the start; it stands behind those of a fixture and those given before.
    #[track_caller]
    pub fn failure(mut self, failure: Failure) -> Builder {
        self.failures.push((failure, Location::caller()));
        self
    }

    /// Decides everything random by this seed, below 2^53. Default: the fixture's, or 0, so that every run is alike.
    #[track_caller]
    pub fn seed(self, seed: u64) -> Builder {
        self.read("seed", json!(seed), |fixture, part| {
            fixture.seed = part.seed
        })
    }

    /// Listens here, `127.0.0.1:8443`; port 0 takes any free one. Default: the fixture's address, or any free port of 127.0.0.1.
    #[track_caller]
    pub fn listen(mut self, address: impl fmt::Display) -> Builder {
        self.listen_place = Location::caller();
        let address = json!(address.to_string());
        self.read("listen", address, |fixture, part| {
            fixture.listen = part.listen
        })
    }

    /// Speaks plain HTTP.
    pub fn http(mut self) -> Builder {
        self.http = true;
        self
    }

    /// Has a certificate of its own with a further name or address, besides `localhost`, `127.0.0.1`, `::1` and the host's name.
    pub fn san(mut self, name: impl Into<String>) -> Builder {
        self.sans.push(name.into());
        self
    }

    /// Begins with a clock that stands still.
    pub fn frozen(mut self) -> Builder {
        if let Ok(fixture) = &mut self.fixture {
            fixture.frozen = true;
        }
        self
    }

    /// Keeps this much in the journal, in place of 1,000 entries and 8 MiB.
    pub fn journal_bounds(mut self, bounds: Bounds) -> Builder {
        self.bounds = bounds;
        self
    }

    /// Starts it: on threads of its own, in whatever runtime this is awaited. Takes some hundred microseconds, and at the first
    /// double of a process a few milliseconds.
    ///
    /// # Errors
    /// The first value that is wrong, with its place in the test or in the fixture; an address that cannot be bound.
    pub async fn start(self) -> Result<Double, Error> {
        self.start_blocking()
    }

    /// Starts it, for tests without a runtime.
    ///
    /// # Errors
    /// Those of [`Builder::start`].
    pub fn start_blocking(self) -> Result<Double, Error> {
        let place = self.place;
        let mut fixture = self.fixture?;
        // Modes depend on readings, also on those chosen here.
        fixture
            .reload_modes()
            .map_err(|error| Error::of_value(place, error))?;
        let possible = fixture.check_transport(!self.http);
        possible.map_err(|missing| Error::of_value(place, Diagnostic::of_transport(&missing)))?;
        // After all else: they name users and depend on readings.
        for (failure, place) in self.failures {
            let mode = failure.add(place, |text, keys| {
                let mode = failure::read(text, keys, &fixture.mode_context(), !self.http)?;
                fixture::check_mode_count("failure", fixture.failures.len())?;
                let is_free = fixture.failures.iter().all(|other| other.name != mode.name);
                Ok(is_free.then_some(mode))
            })?;
            fixture.failures.push(mode);
        }
        let identity = match (self.http, &self.sans[..]) {
            (true, _) => None,
            (false, []) => Some(runtime::identity(place)?),
            (false, names) => Some(
                Identity::generate(names).map_err(|error| Error::at(place, error.to_string()))?,
            ),
        };
        // Serving starts a task: on the doubles' own runtime, not on the caller's.
        let _entered = runtime::runtime(place)?.enter();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let address = fixture.listen.unwrap_or(any_port);
        let listener = server::bind(address).map_err(|error| {
            let unbound = Error::at(self.listen_place, format!("binding {address}: {error}"));
            match address.port() {
                0 => unbound,
                _ => unbound.hint("port 0 takes any free one"),
            }
        })?;
        let appliance = MockAppliance::from_fixture(&fixture, fixture.seed.unwrap_or_default())
            .with_journal(self.bounds, MemoryBudget::of_the_process());
        RunningAppliance::serve(listener, appliance, identity.as_ref(), Limits::default())
            .map(Double::new)
            .map_err(|error| Error::at(place, error.to_string()))
    }

    /// Reads a value as under a key of a fixture, and takes it over; unless there was an error before.
    #[track_caller]
    fn read(
        mut self,
        key: &str,
        value: Value,
        take: impl FnOnce(&mut Fixture, Fixture),
    ) -> Builder {
        if let Ok(fixture) = &mut self.fixture {
            let text = json!({ "appliance": fixture.kind.name(), key: value }).to_string();
            match fixture::read("builder", &text) {
                Ok(part) => take(fixture, part),
                Err(error) => self.fixture = Err(Error::of_value(Location::caller(), error)),
            }
        }
        self
    }
}

/// Reads the fixture of a file, and the files that it uses.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a fixture may be a file")]
pub(crate) fn read_fixture(path: &Path) -> Result<Fixture, Error> {
    let (place, shown) = (Location::caller(), path.display().to_string());
    let bytes = std::fs::read(path).map_err(|error| {
        let folder = std::env::current_dir().unwrap_or_default();
        let unread = Error::at(place, format!("reading {shown}: {error}"));
        unread.hint(format!("paths begin at {}", folder.display()))
    })?;
    let mut load = |name: &str| std::fs::read(path.with_file_name(name));
    let fixture = fixture::read_file(&shown, &bytes, &mut load);
    let single = fixture.and_then(|fixture| fixture.single(&shown));
    single.map_err(Error::of_file)
}

//! Fixtures: YAML in, a test appliance out, and back again; every error has its line and column.
//!
//! ```text
//! text ─yaml→ Node ─schema, resolve→ Fixture ─→ Appliance, Schedule
//!   ▲                          │
//!   └────────── export ────────┘
//! ```
//!
//! `fixtures/fixture.schema.json` lists the keys, with what each takes; `schema` checks a document against it.

mod catalog;
mod diagnostic;
mod distinct;
mod export;
mod fleet;
mod formats;
mod mode;
mod node;
mod parts;
mod ready_made;
mod resolve;
mod schema;
mod yaml;

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

pub use catalog::{READY_MADE, description};
pub(crate) use catalog::{advice, nearest_mode};
pub use diagnostic::Diagnostic;
pub(crate) use diagnostic::{Position, hint_line};
pub use distinct::distinct;
#[cfg(feature = "cli")]
pub(crate) use export::escape;
pub use mode::ModeContext;
pub(crate) use node::Spanned;
pub(crate) use parts::read_mode_with;
pub use parts::{check_mode_count, read_mode, read_readings, read_user, reload_mode};
pub use ready_made::ready_made;
#[cfg(feature = "cli")]
pub(crate) use schema::component_schemas;

use crate::{
    appliance::{Appliance, Rules, State},
    contract,
    contract::{Kind, Readings},
    failure::{FailureMode, Schedule, TlsMissing},
};

/// A fixture that was read and makes sense.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Which appliance it is.
    pub kind: Kind,
    /// The appliance's name, 1 to 64 of `A-Z a-z 0-9 _ . -`; by default the kind.
    pub name: String,
    /// The address it asks to listen on, if it asks.
    pub listen: Option<SocketAddr>,
    /// Users, policy and lock-out at the start.
    pub state: State,
    /// The files of failure modes that it uses, as it names them.
    pub uses: Vec<String>,
    /// The readings it serves instead of the default ones.
    pub readings: Readings,
    /// The seed of everything random, if it names one.
    pub seed: Option<u64>,
    /// Whether it says its name; otherwise that is the kind's.
    pub is_named: bool,
    /// Whether it names its users; otherwise they are the built-in ones.
    pub names_users: bool,
    /// Its failure modes, in order: its own, the ready-made ones it uses, those armed by name.
    pub failures: Vec<FailureMode>,
    /// Whether its clock stands still from the start; no key says so.
    pub frozen: bool,
    /// Which replica of a fleet it is, from 1; 0 where it is none.
    pub replica: u32,
    /// Which entry of `drift` it is of, from 1; 0 where of none.
    pub drift: u32,
    fleet: Option<fleet::Fleet>,
    places: Places,
}

/// Where keys are.
#[derive(Clone, Debug)]
struct Places {
    name: Position,
    listen: Option<Position>,
}

/// Loads a file of failure modes, named by its path from the fixture that uses it.
pub type LoadFile<'a> = dyn FnMut(&str) -> io::Result<Vec<u8>> + 'a;

/// Reads a fixture of one appliance that uses no file of failure modes; `file` is the name that errors show.
///
/// # Errors
/// The first thing that is wrong; several appliances. No error shows a password.
pub fn read(file: &str, text: &str) -> Result<Fixture, Diagnostic> {
    let reason = "only a fixture in a file can use other files";
    let mut none = |_: &str| Err(io::Error::other(reason));
    read_with(file, text, &mut none)?.single(file)
}

fn read_with(file: &str, text: &str, load: &mut LoadFile<'_>) -> Result<Fixture, Diagnostic> {
    yaml::read(text, "appliance")
        .and_then(|node| resolve::fixture(&node, load))
        .map_err(|wrong| wrong.in_file(file))
}

/// Reads a file of failure modes for any appliance: a map `failures: […]`.
///
/// # Errors
/// The first thing that is wrong. Such a mode can name no user and no reading: both belong to one
/// appliance.
pub fn read_modes(file: &str, text: &str) -> Result<Vec<FailureMode>, Diagnostic> {
    let modes = ready_made::read_modes(text, None).map_err(|wrong| wrong.in_file(file))?;
    Ok(modes.into_iter().map(|mode| mode.failure).collect())
}

/// Reads another file that may have passwords: errors have a place and show no password.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn read_as<T: serde::de::DeserializeOwned>(
    file: &str,
    text: &str,
) -> Result<T, Diagnostic> {
    yaml::parse(text).map_err(|wrong| wrong.in_file(file))
}

/// Reads a fixture from the bytes of a file, which must be UTF-8; `load` loads the files that it uses.
///
/// # Errors
/// Those of [`read`], the first byte that is not UTF-8, and what is wrong with a file that it uses.
pub fn read_file(file: &str, bytes: &[u8], load: &mut LoadFile<'_>) -> Result<Fixture, Diagnostic> {
    read_with(file, text(file, bytes)?, load)
}

/// Returns bytes as the text they must be.
///
/// # Errors
/// The first byte that is not UTF-8.
pub fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Diagnostic> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let lines: Vec<&str> = before.split('\n').collect();
        let column = lines.last().map_or(0, |line| line.chars().count());
        let at = Position {
            line: lines.len() as u64,
            column: column as u64 + 1,
        };
        let error = Diagnostic::new(at, "the file is not UTF-8");
        error.hint("save it as UTF-8").in_file(file)
    })
}

/// Returns the built-in fixture of a kind, that of `fixtures/sensor.yaml` or `fixtures/console.yaml`.
///
/// # Panics
/// Never in a released binary: the text is compiled in, and a test reads both.
pub fn built_in(kind: Kind) -> Fixture {
    static CONSOLE: LazyLock<Fixture> = LazyLock::new(|| embedded(Kind::Console));
    static SENSOR: LazyLock<Fixture> = LazyLock::new(|| embedded(Kind::Sensor));
    match kind {
        Kind::Console => CONSOLE.clone(),
        Kind::Sensor => SENSOR.clone(),
    }
}

fn embedded(kind: Kind) -> Fixture {
    let text = match kind {
        Kind::Console => include_str!("../fixtures/console.yaml"),
        Kind::Sensor => include_str!("../fixtures/sensor.yaml"),
    };
    let fixture = read(&format!("fixtures/{kind}.yaml"), text);
    let fixture = fixture.unwrap_or_else(|error| panic!("{error}"));
    Fixture {
        names_users: false,
        ..fixture
    }
}

/// Joins many names, a few on each line.
fn wrapped(names: &[&str]) -> String {
    let lines: Vec<String> = names.chunks(6).map(|names| names.join(", ")).collect();
    lines.join(",\n    ")
}

impl Fixture {
    /// Returns the appliance this fixture describes, as it is at the start.
    pub fn appliance(&self) -> Appliance {
        let rules = if self.readings.is_empty() {
            Rules::with_defaults(self.kind)
        } else {
            Arc::new(Rules::new(contract::of(self.kind), &self.readings))
        };
        Appliance {
            rules,
            state: self.state.clone(),
        }
    }

    /// Returns its failure modes; `seed` decides everything random.
    pub fn schedule(&self, seed: u64) -> Schedule {
        Schedule::new(self.failures.clone(), seed)
    }

    /// Returns the appliance that its failure modes are read for.
    pub fn mode_context(&self) -> ModeContext<'_> {
        ModeContext {
            kind: self.kind,
            readings: &self.readings,
            users: &self.state.directory,
            locks: self.state.lockout.is_some(),
        }
    }

    /// Adds the failure modes of a file after the others.
    ///
    /// # Errors
    /// The first thing that is wrong with them; a name that the fixture has already.
    pub fn add_modes(&mut self, file: &str, bytes: &[u8]) -> Result<(), Diagnostic> {
        let read = ready_made::read_modes(text(file, bytes)?, Some(&self.mode_context()));
        for mode in read.map_err(|wrong| wrong.in_file(file))? {
            let name = &mode.failure.name;
            if self.failures.iter().any(|known| known.name == *name) {
                let message = format!("`{}` has a failure mode `{name}` already", self.name);
                return Err(Diagnostic::new(mode.place, message).in_file(file));
            }
            self.failures.push(mode.failure);
        }
        Ok(())
    }

    /// Reads its failure modes again, after its readings were changed: a mode may be based on them.
    ///
    /// # Errors
    /// The first mode that makes no sense now.
    pub fn reload_modes(&mut self) -> Result<(), Diagnostic> {
        let reload = |failure: &FailureMode| {
            Ok(FailureMode {
                armed: failure.armed,
                ..reload_mode(failure, &self.mode_context())?
            })
        };
        self.failures = self.failures.iter().map(reload).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Arms failure modes by name, `slow,flaky`: those of the fixture, or ready-made ones, which it
    /// then has.
    ///
    /// # Errors
    /// A name that neither has; nothing is armed then.
    pub fn arm(&mut self, names: &str) -> Result<(), Diagnostic> {
        let mut failures = self.failures.clone();
        for name in names.split(',').map(str::trim) {
            if let Some(failure) = failures.iter_mut().find(|failure| failure.name == name) {
                failure.armed = true;
                continue;
            }
            let known = READY_MADE.iter().find(|known| **known == name);
            let known = known.ok_or_else(|| self.unknown_mode(name))?;
            let mode = ready_made::read(known, Some(&self.mode_context()));
            failures.push(FailureMode {
                armed: true,
                ..mode.failure
            });
        }
        self.failures = failures;
        Ok(())
    }

    /// Checks that its failure modes can happen over HTTPS, or over plain HTTP.
    ///
    /// # Errors
    /// The first mode that cannot.
    pub fn check_transport(&self, https: bool) -> Result<(), TlsMissing> {
        let mut failures = self.failures.iter();
        failures.try_for_each(|failure| failure.check_transport(https))
    }

    fn unknown_mode(&self, name: &str) -> Diagnostic {
        let own = self.failures.iter().map(|mode| mode.name.as_str());
        let mut known: Vec<&str> = own.collect();
        let others = READY_MADE.iter().filter(|name| !known.contains(name));
        known.extend(others.copied().collect::<Vec<_>>());
        let message = format!("unknown failure mode {}", diagnostic::quoted(name));
        let unknown = Diagnostic::new(node::START, message).in_file("--fail");
        match nearest_mode(name, known.iter().copied()) {
            Some(near) => unknown.hint(format!("did you mean `{near}`?")),
            None => unknown.hint(format!("expected one of {}", wrapped(&known))),
        }
    }
}

/// Sums a fixture up on one line: `sensor plant-7: 4 users, policy examples, 1 reading chosen`.
impl fmt::Display for Fixture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.state.policy.name().unwrap_or("of its own");
        let users = counted(self.state.directory.users().len(), "user");
        write!(out, "{} {}: {users}, policy {policy}", self.kind, self.name)?;
        if let Some((replicas, other)) = self.replicas() {
            let replicas = counted(replicas as usize, "replica");
            write!(out, ", {replicas}, of which {other} differ")?;
        }
        if let Some(lockout) = &self.state.lockout {
            let failures = counted(lockout.after as usize, "failure");
            write!(out, ", lock-out after {failures}")?;
        }
        if !self.readings.is_empty() {
            let readings = counted(self.readings.iter().count(), "reading");
            write!(out, ", {readings} chosen")?;
        }
        if !self.failures.is_empty() {
            write!(out, ", {}", counted(self.failures.len(), "failure mode"))?;
        }
        let is_variable = |user: &&crate::appliance::User| user.password.expose().starts_with("${");
        match self.state.directory.users().find(is_variable) {
            Some(user) => write!(
                out,
                "; the password of {} is that text itself: variables are not filled in",
                diagnostic::quoted(&user.username)
            ),
            None => Ok(()),
        }
    }
}

/// Counts things: `1 user`, `2 users`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Returns the JSON Schema of fixtures.
pub fn schema() -> serde_json::Value {
    schema::FIXTURE.clone()
}

/// Returns the JSON Schema of files of failure modes.
pub fn modes_schema() -> serde_json::Value {
    schema::MODES.clone()
}

/// Returns whether a text is a file of failure modes, not a fixture.
pub fn holds_modes(text: &str) -> bool {
    let node = yaml::read(text, "failures");
    node.is_ok_and(|node| node.get("failures").is_some() && node.get("appliance").is_none())
}

/// The greatest seed: a greater number is another one in JavaScript and in other readers of JSON.
pub const MAX_SEED: u64 = (1 << 53) - 1;

/// A commented fixture to begin with, as `fixture init` writes it.
pub const STARTER: &str = include_str!("fixture/starter.yaml");

#[cfg(test)]
mod tests;

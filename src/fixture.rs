//! Fixtures: YAML text in, a test appliance out, and back again; every error points at its line and column.
//!
//! ```text
//! text ─locate→ written::Fixture ─meant→ Fixture ─→ Appliance, Schedule, moment
//!   ▲                  └─ schema           │ ▲                 │
//!   └─────────── write ────────────────────┘ └────── of ───────┘
//! ```

mod as_json;
mod at;
mod bound;
#[cfg(feature = "cli")]
mod components;
mod duration;
mod fault;
mod locate;
mod meant;
mod mode;
mod omitted;
mod pairs;
mod part;
mod policy;
mod ready;
mod single;
mod so_far;
mod spanned;
mod standing;
mod write;
mod written;

use std::{
    collections::HashMap,
    fmt,
    net::SocketAddr,
    sync::{Arc, LazyLock},
};

pub(crate) use at::{At, Position};
#[cfg(feature = "cli")]
pub(crate) use bound::state_name;
#[cfg(feature = "cli")]
pub(crate) use components::component_schemas;
pub use fault::Error;
use fault::Fault;
#[cfg(feature = "cli")]
pub(crate) use fault::nearest;
use mode::Context;
pub use ready::{READY_MADE, ready_made};
pub use single::{Setting, read_mode, read_readings, read_user, reread, room_for_a_mode};
pub use so_far::SoFar;
pub use write::Secrets;

use crate::{
    appliance::{Appliance, Policy, Rules, State},
    contract,
    contract::{Kind, Readings},
    failure::{Failure, Schedule},
};

/// A fixture that was read and holds together.
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
    /// The readings it serves instead of the ruling.
    pub readings: Readings,
    /// The seed of everything random, if it names one.
    pub seed: Option<u64>,
    /// Whether it names its users; otherwise they are the built-in ones.
    pub names_users: bool,
    /// Its failure modes, in the order in which they are asked: its own, then the ready-made ones it uses, then those armed by name.
    pub failures: Vec<Failure>,
    /// What has happened so far; at the start of an appliance nothing.
    pub so_far: SoFar,
    named_at: Position,
    listens_at: Option<Position>,
    /// Why it cannot be served over plain HTTP, if so; the file is filled in where it is known.
    needs_tls: Option<Fault>,
    /// The same of a mode that was armed by name.
    armed_tls: Option<Error>,
    file: String,
}

/// Reads a fixture; `file` is the name that errors show.
///
/// # Errors
/// The first thing that is wrong. No error shows a password.
pub fn read(file: &str, text: &str) -> Result<Fixture, Error> {
    let fixture = locate::read(text, "appliance")
        .and_then(meant::fixture)
        .map_err(|fault| fault.in_file(file))?;
    Ok(Fixture {
        file: file.to_owned(),
        ..fixture
    })
}

/// Reads a file of failure modes, a map `failures: […]` and no more: modes that any appliance can take.
///
/// # Errors
/// The first thing that is wrong. Such a mode can name no user and no reading: both are an appliance's own.
pub fn read_modes(file: &str, text: &str) -> Result<Vec<Failure>, Error> {
    let modes = ready::modes(
        text,
        Context {
            appliance: None,
            users: None,
        },
    )
    .map_err(|fault| fault.in_file(file))?;
    Ok(modes.into_iter().map(|mode| mode.failure).collect())
}

/// Reads another file that may hold passwords with the same care: errors have a place and show no password.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn read_as<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    locate::any(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|fault| fault.in_file(file))
}

/// Reads a duration as fixtures write it, `500ms`, `1h30m`; `0s` is one too.
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "the command line's options are read by it")
)]
pub(crate) fn duration(text: &str) -> Option<std::time::Duration> {
    duration::parse(text)
}

/// Reads a fixture from bytes, which must be UTF-8.
///
/// # Errors
/// Those of [`read`], and the first byte that is no UTF-8.
pub fn read_bytes(file: &str, bytes: &[u8]) -> Result<Fixture, Error> {
    read(file, text(file, bytes)?)
}

/// Returns bytes as the text they must be.
///
/// # Errors
/// The first byte that is no UTF-8.
pub fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        let at = Position {
            line: line as u64,
            column: column as u64,
        };
        Fault::new(at, "the file is not UTF-8")
            .hint("save it as UTF-8")
            .in_file(file)
    })
}

/// Returns the built-in fixture of a kind, that of `fixtures/sensor.yaml` or `fixtures/console.yaml`.
///
/// # Panics
/// Never in a released binary: the text is compiled in, and a test reads both.
pub fn built_in(kind: Kind) -> Fixture {
    static SENSOR: LazyLock<Fixture> = LazyLock::new(|| {
        embedded(
            "fixtures/sensor.yaml",
            include_str!("../fixtures/sensor.yaml"),
        )
    });
    static CONSOLE: LazyLock<Fixture> = LazyLock::new(|| {
        embedded(
            "fixtures/console.yaml",
            include_str!("../fixtures/console.yaml"),
        )
    });
    match kind {
        Kind::Console => CONSOLE.clone(),
        Kind::Sensor => SENSOR.clone(),
    }
}

fn embedded(file: &str, text: &str) -> Fixture {
    let fixture = read(file, text).unwrap_or_else(|error| panic!("{error}"));
    Fixture {
        names_users: false,
        ..fixture
    }
}

impl Fixture {
    /// Returns the appliance this fixture describes, as it is at the start, or has become so far.
    pub fn appliance(&self) -> Appliance {
        let rules = if self.readings.is_empty() {
            Rules::ruling(self.kind)
        } else {
            Arc::new(Rules::new(contract::of(self.kind), &self.readings))
        };
        Appliance {
            rules,
            state: self.state.clone(),
        }
    }

    /// Returns its failure modes with what they have counted so far; `seed` decides everything random.
    pub fn schedule(&self, seed: u64) -> Schedule {
        let mut schedule = Schedule::new(self.failures.clone(), seed);
        schedule.go_on(&self.so_far.progress);
        schedule
    }

    /// Reads its failure modes once more, after other readings were chosen: a mode that words answers by other readings does so on top of those.
    ///
    /// # Errors
    /// The first mode that means nothing under them.
    pub fn reread(&mut self) -> Result<(), Error> {
        let setting = Setting {
            kind: self.kind,
            readings: &self.readings,
            users: &self.state.directory,
            https: true,
        };
        let again = |failure: &Failure| {
            Ok(Failure {
                armed: failure.armed,
                ..reread(failure, &setting)?
            })
        };
        self.failures = self.failures.iter().map(again).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Arms failure modes by name, `slow,flaky`: those of the fixture, or else ready-made ones, which it then has.
    ///
    /// # Errors
    /// A name that neither has; nothing is armed then.
    pub fn arm(&mut self, names: &str) -> Result<(), String> {
        let context = Context {
            appliance: Some((self.kind, &self.readings)),
            users: Some(&self.state.directory),
        };
        let mut failures = self.failures.clone();
        let mut needs_tls = None;
        for name in names.split(',').map(str::trim) {
            if let Some(failure) = failures.iter_mut().find(|failure| failure.name == name) {
                failure.armed = true;
                self.so_far
                    .progress
                    .iter_mut()
                    .filter(|progress| progress.mode == name)
                    .for_each(|progress| progress.armed = true);
            } else {
                let mode = ready::named(name, context).ok_or_else(|| self.no_mode(name))?;
                let column = names
                    .find(name)
                    .map_or(1, |start| names[..start].chars().count() + 1);
                let at = Position {
                    line: 1,
                    column: column as u64,
                };
                needs_tls = needs_tls.or(mode
                    .tls
                    .map(|(key, _)| part::needs_tls(name, key, at).in_file("--fail")));
                failures.push(Failure {
                    armed: true,
                    ..mode.failure
                });
            }
        }
        self.failures = failures;
        self.armed_tls = self.armed_tls.take().or(needs_tls);
        Ok(())
    }

    /// Tells whether its failure modes can happen on a transport.
    ///
    /// # Errors
    /// The first mode that cannot, with its place; of one that was armed by name the place in that list, as file `--fail`.
    pub fn refuses_transport(&self, https: bool) -> Result<(), Error> {
        let own = self
            .needs_tls
            .clone()
            .map(|fault| fault.in_file(&self.file));
        match own.or_else(|| self.armed_tls.clone()) {
            Some(error) if !https => Err(error),
            _ => Ok(()),
        }
    }

    fn no_mode(&self, name: &str) -> String {
        let own = self.failures.iter().map(|failure| failure.name.as_str());
        let known: Vec<&str> = own
            .chain(
                READY_MADE
                    .iter()
                    .copied()
                    .filter(|ready| self.failures.iter().all(|own| own.name != *ready)),
            )
            .collect();
        let near = fault::nearest(name, known.iter().copied())
            .map(|near| format!("\n  hint: did you mean `{near}`?"))
            .unwrap_or_default();
        format!(
            "unknown failure mode {}, expected one of {}{near}",
            fault::quoted(name),
            known.join(", ")
        )
    }
}

/// Sums a fixture up on one line: `sensor plant-7: 4 users, policy examples, 1 reading chosen`.
impl fmt::Display for Fixture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = Policy::NAMES
            .into_iter()
            .find(|name| Policy::named(name).as_ref() == Some(&self.state.policy))
            .unwrap_or("of its own");
        write!(
            out,
            "{} {}: {}, policy {policy}",
            self.kind,
            self.name,
            counted(self.state.directory.users().len(), "user")
        )?;
        if let Some(lockout) = &self.state.lockout {
            write!(
                out,
                ", lock-out after {}",
                counted(lockout.after as usize, "failure")
            )?;
        }
        if !self.readings.is_empty() {
            write!(
                out,
                ", {} chosen",
                counted(self.readings.iter().count(), "reading")
            )?;
        }
        match self.failures.len() {
            0 => Ok(()),
            count => write!(out, ", {}", counted(count, "failure mode")),
        }
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Checks that fixtures can be served together: no two have one name, no two ask for one address.
///
/// # Errors
/// The second of two that clash, with the place of the first. The strings are the files' names.
pub fn distinct(fixtures: &[(String, Fixture)]) -> Result<(), Error> {
    let mut names: HashMap<&str, (&str, Position)> = HashMap::new();
    let mut addresses: HashMap<SocketAddr, (&str, Position)> = HashMap::new();
    for (file, fixture) in fixtures {
        if let Some((first, at)) = names.insert(&fixture.name, (file, fixture.named_at)) {
            let message = format!(
                "two appliances are named `{}`, the first at {first}:{}:{}",
                fixture.name, at.line, at.column
            );
            return Err(Fault::new(fixture.named_at, message)
                .hint("give each a `name` of its own")
                .in_file(file));
        }
        let (Some(address), Some(position)) = (
            fixture.listen.filter(|address| address.port() != 0),
            fixture.listens_at,
        ) else {
            continue;
        };
        if let Some((first, at)) = addresses.insert(address, (file, position)) {
            let message = format!(
                "two appliances listen on `{address}`, the first at {first}:{}:{}",
                at.line, at.column
            );
            return Err(Fault::new(position, message).in_file(file));
        }
    }
    Ok(())
}

/// Returns the JSON Schema of fixtures, made from the types that read them.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(written::Fixture).to_value()
}

/// Returns the JSON Schema of files that hold failure modes and no more.
pub fn modes_schema() -> serde_json::Value {
    schemars::schema_for!(mode::Modes).to_value()
}

/// A commented fixture to begin with, as `fixture init` writes it.
pub const STARTER: &str = include_str!("fixture/starter.yaml");

#[cfg(test)]
mod tests;

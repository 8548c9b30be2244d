//! Fixtures: YAML text in, a test appliance out; every error points at its line and column.
//!
//! ```text
//! text ─locate→ written::Fixture ─meant→ Fixture ─→ Appliance
//!                      └─ schema
//! ```

mod at;
mod duration;
mod fault;
mod locate;
mod meant;
mod policy;
mod written;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::LazyLock;

pub use fault::Error;

use crate::appliance::Appliance;
use crate::appliance::Policy;
use crate::appliance::Rules;
use crate::appliance::State;
use crate::contract;
use crate::contract::Kind;
use crate::contract::Readings;
use at::Position;
use fault::Fault;

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
    named_at: Position,
    listens_at: Option<Position>,
}

/// Reads a fixture; `file` is the name that errors show.
///
/// # Errors
/// The first thing that is wrong. No error shows a password.
pub fn read(file: &str, text: &str) -> Result<Fixture, Error> {
    locate::read(text).and_then(meant::fixture).map_err(|fault| fault.in_file(file))
}

/// Reads another file that may hold passwords with the same care: errors have a place and show no password.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn read_as<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    locate::any(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|fault| fault.in_file(file))
}

/// Reads a duration as fixtures write it, `500ms`, `1h30m`; `0s` is one too.
pub(crate) fn duration(text: &str) -> Option<std::time::Duration> {
    duration::parse(text)
}

/// Reads a fixture from bytes, which must be UTF-8.
///
/// # Errors
/// Those of [`read`], and the first byte that is no UTF-8.
pub fn read_bytes(file: &str, bytes: &[u8]) -> Result<Fixture, Error> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let at = Position { line: line as u64, column: column as u64 };
        Fault::new(at, "the file is not UTF-8").hint("save it as UTF-8").in_file(file)
    })?;
    read(file, text)
}

/// Returns the built-in fixture of a kind, that of `fixtures/sensor.yaml` or `fixtures/console.yaml`.
///
/// # Panics
/// Never in a released binary: the text is compiled in, and a test reads both.
pub fn built_in(kind: Kind) -> Fixture {
    static SENSOR: LazyLock<Fixture> = LazyLock::new(|| embedded("fixtures/sensor.yaml", include_str!("../fixtures/sensor.yaml")));
    static CONSOLE: LazyLock<Fixture> = LazyLock::new(|| embedded("fixtures/console.yaml", include_str!("../fixtures/console.yaml")));
    match kind {
        Kind::Console => CONSOLE.clone(),
        Kind::Sensor => SENSOR.clone(),
    }
}

fn embedded(file: &str, text: &str) -> Fixture {
    let fixture = read(file, text).unwrap_or_else(|error| panic!("{error}"));
    Fixture { names_users: false, ..fixture }
}

impl Fixture {
    /// Returns the appliance this fixture describes, as it is at the start.
    pub fn appliance(&self) -> Appliance {
        let rules = Rules::new(contract::of(self.kind), &self.readings);
        Appliance { rules: Arc::new(rules), state: self.state.clone() }
    }
}

/// Sums a fixture up on one line: `sensor plant-7: 4 users, policy examples, 1 reading chosen`.
impl fmt::Display for Fixture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = Policy::NAMES.into_iter().find(|name| Policy::named(name).as_ref() == Some(&self.state.policy)).unwrap_or("of its own");
        write!(out, "{} {}: {}, policy {policy}", self.kind, self.name, counted(self.state.directory.users().len(), "user"))?;
        if let Some(lockout) = &self.state.lockout {
            write!(out, ", lock-out after {}", counted(lockout.after as usize, "failure"))?;
        }
        match self.readings.iter().count() {
            0 => Ok(()),
            count => write!(out, ", {} chosen", counted(count, "reading")),
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
            let message = format!("two appliances are named `{}`, the first at {first}:{}:{}", fixture.name, at.line, at.column);
            return Err(Fault::new(fixture.named_at, message).hint("give each a `name` of its own").in_file(file));
        }
        let (Some(address), Some(position)) = (fixture.listen.filter(|address| address.port() != 0), fixture.listens_at) else { continue };
        if let Some((first, at)) = addresses.insert(address, (file, position)) {
            let message = format!("two appliances listen on `{address}`, the first at {first}:{}:{}", at.line, at.column);
            return Err(Fault::new(position, message).in_file(file));
        }
    }
    Ok(())
}

/// Returns the JSON Schema of fixtures, made from the types that read them.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(written::Fixture).to_value()
}

/// A commented fixture to begin with, as `fixture init` writes it.
pub const STARTER: &str = include_str!("fixture/starter.yaml");

#[cfg(test)]
mod tests;

//! What an appliance is changed by while it runs: its readings, its failure modes.

use std::sync::Arc;
use std::sync::PoisonError;

use super::Host;
use super::lock;
use crate::appliance::Rules;
use crate::contract;
use crate::contract::Kind;
use crate::contract::Readings;
use crate::failure::Failure;
use crate::fixture;
use crate::fixture::Setting;

impl Host {
    /// Returns the kind of appliance.
    pub fn kind(&self) -> Kind {
        self.rules().kind()
    }

    /// Returns the readings that are served instead of the ruling.
    pub fn readings(&self) -> Readings {
        self.rules().readings().clone()
    }

    /// Serves these readings, instead of those before, until the next reset; users and all that was counted stay.
    ///
    /// # Errors
    /// None yet.
    pub fn serve_readings(&self, readings: &Readings) -> Result<(), fixture::Error> {
        let kind = self.rules().kind();
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Rules::new(contract::of(kind), readings));
        Ok(())
    }

    /// Reads a failure mode in YAML or JSON and adds it after the others until the next reset; none where its name is taken, and nothing is
    /// added then. `source` is the name that errors show, `https` whether this appliance speaks TLS.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn add_written(&self, source: &str, text: &str, https: bool) -> Result<Option<Failure>, fixture::Error> {
        let mut present = lock(&self.present);
        let rules = self.rules();
        let setting = Setting { kind: rules.kind(), readings: rules.readings(), users: &present.state.directory, https };
        let failure = fixture::read_mode(source, text, &setting)?;
        let free = present.schedule.add(failure.clone());
        drop(present);
        self.rescheduled.notify_waiters();
        Ok(free.then_some(failure))
    }
}

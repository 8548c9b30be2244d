//! Changes to an appliance while it runs: its users, its readings, its failure modes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{MockAppliance, Snapshot};
use crate::{
    appliance::{Rules, User},
    contract,
    contract::Readings,
    failure::{Counter, FailureMode, Schedule},
    fixture,
    fixture::ModeContext,
};

impl MockAppliance {
    /// Returns the users as they are, in the order of their names.
    pub fn users(&self) -> Vec<User> {
        let content = self.content();
        let users = content.current.appliance.state.directory.users();
        users.cloned().collect()
    }

    /// Adds or replaces a user until the next reset; tells whether the name is new. A former password
    /// of the user no longer validates.
    pub fn put_user(&self, user: User) -> bool {
        let current = &mut self.content().current;
        let new = current
            .appliance
            .state
            .directory
            .find(&user.username)
            .is_none();
        current.appliance.state.directory.put(user);
        new
    }

    /// Adds a user until the next reset; tells whether the name was free.
    pub fn add_user(&self, user: User) -> bool {
        let current = &mut self.content().current;
        let free = current
            .appliance
            .state
            .directory
            .find(&user.username)
            .is_none();
        if free {
            current.appliance.state.directory.put(user);
        }
        free
    }

    /// Removes a user until the next reset; tells whether there was one of that name.
    ///
    /// # Errors
    /// The names of failure modes that are about this user: nothing is removed.
    pub fn remove_user(&self, username: &str) -> Result<bool, Vec<String>> {
        let current = &mut self.content().current;
        let about = current
            .schedule
            .failures()
            .filter(|failure| failure.user.as_deref() == Some(username))
            .map(|failure| failure.name.clone());
        let about: Vec<String> = about.collect();
        if about.is_empty() {
            Ok(current.appliance.state.directory.remove(username))
        } else {
            Err(about)
        }
    }

    /// Returns the readings that are served instead of the defaults.
    pub fn readings(&self) -> Readings {
        self.rules().readings().clone()
    }

    /// Serves these readings instead of those before, until the next reset; users and counters stay.
    /// Failure modes with readings of their own apply them on top of these.
    ///
    /// # Errors
    /// The first failure mode that would mean nothing under them; nothing is changed then.
    pub fn set_readings(&self, readings: &Readings) -> Result<(), fixture::Error> {
        let current = &mut self.content().current;
        let kind = current.appliance.rules.kind();
        let context = ModeContext {
            kind,
            readings,
            users: &current.appliance.state.directory,
            https: true,
        };
        let modes = current
            .schedule
            .failures()
            .map(|failure| fixture::reload_mode(failure, &context))
            .collect::<Result<_, _>>()?;
        current.schedule.reload(modes);
        current.appliance.rules = Arc::new(Rules::new(contract::of(kind), readings));
        Ok(())
    }

    /// Returns the failure modes in order, each with what it has counted.
    pub fn failures(&self) -> Vec<(FailureMode, Counter)> {
        let schedule = &self.content().current.schedule;
        let failures = schedule.failures().cloned();
        failures.zip(schedule.counters()).collect()
    }

    /// Arms or disarms a failure mode; tells whether there is one of that name.
    pub fn set_armed(&self, name: &str, armed: bool) -> bool {
        self.reschedule(name, |schedule| schedule.arm(name, armed))
    }

    /// Removes a failure mode until the next reset; tells whether there was one of that name.
    pub fn remove_failure(&self, name: &str) -> bool {
        self.reschedule(name, |schedule| schedule.remove(name))
    }

    /// Adds a failure mode after the others until the next reset; tells whether its name was free.
    pub fn add_failure(&self, failure: FailureMode) -> bool {
        let added = self.content().current.schedule.add(failure);
        self.rescheduled.notify_waiters();
        added
    }

    /// Changes the failure mode of a name. If it is not armed afterwards, its outage ends.
    fn reschedule(&self, name: &str, change: impl FnOnce(&mut Schedule) -> bool) -> bool {
        let mut content = self.content();
        let current = &mut content.current;
        let known = change(&mut current.schedule);
        let counters = current.schedule.counters();
        let is_armed = |counter: &Counter| counter.mode == name && counter.armed;
        if !counters.iter().any(is_armed) {
            current.outage.take_if(|outage| *outage.mode == *name);
        }
        drop(content);
        self.rescheduled.notify_waiters();
        known
    }

    /// Reads a failure mode as [`MockAppliance::add_failure_text`] does, and adds nothing.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn parse_failure(
        &self,
        source: &str,
        text: &str,
        https: bool,
    ) -> Result<FailureMode, fixture::Error> {
        let current = &self.content().current;
        fixture::read_mode(source, text, &current.mode_context(https))
    }

    /// Reads a failure mode in YAML or JSON and adds it after the others until the next reset; none
    /// where its name is taken. `source` is the name in errors, `https` whether TLS is served.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text; too many modes.
    pub fn add_failure_text(
        &self,
        source: &str,
        text: &str,
        https: bool,
    ) -> Result<Option<FailureMode>, fixture::Error> {
        self.add_failure_text_with(source, text, &Map::new(), https)
    }

    /// Adds a failure mode as [`MockAppliance::add_failure_text`] does, with further keys.
    ///
    /// # Errors
    /// Those of that function, and a key that the text has as well.
    pub(crate) fn add_failure_text_with(
        &self,
        source: &str,
        text: &str,
        keys: &Map<String, Value>,
        https: bool,
    ) -> Result<Option<FailureMode>, fixture::Error> {
        let mut content = self.content();
        let current = &mut content.current;
        let failure = fixture::read_mode_with(source, text, keys, &current.mode_context(https))?;
        fixture::check_mode_count(source, current.schedule.failures().count())?;
        let added = current.schedule.add(failure.clone());
        drop(content);
        self.rescheduled.notify_waiters();
        Ok(added.then_some(failure))
    }
}

impl Snapshot {
    fn mode_context(&self, https: bool) -> ModeContext<'_> {
        ModeContext {
            kind: self.appliance.rules.kind(),
            readings: self.appliance.rules.readings(),
            users: &self.appliance.state.directory,
            https,
        }
    }
}

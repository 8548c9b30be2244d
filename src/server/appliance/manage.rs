//! Changes to an appliance while it runs: its users, its readings, its failure modes.

use std::sync::Arc;

use super::{MockAppliance, ScheduledAppliance};
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
        let directory = &self.lock_content().current.appliance.state.directory;
        directory.users().cloned().collect()
    }

    /// Returns whether this is a user's password; none where there is no user of that name.
    pub fn password_is(&self, username: &str, password: &str) -> Option<bool> {
        let directory = &self.lock_content().current.appliance.state.directory;
        Some(directory.find(username)?.password.expose() == password)
    }

    /// Adds or replaces a user until the next reset; tells whether the name is new. A former password
    /// of the user no longer validates.
    pub fn put_user(&self, user: User) -> bool {
        let directory = &mut self.lock_content().current.appliance.state.directory;
        directory.put(user)
    }

    /// Replaces a user by what `change` makes of it, until the next reset; none where there is no user of that name.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn change_user<E>(
        &self,
        username: &str,
        change: impl FnOnce(&User) -> Result<User, E>,
    ) -> Option<Result<User, E>> {
        let directory = &mut self.lock_content().current.appliance.state.directory;
        let changed = change(directory.find(username)?);
        Some(changed.inspect(|user| {
            // It is there: the name is not new.
            let _ = directory.put(user.clone());
        }))
    }

    /// Adds a user until the next reset; tells whether the name was free.
    pub fn add_user(&self, user: User) -> bool {
        let directory = &mut self.lock_content().current.appliance.state.directory;
        directory.find(&user.username).is_none() && directory.put(user)
    }

    /// Removes a user until the next reset; tells whether there was one of that name.
    ///
    /// # Errors
    /// The names of failure modes that are about this user: nothing is removed.
    pub fn remove_user(&self, username: &str) -> Result<bool, Vec<String>> {
        let current = &mut self.lock_content().current;
        let failures = current.schedule.failures();
        let about: Vec<String> = failures
            .filter(|failure| failure.user.as_deref() == Some(username))
            .map(|failure| failure.name.clone())
            .collect();
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
    pub fn set_readings(&self, readings: &Readings) -> Result<(), fixture::Diagnostic> {
        self.serve_readings(|_| readings.clone())
    }

    /// Does as [`MockAppliance::set_readings`], on top of those that are served.
    ///
    /// # Errors
    /// Those of [`MockAppliance::set_readings`].
    pub fn add_readings(&self, further: &Readings) -> Result<(), fixture::Diagnostic> {
        self.serve_readings(|served| served.clone().and(further))
    }

    /// Reads the failure modes with no lock held, and again if they or the readings were changed meanwhile.
    fn serve_readings(
        &self,
        choose: impl Fn(&Readings) -> Readings,
    ) -> Result<(), fixture::Diagnostic> {
        loop {
            let before = self.lock_content().current.clone();
            let readings = choose(before.appliance.rules.readings());
            let modes = before.reload_modes(&readings)?;
            let current = &mut self.lock_content().current;
            if current.is_read_alike(&before) {
                current.schedule.reload(modes);
                let prefix = before.appliance.rules.prefix();
                let rules = Rules::new(contract::of(before.appliance.rules.kind()), &readings);
                current.appliance.rules = Arc::new(rules.below(prefix));
                return Ok(());
            }
        }
    }

    /// Returns the failure modes in order, each with what it has counted.
    pub fn failures(&self) -> Vec<(FailureMode, Counter)> {
        let schedule = &self.lock_content().current.schedule;
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

    /// Changes the failure mode of a name. If it is not armed afterwards, its outage ends.
    fn reschedule(&self, name: &str, change: impl FnOnce(&mut Schedule) -> bool) -> bool {
        let mut content = self.lock_content();
        let current = &mut content.current;
        let known = change(&mut current.schedule);
        let is_armed = |counter: Counter| counter.mode == name && counter.armed;
        if !current.schedule.counters().into_iter().any(is_armed) {
            current.outage.take_if(|outage| *outage.mode == *name);
        }
        drop(content);
        self.rescheduled.notify_waiters();
        known
    }

    /// Adds a failure mode after the others until the next reset; none where its name is taken. `read`
    /// makes it for the appliance as it is. `source` is the name in errors.
    ///
    /// # Errors
    /// Those of `read`; too many modes.
    pub fn add_failure<E: From<fixture::Diagnostic>>(
        &self,
        source: &str,
        read: impl FnOnce(&ModeContext<'_>) -> Result<FailureMode, E>,
    ) -> Result<Option<FailureMode>, E> {
        // Reading takes a while: the appliance goes on answering meanwhile.
        let before = self.lock_content().current.clone();
        let mut failure = read(&before.mode_context())?;
        let mut content = self.lock_content();
        let current = &mut content.current;
        if !Arc::ptr_eq(&before.appliance.rules, &current.appliance.rules) {
            failure = fixture::reload_mode(&failure, &current.mode_context())?;
        }
        fixture::check_mode_count(source, current.schedule.failures().count())?;
        let added = current.schedule.add(failure.clone());
        drop(content);
        self.rescheduled.notify_waiters();
        Ok(added.then_some(failure))
    }
}

impl ScheduledAppliance {
    /// Reads the failure modes again, under these readings.
    fn reload_modes(&self, readings: &Readings) -> Result<Vec<FailureMode>, fixture::Diagnostic> {
        let context = ModeContext {
            readings,
            ..self.mode_context()
        };
        let failures = self.schedule.failures();
        let modes = failures.map(|failure| fixture::reload_mode(failure, &context));
        modes.collect()
    }

    /// Returns whether its failure modes and readings are those of another state.
    fn is_read_alike(&self, other: &ScheduledAppliance) -> bool {
        let names = |of: &ScheduledAppliance| {
            let actions = of.schedule.failures().map(|it| Arc::as_ptr(&it.action));
            actions.collect::<Vec<_>>()
        };
        Arc::ptr_eq(&self.appliance.rules, &other.appliance.rules) && names(self) == names(other)
    }

    fn mode_context(&self) -> ModeContext<'_> {
        ModeContext {
            kind: self.appliance.rules.kind(),
            readings: self.appliance.rules.readings(),
            users: &self.appliance.state.directory,
            locks: self.appliance.state.lockout.is_some(),
        }
    }
}

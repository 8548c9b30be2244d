//! What an appliance is changed by while it runs: its users, its readings, its failure modes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Host, Present};
use crate::{
    appliance::{Rules, User},
    contract,
    contract::{Kind, Readings},
    failure::{Counter, FailureMode},
    fixture,
    fixture::ModeContext,
};

impl Host {
    /// Returns the kind of appliance.
    pub fn kind(&self) -> Kind {
        self.rules().kind()
    }

    /// Returns the users as they are, in the order of their names.
    pub fn users(&self) -> Vec<User> {
        self.content()
            .present
            .state
            .directory
            .users()
            .into_iter()
            .cloned()
            .collect()
    }

    /// Puts a user in until the next reset, in place of one of the same name, whose former password then validates no longer; tells whether
    /// the name is new.
    pub fn put_user(&self, user: User) -> bool {
        let present = &mut self.content().present;
        let new = present.state.directory.find(&user.username).is_none();
        present.state.directory.put(user);
        new
    }

    /// Puts a user in until the next reset, if the name is free; tells whether it was.
    pub fn add_user(&self, user: User) -> bool {
        let present = &mut self.content().present;
        let free = present.state.directory.find(&user.username).is_none();
        if free {
            present.state.directory.put(user);
        }
        free
    }

    /// Removes a user until the next reset; tells whether there was one of that name.
    ///
    /// # Errors
    /// The names of failure modes that are about this user: nothing is removed.
    pub fn remove_user(&self, username: &str) -> Result<bool, Vec<String>> {
        let present = &mut self.content().present;
        let about = present
            .schedule
            .failures()
            .filter(|failure| failure.user.as_deref() == Some(username))
            .map(|failure| failure.name.clone());
        let about: Vec<String> = about.collect();
        if about.is_empty() {
            Ok(present.state.directory.remove(username))
        } else {
            Err(about)
        }
    }

    /// Returns the readings that are served instead of the ruling.
    pub fn readings(&self) -> Readings {
        self.rules().readings().clone()
    }

    /// Serves these readings, instead of those before, until the next reset; users and all that was counted stay. Modes that word answers
    /// by other readings do so on top of these.
    ///
    /// # Errors
    /// The first failure mode that would mean nothing under them; nothing is changed then.
    pub fn serve_readings(&self, readings: &Readings) -> Result<(), fixture::Error> {
        let present = &mut self.content().present;
        let kind = present.rules.kind();
        let context = ModeContext {
            kind,
            readings,
            users: &present.state.directory,
            https: true,
        };
        let modes = present
            .schedule
            .failures()
            .map(|failure| fixture::reload_mode(failure, &context))
            .collect::<Result<_, _>>()?;
        present.schedule.reload(modes);
        present.rules = Arc::new(Rules::new(contract::of(kind), readings));
        Ok(())
    }

    /// Returns the failure modes in the order in which they are asked, each with what it has counted.
    pub fn modes(&self) -> Vec<(FailureMode, Counter)> {
        let Present { schedule, .. } = &self.content().present;
        schedule
            .failures()
            .cloned()
            .zip(schedule.counters())
            .collect()
    }

    /// Reads a failure mode as [`Host::add_written`] does, and adds nothing.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text.
    pub fn read_mode(
        &self,
        source: &str,
        text: &str,
        https: bool,
    ) -> Result<FailureMode, fixture::Error> {
        let present = &self.content().present;
        let rules = &present.rules;
        fixture::read_mode(
            source,
            text,
            &ModeContext {
                kind: rules.kind(),
                readings: rules.readings(),
                users: &present.state.directory,
                https,
            },
        )
    }

    /// Reads a failure mode in YAML or JSON and adds it after the others until the next reset; none where its name is taken, and nothing is
    /// added then. `source` is the name that errors show, `https` whether this appliance speaks TLS.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place in the text; too many modes.
    pub fn add_written(
        &self,
        source: &str,
        text: &str,
        https: bool,
    ) -> Result<Option<FailureMode>, fixture::Error> {
        self.add_written_with(source, text, &Map::new(), https)
    }

    /// Adds a failure mode as [`Host::add_written`] does, with further keys.
    ///
    /// # Errors
    /// Those of [`Host::add_written`], and a key that the text has as well.
    pub(crate) fn add_written_with(
        &self,
        source: &str,
        text: &str,
        keys: &Map<String, Value>,
        https: bool,
    ) -> Result<Option<FailureMode>, fixture::Error> {
        let mut content = self.content();
        let present = &mut content.present;
        let rules = &present.rules;
        let context = ModeContext {
            kind: rules.kind(),
            readings: rules.readings(),
            users: &present.state.directory,
            https,
        };
        let failure = fixture::read_mode_with(source, text, keys, &context)?;
        fixture::check_mode_count(source, present.schedule.failures().count())?;
        let free = present.schedule.add(failure.clone());
        drop(content);
        self.rescheduled.notify_waiters();
        Ok(free.then_some(failure))
    }
}

//! Which requests are meant, by a look into the journal or by an expectation.

use std::{fmt, sync::Arc};

use crate::{
    journal::{EntryFilter, EntryView},
    server::MockAppliance,
};

/// Requests of some kind. All conditions that are given must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestFilter {
    pub(super) wanted: EntryFilter,
    pub(super) user: Option<String>,
}

impl RequestFilter {
    /// Returns how many there were since the start or the last reset. Those about one user are counted where they are held still.
    pub(super) fn count(&self, host: &MockAppliance) -> u64 {
        match self.user {
            None => host.count(&self.wanted),
            Some(_) => self.entries(host).len() as u64,
        }
    }

    /// Returns those that are held, in the order of their arrival.
    pub(super) fn entries(&self, host: &MockAppliance) -> Vec<EntryView> {
        let mut entries = host.journal(&self.wanted, usize::MAX).entries;
        entries.retain(|view| self.user.is_none() || view.user == self.user);
        entries.reverse();
        entries
    }

    /// Completes when so many were as meant.
    pub(super) async fn reached(self, host: Arc<MockAppliance>, count: u64) {
        match self.user {
            None => host.wait(&self.wanted, count).await,
            Some(_) => host.wait_until(|| self.count(&host) >= count).await,
        }
    }
}

/// Says it in words: `set_password → password_replaced by "test", bent by slow`.
impl fmt::Display for RequestFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EntryFilter {
            operation,
            outcome,
            state,
            failure,
        } = &self.wanted;
        out.write_str(operation.map_or("any request", |operation| operation.name()))?;
        outcome
            .iter()
            .try_for_each(|outcome| write!(out, " → {outcome}"))?;
        self.user
            .iter()
            .try_for_each(|user| write!(out, " by {user:?}"))?;
        failure
            .iter()
            .try_for_each(|failure| write!(out, ", bent by {failure:?}"))?;
        state
            .iter()
            .try_for_each(|state| write!(out, ", {}", state.name()))
    }
}

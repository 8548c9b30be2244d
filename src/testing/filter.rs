//! Which requests are meant, by a look into the journal or by an expectation.

use std::{fmt, sync::Arc};

use crate::{
    journal::{EntryFilter, EntryView},
    server::MockAppliance,
};

/// Requests of some kind. All conditions that are given must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestFilter {
    pub(super) entry: EntryFilter,
    pub(super) user: Option<String>,
}

impl RequestFilter {
    /// Returns how many there were since the start or the last reset. Those about one user are counted as far as they are kept.
    pub(super) fn count(&self, appliance: &MockAppliance) -> u64 {
        match self.user {
            None => appliance.count(&self.entry),
            Some(_) => self.entries(appliance).len() as u64,
        }
    }

    /// Returns those that are kept, in the order of their arrival.
    pub(super) fn entries(&self, appliance: &MockAppliance) -> Vec<EntryView> {
        let mut entries = appliance.journal(&self.entry, usize::MAX).entries;
        entries.retain(|view| self.user.is_none() || view.user == self.user);
        entries.reverse();
        entries
    }

    /// Completes when there were so many.
    pub(super) async fn reached(self, appliance: Arc<MockAppliance>, count: u64) {
        match self.user {
            None => appliance.wait(&self.entry, count).await,
            Some(_) => {
                appliance
                    .wait_until(|| self.count(&appliance) >= count)
                    .await
            }
        }
    }
}

/// As text: ``set_password → password_replaced by "test", changed by failure mode `slow` ``.
impl fmt::Display for RequestFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RequestFilter { entry, user } = self;
        out.write_str(
            entry
                .operation
                .map_or("any request", |operation| operation.name()),
        )?;
        entry
            .outcome
            .iter()
            .try_for_each(|outcome| write!(out, " → {outcome}"))?;
        entry
            .judged
            .iter()
            .try_for_each(|judged| write!(out, " judged {judged}"))?;
        user.iter()
            .try_for_each(|user| write!(out, " by {user:?}"))?;
        entry.failure.iter().try_for_each(|failure| {
            write!(
                out,
                ", changed by failure mode `{}`",
                failure.escape_debug()
            )
        })?;
        entry
            .state
            .iter()
            .try_for_each(|state| write!(out, ", {state}"))
    }
}

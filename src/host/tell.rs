//! Telling of every request whose answer has ended, to whoever listens: one event each, with no password in it.

use tracing::Level;

use super::Host;
use crate::journal::EntryId;

/// Tells whether anybody listens: otherwise nothing is put into words.
pub(super) fn is_heard() -> bool {
    tracing::enabled!(target: TARGET, Level::DEBUG)
}

impl Host {
    /// Tells of the request of an entry, unless its entry was dropped meanwhile.
    pub(super) fn tell(&self, id: &EntryId) {
        let Some(entry) = self.journal.read(|journal| journal.entry(id).cloned()) else {
            return;
        };
        let data = &entry.data;
        // Only where no operation says what was asked is the path told; it may hold anything, a password too.
        let path = if data.operation.is_none() {
            self.redactor_of_present()
                .text(data.request.path())
                .into_owned()
        } else {
            String::new()
        };
        let asked = data
            .operation
            .map_or(path.as_str(), |operation| operation.name());
        let reason = data
            .reason
            .map_or_else(String::new, |reason| reason.to_string());
        let status = entry.status.map_or(0, |status| status.as_u16());
        let took_ms = entry.took().unwrap_or_default().as_secs_f64() * 1000.0;
        let (outcome, state) = (data.outcome.name(), entry.progress.name());
        let failure = data.failure.as_deref().unwrap_or_default();
        let bent = if failure.is_empty() {
            String::new()
        } else {
            format!(", bent by {failure}")
        };
        tracing::debug!(
            target: TARGET,
            appliance = &*self.name,
            number = entry.number,
            asked,
            outcome,
            reason,
            failure,
            state,
            status,
            took_ms,
            "{}: {asked} {outcome} ({reason}){bent}, {status} {state} after {took_ms:.3} ms",
            self.name,
        );
    }
}

const TARGET: &str = "d4iot_double::request";

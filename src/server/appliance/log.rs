//! The log event of each request whose answer has ended. It holds no password.

use tracing::Level;

use super::MockAppliance;
use crate::{
    contract::Outcome,
    journal::{EntryId, OTHER_ANSWER},
};

impl MockAppliance {
    /// Logs the request of an entry, unless the entry was dropped.
    pub(super) fn log(&self, entry: &EntryId) {
        if !tracing::enabled!(target: TARGET, Level::DEBUG) {
            return;
        }
        let Some(entry) = self.journal.read(|journal| journal.entry(entry).cloned()) else {
            return;
        };
        let data = &entry.data;
        let class = &data.class;
        let asked = class.operation.map_or_else(
            // A path may hold anything, a password too.
            || self.redactor().text(data.request.path()).into_owned(),
            |operation| operation.name().to_owned(),
        );
        let reason = data
            .reason
            .map(|reason| reason.to_string())
            .unwrap_or_default();
        let status = entry.sent.as_ref().map_or(0, |sent| sent.status.as_u16());
        let took_ms = entry.took().unwrap_or_default().as_secs_f64() * 1000.0;
        let (judged, state) = (class.judged.name(), entry.progress.name());
        let outcome = class.outcome.map_or(OTHER_ANSWER, Outcome::name);
        let failure = class.failure.as_deref();
        let changed = failure.map(|name| format!(", under failure mode `{name}`"));
        let changed = changed.unwrap_or_default();
        let name = self.name();
        tracing::debug!(
            target: TARGET,
            appliance = &*name,
            number = entry.number,
            asked,
            outcome,
            judged,
            reason,
            failure,
            state,
            status,
            took_ms,
            "{name}: {asked} {outcome} ({reason}){changed}, {status} {state} after {took_ms:.3} ms",
        );
    }
}

const TARGET: &str = "d4iot_double::request";

//! The times in which the port is closed: begun by a connection or by the clock, and ended by the
//! clock, a reset, or the end of the failure mode.

use std::{pin::pin, sync::Arc, time::Duration};

use super::{Content, MockAppliance};

/// The port is closed.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    /// The failure mode that closed it.
    pub(super) mode: Arc<str>,
    /// The clock's age at its end.
    until: Duration,
}

impl MockAppliance {
    /// Returns whether the port is closed by a failure mode.
    pub fn is_port_closed(&self) -> bool {
        self.lock_content().is_port_closed
    }

    pub(super) fn begin_outage(&self, content: &mut Content, mode: Arc<str>, time: Duration) {
        content.is_port_closed = true;
        content.current.outage = Some(Outage {
            mode,
            until: self.clock.timestamp().age.saturating_add(time),
        });
        self.rescheduled.notify_waiters();
    }

    /// Asks until there is nothing to wait for: again at the age that is returned, and when a failure
    /// mode was changed.
    pub(super) async fn wait_by_clock(&self, mut ask: impl FnMut() -> Option<Duration>) {
        loop {
            let mut rescheduled = pin!(self.rescheduled.notified());
            // Before asking, so that no change after that is missed.
            rescheduled.as_mut().enable();
            let Some(next) = ask() else { return };
            tokio::select! {
                () = self.clock.sleep_until_age(next) => {}
                () = rescheduled => {}
            }
        }
    }

    /// Returns when the outage ends; none where it has ended.
    pub(super) fn end_outage_if_over(&self) -> Option<Duration> {
        let outage = &mut self.lock_content().current.outage;
        let now = self.clock.timestamp().age;
        outage.take_if(|outage| outage.until <= now);
        Some(outage.as_ref()?.until)
    }

    /// Begins the outage whose time is now, unless a connection has begun one; else returns when to ask again.
    pub(super) fn begin_scheduled_outage(&self) -> Option<Duration> {
        let mut content = self.lock_content();
        if content.is_port_closed {
            return None;
        }
        let now = self.clock.timestamp();
        let mut next = Duration::MAX;
        for (mode, during, length) in content.current.schedule.scheduled_outages() {
            let end = during.from.saturating_add(length);
            if now.moment.0 < during.from {
                next = next.min(now.age.saturating_add(during.from - now.moment.0));
            } else if now.moment.0 < end {
                content.current.schedule.fired_by_clock(&mode);
                self.begin_outage(&mut content, mode, end - now.moment.0);
                return None;
            }
        }
        Some(next)
    }
}

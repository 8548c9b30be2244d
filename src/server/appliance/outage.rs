//! The times in which the port is closed: begun by a connection or by the clock, and ended by the
//! clock, a reset, or the end of the failure mode.

use std::{pin::pin, sync::Arc, time::Duration};

use super::{Content, MockAppliance};
use crate::{appliance::Moment, clock::ClockAge};

/// The port is closed.
#[derive(Clone, Debug)]
pub(super) struct Outage {
    /// The failure mode that closed it.
    pub(super) mode: Arc<str>,
    until: ClockAge,
}

impl MockAppliance {
    /// Tells whether the port is closed by a failure mode.
    pub fn is_port_closed(&self) -> bool {
        self.content().is_port_closed
    }

    pub(super) fn begin_outage(&self, content: &mut Content, mode: Arc<str>, time: Duration) {
        content.is_port_closed = true;
        content.current.outage = Some(Outage {
            mode,
            until: self.clock.age().plus(time),
        });
    }

    /// Completes when a failure mode closes the port by the clock.
    pub(super) async fn wait_for_outage(&self) {
        loop {
            let mut rescheduled = pin!(self.rescheduled.notified());
            // Before looking, so that no change after the look is missed.
            rescheduled.as_mut().enable();
            match self.begin_scheduled_outage() {
                Ok(()) => return,
                Err(None) => rescheduled.await,
                Err(Some(next)) => tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = rescheduled => {}
                },
            }
        }
    }

    /// Completes when the clock, a reset or the end of its failure mode has ended the outage.
    pub(super) async fn wait_for_outage_end(&self) {
        loop {
            let mut rescheduled = pin!(self.rescheduled.notified());
            rescheduled.as_mut().enable();
            let Some(until) = self.end_outage_if_over() else {
                return;
            };
            tokio::select! {
                () = self.clock.sleep_until_age(until) => {}
                () = rescheduled => {}
            }
        }
    }

    /// Returns when the outage ends; none where it has ended.
    fn end_outage_if_over(&self) -> Option<ClockAge> {
        let outage = &mut self.content().current.outage;
        let until = outage.as_ref()?.until;
        if self.clock.age() >= until {
            *outage = None;
            return None;
        }
        Some(until)
    }

    /// Begins the outage whose time is now; else returns when to ask again.
    fn begin_scheduled_outage(&self) -> Result<(), Option<Moment>> {
        let mut content = self.content();
        let now = self.clock.now().0;
        let mut next: Option<Moment> = None;
        for (mode, during, length) in content.current.schedule.scheduled_outages() {
            let end = during.from.saturating_add(length);
            if now < during.from {
                let from = Moment(during.from);
                next = Some(next.map_or(from, |next| next.min(from)));
            } else if now < end {
                content.current.schedule.fired_by_clock(&mode);
                self.begin_outage(&mut content, mode, end - now);
                return Ok(());
            }
        }
        Err(next)
    }
}

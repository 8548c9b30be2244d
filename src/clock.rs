//! An appliance's own clock: the time since it started, by the wall. Later the test's.

use std::time::Instant;

use crate::appliance::Moment;

/// A clock that starts when it is made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock.
    #[expect(clippy::disallowed_methods, reason = "this is where the wall is asked")]
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Returns the time since the start. Never goes back.
    pub fn now(&self) -> Moment {
        Moment(self.start.elapsed())
    }
}

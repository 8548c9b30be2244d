//! A moment on the wall, as a number.

use std::time::Duration;

/// A moment on the wall: nanoseconds since some moment of this machine's. An atomic can hold it, and telling two apart costs a subtraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(pub u64);

impl Wall {
    /// Returns how long ago an earlier moment was; nothing where it was later.
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns the moment that comes so much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Wall {
        Wall(
            self.0
                .saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

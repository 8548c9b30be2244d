//! An appliance's whole state taken out between two requests, as a fixture, and put in.

use std::sync::Arc;

use super::{Host, Loaded};
use crate::{appliance::Appliance, clock::Clock, fixture::Fixture};

impl Host {
    /// Takes in the appliance of a fixture, with all that has happened to it so far; its clock goes on, or stands, where the fixture says.
    /// `seed` decides everything random.
    pub fn of(fixture: &Fixture, seed: u64) -> Host {
        let clock = Clock::start_at(fixture.so_far.moment, fixture.so_far.frozen);
        Host::with_loaded(Loaded::of(fixture, seed), clock)
    }

    /// Becomes the appliance of a fixture between two requests, with all that has happened to it so far; a reset goes back to this from
    /// now on. Connections stay, and requests that hit no operation are counted anew.
    pub fn state_in(&self, fixture: &Fixture, seed: u64) {
        self.load(Loaded::of(fixture, seed));
    }

    /// Returns the fixture that, taken in, gives this appliance as it is between two requests: users with their passwords, readings, modes
    /// and what they have counted, the lock-out's counts, former passwords, the seed, and what the clock shows.
    ///
    /// It is named after its kind and asks for no address. What was counted for a connection is not in it, as the connection is not.
    pub fn state_out(&self) -> Fixture {
        let present = &self.content().present;
        // Inside: nothing is counted at a later moment than this one.
        let shows = self.clock.shows();
        let appliance = Appliance {
            rules: Arc::clone(&present.rules),
            state: present.state.clone(),
        };
        Fixture::of(appliance, &present.schedule, shows)
    }
}

impl Loaded {
    fn of(fixture: &Fixture, seed: u64) -> Loaded {
        Loaded {
            shows: (fixture.so_far.moment, fixture.so_far.frozen),
            ..Loaded::new(fixture.appliance(), fixture.schedule(seed))
        }
    }
}

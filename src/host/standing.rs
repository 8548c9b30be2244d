//! An appliance's whole state taken out between two requests, as a fixture, and put in.

use std::sync::Arc;

use super::{Host, Loaded};
use crate::{
    appliance::{Appliance, Moment},
    clock::Clock,
    fixture::Fixture,
};

impl Host {
    /// Makes the appliance of a fixture; `seed` decides everything random.
    pub fn of(fixture: &Fixture, seed: u64) -> Host {
        let clock = Clock::start_at(Moment::default(), fixture.frozen);
        Host::with_loaded(Loaded::of(fixture, seed), clock)
    }

    /// Becomes the appliance of a fixture between two requests; a reset goes back to this from now on. Connections stay, and counting
    /// starts again.
    pub fn state_in(&self, fixture: &Fixture, seed: u64) {
        self.load(Loaded::of(fixture, seed));
    }

    /// Returns the fixture of this appliance as it is between two requests: users with their passwords, settings, readings, modes, armed
    /// or not, and the seed. Nothing that was counted is in it.
    ///
    /// It is named after its kind and asks for no address.
    pub fn state_out(&self) -> Fixture {
        let present = &self.content().present;
        let appliance = Appliance {
            rules: Arc::clone(&present.rules),
            state: present.state.clone(),
        };
        Fixture::of(appliance, &present.schedule)
    }
}

impl Loaded {
    fn of(fixture: &Fixture, seed: u64) -> Loaded {
        Loaded {
            shows: (Moment::default(), fixture.frozen),
            ..Loaded::new(fixture.appliance(), fixture.schedule(seed))
        }
    }
}

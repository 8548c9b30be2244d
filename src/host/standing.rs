//! An appliance's whole state taken out between two requests, as a fixture, and put in.

use std::sync::{Arc, PoisonError};

use super::{Host, Loaded, Present, lock};
use crate::{appliance::Appliance, clock::Clock, fixture::Fixture};

impl Host {
    /// Takes in the appliance of a fixture, with all that has happened to it so far; its clock goes on, or stands, where the fixture says.
    /// `seed` decides everything random.
    pub fn of(fixture: &Fixture, seed: u64) -> Host {
        let host = Host::with_clock(
            fixture.appliance(),
            fixture.schedule(seed),
            Clock::start_at(fixture.so_far.moment, fixture.so_far.frozen),
        );
        *lock(&host.loaded) = Loaded::of(fixture, seed);
        host
    }

    /// Becomes the appliance of a fixture between two requests, with all that has happened to it so far; a reset goes back to this from
    /// now on. Connections stay, and requests that hit no operation are counted anew.
    pub fn state_in(&self, fixture: &Fixture, seed: u64) {
        *lock(&self.loaded) = Loaded::of(fixture, seed);
        self.reset();
    }

    /// Returns the fixture that, taken in, gives this appliance as it is between two requests: users with their passwords, readings, modes
    /// and what they have counted, the lock-out's counts, former passwords, the seed, and what the clock shows.
    ///
    /// It is named after its kind and asks for no address. What was counted for a connection is not in it, as the connection is not.
    pub fn state_out(&self) -> Fixture {
        let present = lock(&self.present);
        // Inside: nothing is counted at a later moment than this one.
        let shows = self.clock.shows();
        Fixture::of(
            Appliance {
                rules: Arc::clone(&self.rules()),
                state: present.state.clone(),
            },
            &present.schedule,
            shows,
        )
    }
}

impl Loaded {
    fn of(fixture: &Fixture, seed: u64) -> Loaded {
        let Appliance { rules, state } = fixture.appliance();
        Loaded {
            rules,
            present: Present {
                state,
                schedule: fixture.schedule(seed),
            },
            shows: (fixture.so_far.moment, fixture.so_far.frozen),
        }
    }

    /// Puts what was loaded into a host. One lock round all of it: no request is judged by the new state and the old time.
    pub(super) fn put_into(self, host: &Host) {
        let mut present = lock(&host.present);
        *host.rules.write().unwrap_or_else(PoisonError::into_inner) = self.rules;
        *present = self.present;
        host.clock.set(self.shows.0, self.shows.1);
        host.ledger.clear();
    }
}

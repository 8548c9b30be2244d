//! Bending: what a mode that strikes does to the delivery of a finished answer.

use crate::failure::Act;
use crate::failure::Delivery;
use crate::failure::Draw;

impl Act {
    /// Tells whether it concerns connections, or the port, and no request.
    pub fn knows_no_request(&self) -> bool {
        self.greeting.is_some() || self.down.is_some()
    }

    /// Bends a delivery. Pure: the same act, draw and delivery give the same plan.
    pub fn bend(&self, _draw: &Draw, delivery: Delivery) -> Delivery {
        delivery
    }
}

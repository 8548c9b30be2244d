//! In what order exchanges happened, as far as their times say.

use crate::runner::capture::RecordedExchange;

/// The moments at which passwords may have been changed.
pub(super) struct Overlaps {
    /// Number, start and end, the times in milliseconds, of each exchange that is no mere sign-in.
    changes: Vec<(usize, f64, f64)>,
    /// Whether the clock says another order than the file.
    pub(super) is_out_of_order: bool,
}

impl Overlaps {
    pub(super) fn new(exchanges: &[&RecordedExchange]) -> Overlaps {
        let timed = exchanges.iter().filter_map(|exchange| {
            let (start, end) = exchange.times?;
            Some((exchange, start, end))
        });
        let starts = timed.clone().map(|(_, start, _)| start);
        let changes =
            timed.filter(|(exchange, ..)| !exchange.request.uri().path().ends_with("/validation"));
        Overlaps {
            changes: changes
                .map(|(exchange, start, end)| (exchange.number, start, end))
                .collect(),
            is_out_of_order: !starts.is_sorted(),
        }
    }

    /// Tells whether no change took place while an exchange did.
    pub(super) fn is_alone(&self, exchange: &RecordedExchange) -> bool {
        let overlaps = |(start, end): (f64, f64)| {
            let mut changes = self.changes.iter();
            changes
                .any(|(number, from, to)| *number != exchange.number && *from < end && start < *to)
        };
        !self.is_out_of_order && !exchange.times.is_some_and(overlaps)
    }
}

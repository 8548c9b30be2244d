//! The server's own messages, failed TLS handshakes above all: counted, and not printed each time.

use std::{collections::HashMap, sync::Mutex};

use crate::journal::lock;

/// How often each message came.
#[derive(Default)]
pub(super) struct NoteCounter(Mutex<HashMap<String, u64>>);

impl NoteCounter {
    /// Counts a message, and returns what is printed: the first of its text, then the 10th, the 100th and so on.
    pub(super) fn count(&self, line: &str) -> Option<String> {
        let mut counts = lock(&self.0);
        let line = if counts.len() < MAX_TEXTS || counts.contains_key(line) {
            line
        } else {
            "other messages of the server"
        };
        let count = counts.entry(line.to_owned()).or_default();
        *count += 1;
        match *count {
            1 => Some(line.to_owned()),
            count if is_power_of_ten(count) => Some(format!("{line} ({count} times so far)")),
            _ => None,
        }
    }
}

fn is_power_of_ten(count: u64) -> bool {
    count.checked_ilog10().map(|digits| 10_u64.pow(digits)) == Some(count)
}

/// How many texts are told apart: most name the client's address.
const MAX_TEXTS: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tenth_and_hundredth_are_printed() {
        let counter = NoteCounter::default();

        let printed: Vec<String> = (0..250).filter_map(|_| counter.count("refused")).collect();

        assert_eq!(
            printed,
            [
                "refused",
                "refused (10 times so far)",
                "refused (100 times so far)"
            ]
        );
    }
}

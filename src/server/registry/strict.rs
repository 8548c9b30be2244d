//! What a strict user wants to know of appliances that are gone or were changed; bounded.

use crate::server::MockAppliance;

/// Lines, of which the first thousand are kept.
#[derive(Debug, Default)]
pub(super) struct StrictFindings {
    lines: Vec<String>,
    more: u64,
}

impl StrictFindings {
    /// Adds how many requests hit no operation, if any did.
    pub(super) fn add_unmatched(&mut self, appliance: &MockAppliance) {
        let unmatched = appliance.unmatched();
        if unmatched.count > 0 {
            self.add(format!("{}: {unmatched}", appliance.name()));
        }
    }

    /// Adds the armed failure modes that never fired.
    pub(super) fn add_idle(&mut self, appliance: &MockAppliance) {
        for counter in appliance.idle_modes() {
            let (name, mode, seen) = (appliance.name(), counter.mode, counter.seen);
            self.add(format!(
                "{name}: the armed failure mode {mode} never fired, of {seen} it could have"
            ));
        }
    }

    fn add(&mut self, line: String) {
        if self.lines.len() < MAX_LINES {
            self.lines.push(line);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.lines.into_iter().chain(more).collect()
    }
}

const MAX_LINES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_beyond_the_limit_are_counted() {
        let mut findings = StrictFindings::default();
        for number in 0..MAX_LINES + 2 {
            findings.add(number.to_string());
        }

        let lines = findings.into_lines();

        assert_eq!(
            (lines.len(), lines[MAX_LINES].as_str()),
            (MAX_LINES + 1, "and 2 more")
        );
    }
}

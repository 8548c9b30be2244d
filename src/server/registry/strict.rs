//! What a strict user wants to know of appliances that are gone or were changed; bounded.

use crate::server::MockAppliance;

/// Lines, of which the first thousand are kept.
#[derive(Debug, Default)]
pub(super) struct StrictFindings(pub(super) Vec<String>);

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
        if self.0.len() < MAX_LINES {
            self.0.push(line);
        }
    }
}

const MAX_LINES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_findings_are_kept_than_the_limit() {
        let mut findings = StrictFindings::default();
        for number in 0..MAX_LINES + 2 {
            findings.add(number.to_string());
        }

        assert_eq!(findings.0.len(), MAX_LINES);
    }
}

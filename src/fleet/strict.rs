//! What a strict user wants to know of appliances that are gone or were changed: told at the end, and bounded.

/// Lines, of which the first thousand are kept.
#[derive(Debug, Default)]
pub(super) struct Findings {
    lines: Vec<String>,
    more: u64,
}

impl Findings {
    pub(super) fn add(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            if self.lines.len() < MOST {
                self.lines.push(line)
            } else {
                self.more += 1
            }
        }
    }

    pub(super) fn lines(self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("and {} more", self.more));
        self.lines.into_iter().chain(more).collect()
    }
}

const MOST: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let mut findings = Findings::default();
        findings.add((0..MOST + 2).map(|number| number.to_string()));
        let lines = findings.lines();
        assert_eq!(
            (lines.len(), lines[MOST].as_str()),
            (MOST + 1, "and 2 more")
        );
    }
}

//! Randomness that can be repeated: a decision is a function of seed, mode, scope and ordinal alone.

use sha2::{Digest, Sha256};

/// Everything random about one call of one mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomSource {
    key: [u8; 32],
}

impl RandomSource {
    /// Returns the source for the n-th call, counted from 1, in a scope of a mode.
    pub fn new(seed: u64, mode: &str, scope: &str, ordinal: u64) -> RandomSource {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        // Lengths keep `ab` + `c` apart from `a` + `bc`.
        for text in [mode, scope] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(ordinal.to_be_bytes());
        RandomSource {
            key: hash.finalize().into(),
        }
    }

    /// Returns a number from 0 up to, but not, 1; another for every question.
    pub fn unit(&self, question: &str) -> f64 {
        let bits = u64::from_be_bytes(
            self.block(question, 0)[..8]
                .try_into()
                .expect("eight of thirty-two bytes"),
        );
        // 53 bits are what a double can tell apart.
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns that many bytes.
    pub fn bytes(&self, question: &str, count: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..count.div_ceil(32) as u64)
            .flat_map(|block| self.block(question, block))
            .collect();
        bytes.truncate(count);
        bytes
    }

    fn block(&self, question: &str, block: u64) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.key)
            .chain_update(question)
            .chain_update(block.to_be_bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_call_draws_the_same_and_another_another() {
        let random = RandomSource::new(7, "flaky", "", 1);
        assert_eq!(random, RandomSource::new(7, "flaky", "", 1));
        for other in [
            RandomSource::new(8, "flaky", "", 1),
            RandomSource::new(7, "flakyx", "", 1),
            RandomSource::new(7, "flaky", "x", 1),
            RandomSource::new(7, "flaky", "", 2),
        ] {
            assert_ne!(random.unit("rate"), other.unit("rate"));
        }
        assert_ne!(
            RandomSource::new(1, "ab", "c", 1),
            RandomSource::new(1, "a", "bc", 1)
        );
    }

    #[test]
    fn ten_thousand_draws_lie_within_three_standard_errors() {
        let fired = (1..=10_000)
            .filter(|ordinal| RandomSource::new(42, "flaky", "", *ordinal).unit("rate") < 0.3)
            .count() as f64;
        let error = (10_000.0 * 0.3 * 0.7_f64).sqrt();
        assert!((fired - 3_000.0).abs() < 3.0 * error, "{fired}");
    }
}

//! What stands for a password where a test must still be able to say "the same one twice".

use std::fmt;

use sha2::{Digest, Sha256};

use crate::contract::encoding::hex;

/// Makes the fingerprints of one run: without its key, which is never shown, nothing can be guessed from one.
#[derive(Clone)]
pub struct Fingerprints([u8; 16]);

impl Fingerprints {
    /// Makes those of a key, which should be random and another for every run.
    pub fn new(key: [u8; 16]) -> Fingerprints {
        Fingerprints(key)
    }

    /// Returns the fingerprint of a text: eight hexadecimal digits, alike for like texts. Two of a thousand different texts have
    /// the same one with a probability of one to ten thousand.
    pub fn of(&self, text: &str) -> String {
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(text.as_bytes())
            .finalize();
        hex(&digest[..4])
    }
}

impl fmt::Debug for Fingerprints {
    /// Shows nothing of the key.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Fingerprints(«secret»)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_texts_are_alike_within_a_run_and_not_between_two() {
        let (one, other) = (Fingerprints::new([1; 16]), Fingerprints::new([2; 16]));
        assert_eq!(one.of("Test12345!"), one.of("Test12345!"));
        assert_ne!(one.of("Test12345!"), one.of("Test12345?"));
        assert_ne!(one.of("Test12345!"), other.of("Test12345!"));
        assert_eq!(one.of("").len(), 8);
        assert_eq!(format!("{one:?}"), "Fingerprints(«secret»)");
    }
}

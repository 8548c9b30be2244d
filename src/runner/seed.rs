//! The seed of a run at a target: every password the run makes up is a function of it, so that `recover` makes up the same ones.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::contract::encoding::{from_hex, hex};

/// 32 random bytes. As secret as the passwords made from it.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes a seed from the system's generator.
    ///
    /// # Panics
    /// Where the system has no random bytes.
    pub fn random() -> Seed {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system has random bytes");
        Seed(bytes)
    }

    /// Reads what [`Seed::text`] wrote.
    pub fn read(text: &str) -> Option<Seed> {
        from_hex(text.trim())?.try_into().ok().map(Seed)
    }

    /// Writes the seed out, for its file alone.
    pub fn text(&self) -> String {
        hex(&self.0)
    }

    /// Returns the bytes that belong to a label.
    pub fn bytes(&self, label: &str) -> [u8; 32] {
        let digest = Sha256::new().chain_update(self.0).chain_update(label);
        digest.finalize().into()
    }

    /// Returns the HMAC-SHA256 of a value (RFC 2104), as hexadecimal digits: it tells whether a value is the same, and not which.
    pub fn keyed_hash(&self, value: &str) -> String {
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            let key = block.iter_mut().zip(self.0);
            key.for_each(|(pad, key)| *pad ^= key);
            Sha256::new().chain_update(block)
        };
        let inner = pad(0x36).chain_update(value).finalize();
        hex(&pad(0x5c).chain_update(inner).finalize())
    }

    /// Returns eight hexadecimal digits that belong to a label.
    pub fn hexadecimal(&self, label: &str) -> String {
        hex(&self.bytes(label)[..4])
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("«seed»")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values are those of an independent implementation.
    #[test]
    fn a_keyed_hash_is_an_hmac() {
        let seed = Seed([0x0b; 32]);
        let expected = "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7";
        assert_eq!(seed.keyed_hash("Hi There"), expected);
    }

    #[test]
    fn a_seed_that_was_kept_makes_the_same_passwords() {
        let seed = Seed::random();
        let kept = Seed::read(&seed.text()).unwrap();
        assert_eq!(
            kept.hexadecimal("user.new_password"),
            seed.hexadecimal("user.new_password")
        );
        assert_ne!(
            seed.hexadecimal("user.new_password"),
            seed.hexadecimal("user.newer_password")
        );
        assert_eq!(Seed::read("12"), None);
        assert_eq!(Seed::read("zz"), None);
    }
}

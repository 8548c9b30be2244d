//! Passwords from the moment they are read, and what keeps them out of everything that is written.
//!
//! ```text
//! text ─ mask, by place ─▶ fields that hold passwords are fingerprints ─ redactor, by value ─▶ text that anybody may read
//! ```
//!
//! Place comes first: it needs to know nothing of the value. What stands where no password belongs is found by value, in every
//! spelling a sink may give it.

mod fingerprint;
mod layer;
mod mask;
mod redactor;

use std::fmt;

pub use fingerprint::Fingerprints;
pub(crate) use mask::token_length;
pub use mask::{Mask, names_a_user};
pub use redactor::Redactor;
use serde::Deserialize;

/// A password. `Debug` shows `«secret»`, and there is no `Display`; the text itself is had by [`Secret::expose`] alone.
#[derive(Clone, Default, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes a password in.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Gives the text out: to compare it, to send it, never to print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("«secret»")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_formatting_shows_a_secret() {
        let secret = Secret::new("canary");
        assert_eq!(format!("{secret:?} {secret:#?}"), "«secret» «secret»");
        assert_eq!(secret.expose(), "canary");
    }
}

//! The pin of a key: the SHA-256 of its public half, as a certificate holds it (SubjectPublicKeyInfo, RFC 7469 section 2.4).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{pki_types::CertificateDer, server::ParsedCertificate};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::contract::encoding::from_hex;

/// The SHA-256 of a public key, as curl's `--pinnedpubkey` has it: `sha256//` and base64.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Pin(String);

/// What is not a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "expected the SHA-256 of a public key: `sha256//` and 44 characters of base64, or 64 hexadecimal digits"
)]
pub struct InvalidPin;

impl Pin {
    /// Returns the pin of a certificate's key; none where the certificate cannot be read.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Pin> {
        let parsed = ParsedCertificate::try_from(certificate).ok()?;
        let digest = Sha256::digest(parsed.subject_public_key_info());
        Some(Pin::of_digest(&digest))
    }

    fn of_digest(digest: &[u8]) -> Pin {
        Pin(format!("sha256//{}", STANDARD.encode(digest)))
    }
}

impl FromStr for Pin {
    type Err = InvalidPin;

    /// Reads `sha256//BASE64`, base64 alone, or 64 hexadecimal digits, with colons or without.
    fn from_str(text: &str) -> Result<Pin, InvalidPin> {
        let bare = text.strip_prefix("sha256//").unwrap_or(text);
        let readings = [from_hex(&bare.replace(':', "")), STANDARD.decode(bare).ok()];
        let mut digests = readings.into_iter().flatten();
        let digest = digests.find(|bytes| bytes.len() == 32).ok_or(InvalidPin)?;
        Ok(Pin::of_digest(&digest))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SHOWN: &str = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[rstest]
    #[case::as_shown(SHOWN)]
    #[case::base64("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")]
    #[case::hexadecimal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    #[case::colons(
        "E3:B0:C4:42:98:FC:1C:14:9A:FB:F4:C8:99:6F:B9:24:27:AE:41:E4:64:9B:93:4C:A4:95:99:1B:78:52:B8:55"
    )]
    fn a_pin_is_read_in_every_form_that_tools_print(#[case] text: &str) {
        assert_eq!(
            text.parse::<Pin>().map(|pin| pin.to_string()),
            Ok(SHOWN.to_owned())
        );
    }

    #[rstest]
    #[case::empty("")]
    #[case::too_short("sha256//47DEQpj8HBQ=")]
    #[case::sha1("da39a3ee5e6b4b0d3255bfef95601890afd80709")]
    #[case::a_file("key.pem")]
    #[case::umlauts("üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü")]
    fn what_is_no_pin_is_refused(#[case] text: &str) {
        assert!(text.parse::<Pin>().is_err());
    }
}

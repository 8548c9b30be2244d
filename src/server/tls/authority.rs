//! The CA that issues the server's certificates, and what stands in them.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;

use super::{Chain, IdentityError, roots};
use crate::contract::encoding;

/// Makes the CA of a key; always the same, but for its signature.
pub(super) fn authority(key: KeyPair) -> Result<Authority, rcgen::Error> {
    // The CA of each key has a name of its own: a client that has an older one then says that it does not know this one, rather
    // than that a signature is wrong.
    let mark = encoding::hex(&CertificateParams::default().key_identifier(&key)[..4]);
    let mut params = dated(&format!("d4iot-double test CA {mark}"));
    // One below it may issue, too: the intermediate of a chain that is sent incomplete.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let pem = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    Ok(Authority { issuer, pem })
}

/// A CA with its key, and its certificate as PEM text.
pub(super) struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl Authority {
    /// Takes the certificate of a CA of the user's.
    pub(super) fn given(pem: &str, key: KeyPair) -> Result<Authority, IdentityError> {
        let roots = roots(pem)?;
        let own = key.subject_public_key_info();
        if !own.ends_with(&roots.roots[0].subject_public_key_info) {
            return Err(IdentityError::KeyMismatch);
        }
        Ok(Authority {
            issuer: Issuer::from_ca_cert_pem(pem, key)?,
            pem: pem.to_owned(),
        })
    }
}

/// What stands in a certificate that is as it should be.
pub(super) fn proper(subjects: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = dated("d4iot-double");
    params.subject_alt_names = CertificateParams::new(subjects)?.subject_alt_names;
    // Said in so many words, as strict readers want it; with it comes the subject's key identifier.
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// Signs a certificate for a new key. The CA is not sent: a client either has it already, or would not trust it.
pub(super) fn issue(
    issuer: &Issuer<'_, KeyPair>,
    params: CertificateParams,
) -> Result<Chain, rcgen::Error> {
    // P-256: an RSA-2048 key costs three quarters of the handshakes.
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![certificate.into()], key))
}

pub(super) fn dated(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(2037, 12, 31);
    params.distinguished_name = named(common_name);
    params
}

pub(super) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

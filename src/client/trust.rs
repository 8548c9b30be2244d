//! The client's half of TLS: whom it believes, and what it shows of itself.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use rustls::{
    ClientConfig, RootCertStore, crypto,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};

use super::{
    TargetOptions,
    cert_verifier::{CertVerifier, ShownCertificate, Trust},
    options::ClientCertificate,
};
use crate::redact::Secret;

/// Returns the client's half of TLS, or what is wrong with a certificate or key, in words. What a server shows is kept in `shown`.
/// `tls` is false where none will be spoken: the system's roots are then not looked for.
pub(super) fn config(
    options: &TargetOptions,
    tls: bool,
    shown: &Arc<Mutex<Option<ShownCertificate>>>,
) -> Result<ClientConfig, String> {
    let provider = Arc::new(crypto::ring::default_provider());
    let belief = match (options.insecure, options.pin, &options.trust) {
        (true, ..) => Trust::Anybody,
        (_, Some(pin), _) => Trust::Key(pin),
        (.., Some(trust)) => Trust::Roots(Arc::new(roots(trust)?)),
        (.., None) if tls => system(&provider),
        _ => Trust::Roots(Arc::new(RootCertStore::empty())),
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS: {error}"))?;
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(CertVerifier::new(
            belief,
            provider,
            Arc::clone(shown),
        )));
    let mut config = match &options.certificate {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let (chain, key) = client_certificate(own)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                format!("the client's certificate and its key cannot be used: {error}")
            })?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Whom the system trusts; nobody where it says nothing, as in an image that has no more than this program.
fn system(provider: &Arc<CryptoProvider>) -> Trust {
    match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        Ok(verifier) => Trust::System(Arc::new(verifier)),
        Err(_) => Trust::Roots(Arc::new(RootCertStore::empty())),
    }
}

fn roots(trust: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trust.as_bytes()) {
        let certificate =
            certificate.map_err(|error| format!("a trusted certificate is no PEM: {error:?}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("a trusted certificate cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        Err("there is no certificate among those to trust, expected a BEGIN CERTIFICATE".into())
    } else {
        Ok(roots)
    }
}

/// Reads the client's certificate. No error text shows a line of the key.
#[expect(clippy::disallowed_methods, reason = "certificates and keys are files")]
fn client_certificate(
    own: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
    let read = |path: &Path| {
        fs::read_to_string(path)
            .map(Secret::new)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let (certificate, key) = (read(&own.certificate)?, read(&own.key)?);
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(certificate.expose().as_bytes()).collect();
    let chain = chain.map_err(|_| "the client's certificate is no PEM")?;
    if chain.is_empty() {
        return Err("there is no client's certificate, expected a BEGIN CERTIFICATE".into());
    }
    let key = key.expose();
    if ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"]
        .iter()
        .any(|mark| key.contains(mark))
    {
        return Err("the client's key has a passphrase, expected one without\n  hint: openssl pkey -in KEY -out PLAIN".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| match error {
        pem::Error::NoItemsFound => "there is no client's key, expected a BEGIN PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY",
        _ => "the client's key is no PEM",
    })?;
    Ok((chain, key))
}

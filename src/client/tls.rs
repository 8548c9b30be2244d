//! The client's half of TLS: whose certificate it accepts, and what it shows of itself.
//!
//! The signatures of each handshake are verified, so that the server has the key it shows. What was
//! shown is remembered, since an error of TLS says little of it.

use std::{
    fmt::Display,
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::{ClientError, TargetOptions, pin::Pin};
use crate::{journal::lock, redact::Secret, server::tls::read_pem};

/// What a server showed last.
#[derive(Clone, Debug, Default)]
pub(super) struct ShownCertificate {
    /// The pin of its key; none where the certificate cannot be read.
    pub(super) pin: Option<Pin>,
    /// How many certificates came beside its own.
    pub(super) further: usize,
}

/// Whom to believe.
#[derive(Debug)]
enum Trust {
    /// Anybody: for a health check, which sends nothing secret, and for who says `--insecure`.
    Anybody,
    /// A server that has this key, within the dates of the certificate. Who signed it and which name it bears is not asked.
    Key(Pin),
    /// A server that shows a certificate that this verifies, by given roots or those of the system.
    Chain(Arc<dyn ServerCertVerifier>),
    /// Nobody.
    Nobody,
}

/// Verifies certificates, and remembers what was shown.
#[derive(Debug)]
struct CertVerifier {
    trust: Trust,
    /// The key that the target must have besides.
    expected: Option<Pin>,
    provider: Arc<CryptoProvider>,
    shown: Arc<Mutex<Option<ShownCertificate>>>,
}

/// Returns the client's half of TLS. What a server shows is kept in `shown`. `tls` is false where none
/// will be spoken: the system's roots are then not looked for.
///
/// # Errors
/// [`ClientError::Setup`], with what is wrong with a certificate or key.
pub(super) fn config(
    options: &TargetOptions,
    tls: bool,
    shown: &Arc<Mutex<Option<ShownCertificate>>>,
) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(crypto::ring::default_provider());
    let trust = match (options.insecure, &options.pin, &options.trust) {
        (true, ..) => Trust::Anybody,
        (_, Some(pin), _) => Trust::Key(pin.clone()),
        (.., Some(trust)) => Trust::Chain(chain_verifier(roots(trust)?, &provider).map_err(setup)?),
        _ if tls => system(&provider),
        _ => Trust::Nobody,
    };
    let verifier = Arc::new(CertVerifier {
        trust,
        expected: options.expected_key.clone(),
        provider: Arc::clone(&provider),
        shown: Arc::clone(shown),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &options.certificate {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let (certificate, key) = (read(&own.certificate)?, read(&own.key)?);
            let wrong = |what, error: &dyn Display| {
                ClientError::Setup(format!("the client's certificate and {what}: {error}"))
            };
            let (chain, key) = read_pem(certificate.expose(), key.expose())
                .map_err(|error| wrong("key", &error))?;
            let config = builder.with_client_auth_cert(chain, key);
            config.map_err(|error| wrong("its key cannot be used", &error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Whom the system trusts; nobody where it says nothing, as in an image that has no more than this program.
fn system(provider: &Arc<CryptoProvider>) -> Trust {
    match rustls_platform_verifier::Verifier::new(Arc::clone(provider)) {
        Ok(verifier) => Trust::Chain(Arc::new(verifier)),
        Err(_) => Trust::Nobody,
    }
}

fn roots(trust: &str) -> Result<RootCertStore, ClientError> {
    let wrong = |what: String| ClientError::Setup(format!("a trusted certificate {what}"));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(trust.as_bytes()) {
        let certificate = certificate.map_err(|error| wrong(format!("is not PEM: {error:?}")))?;
        let added = roots.add(certificate);
        added.map_err(|error| wrong(format!("cannot be used: {error}")))?;
    }
    if roots.is_empty() {
        let message = "the certificates to trust are empty, expected a BEGIN CERTIFICATE";
        return Err(ClientError::Setup(message.into()));
    }
    Ok(roots)
}

fn chain_verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let provider = Arc::clone(provider);
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = builder.build();
    verifier.map_err(|error| Error::General(error.to_string()))
}

#[expect(clippy::disallowed_methods, reason = "certificates and keys are files")]
fn read(path: &Path) -> Result<Secret, ClientError> {
    let text = fs::read_to_string(path).map(Secret::new);
    text.map_err(|error| ClientError::Setup(format!("cannot read {}: {error}", path.display())))
}

fn setup(error: Error) -> ClientError {
    ClientError::Setup(format!("TLS: {error}"))
}

/// Returns what is wrong with the dates of a certificate, if they are.
pub(super) fn date_fault(error: &CertificateError) -> Option<String> {
    use CertificateError as Fault;
    match error {
        Fault::Expired => Some("has expired".to_owned()),
        Fault::ExpiredContext { not_after, .. } => Some(format!("expired on {}", date(*not_after))),
        Fault::NotValidYet => Some("is not valid yet".to_owned()),
        Fault::NotValidYetContext { not_before, .. } => {
            Some(format!("is valid from {} on", date(*not_before)))
        }
        _ => None,
    }
}

fn date(moment: UnixTime) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(moment.as_secs()))
}

impl ServerCertVerifier for CertVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Pin::of(end_entity);
        *lock(&self.shown) = Some(ShownCertificate {
            pin: shown.clone(),
            further: intermediates.len(),
        });
        let verify = |verifier: &dyn ServerCertVerifier| {
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp, now)
        };
        if self.expected.is_some() && shown != self.expected {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        match &self.trust {
            Trust::Anybody => Ok(ServerCertVerified::assertion()),
            Trust::Nobody => Err(CertificateError::UnknownIssuer.into()),
            Trust::Chain(verifier) => verify(&**verifier),
            Trust::Key(pin) if shown.as_ref() != Some(pin) => {
                Err(CertificateError::ApplicationVerificationFailure.into())
            }
            Trust::Key(_) => {
                // Trusting the certificate itself leaves of the library's checks those that come before chain and name: its dates.
                let mut roots = RootCertStore::empty();
                roots.add(end_entity.clone().into_owned())?;
                match verify(&*chain_verifier(roots, &self.provider)?) {
                    Err(Error::InvalidCertificate(error)) if date_fault(&error).is_some() => {
                        Err(error.into())
                    }
                    _ => Ok(ServerCertVerified::assertion()),
                }
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

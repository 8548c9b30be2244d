//! Who is believed to be the target: whoever shows a certificate that is trusted, has a key that was pinned, or anybody.
//!
//! In each case the signatures of the handshake are verified, so that the server has the key it shows; and what was shown is remembered,
//! since an error of TLS says little of it.

use std::sync::{Arc, Mutex};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::pin::Pin;
use crate::journal::lock;

/// Whom to believe.
#[derive(Debug)]
pub(super) enum Trust {
    /// Anybody: for a health check, which sends nothing secret, and for who says `--insecure`.
    Anybody,
    /// Whoever has this key, within the dates of the certificate. Who signed it and which name it bears is not asked.
    Key(Pin),
    /// Whoever shows a certificate that leads to one of these roots, for the name that was asked.
    Roots(Arc<RootCertStore>),
    /// Whomever the system believes.
    System(Arc<dyn ServerCertVerifier>),
}

/// What a server showed last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ShownCertificate {
    /// The pin of its key; none where the certificate cannot be read.
    pub(super) pin: Option<Pin>,
    /// How many certificates came beside its own.
    pub(super) further: usize,
}

/// Verifies by a belief, and remembers what was shown.
#[derive(Debug)]
pub(super) struct CertVerifier {
    belief: Trust,
    provider: Arc<CryptoProvider>,
    shown: Arc<Mutex<Option<ShownCertificate>>>,
}

impl CertVerifier {
    /// What is shown is kept in `shown`.
    pub(super) fn new(
        belief: Trust,
        provider: Arc<CryptoProvider>,
        shown: Arc<Mutex<Option<ShownCertificate>>>,
    ) -> CertVerifier {
        CertVerifier {
            belief,
            provider,
            shown,
        }
    }

    fn chain(&self, roots: Arc<RootCertStore>) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let builder =
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider));
        builder
            .build()
            .map_err(|error| Error::General(error.to_string()))
    }
}

impl ServerCertVerifier for CertVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = ShownCertificate {
            pin: Pin::of(end_entity),
            further: intermediates.len(),
        };
        *lock(&self.shown) = Some(shown);
        match &self.belief {
            Trust::Anybody => Ok(ServerCertVerified::assertion()),
            // Nobody is trusted, which the library takes for a mistake.
            Trust::Roots(roots) if roots.is_empty() => Err(CertificateError::UnknownIssuer.into()),
            Trust::Roots(roots) => self.chain(Arc::clone(roots))?.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            Trust::Key(pin) if shown.pin == Some(*pin) => {
                // Trusting the certificate itself leaves of the library's checks those that come before chain and name: its dates.
                let mut roots = RootCertStore::empty();
                roots.add(end_entity.clone().into_owned())?;
                match self.chain(Arc::new(roots))?.verify_server_cert(
                    end_entity,
                    intermediates,
                    server_name,
                    ocsp_response,
                    now,
                ) {
                    Err(Error::InvalidCertificate(error)) if is_of_dates(&error) => {
                        Err(error.into())
                    }
                    _ => Ok(ServerCertVerified::assertion()),
                }
            }
            Trust::System(system) => system.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            Trust::Key(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn is_of_dates(error: &CertificateError) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. }
    )
}

//! Who the server is: a certificate made at start, or one of the user's.
//!
//! The generated CA and leaf live in memory alone. Their dates are fixed: from before July 2019, because Apple's systems refuse
//! younger leaves that live longer than 825 days, to the end of 2037, because 32-bit clocks end a few days later.

mod authority;
mod faults;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use rcgen::KeyPair;
use rustls::{
    ConfigBuilder, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, DnsName, PrivateKeyDer, pem, pem::PemObject},
    server::{
        VerifierBuilderError, WantsServerCert, WebPkiClientVerifier, danger::ClientCertVerifier,
    },
};
use thiserror::Error;

use crate::{
    journal::lock,
    server::tls::{
        authority::{Authority, authority, issue, proper},
        faults::{Faults, Issuer},
    },
};

/// A certificate with its key, ready to serve. Clones share what they have made.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    ca_pem: Option<Arc<str>>,
    faults: Arc<Faults>,
    clients: ClientVerifier,
}

/// Verifies the certificates of clients, if they are asked for one.
type ClientVerifier = Arc<dyn ClientCertVerifier>;

/// Why there is no identity.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The key of the CA cannot be used, in rcgen's words.
    #[error("cannot use the CA's key: {0}")]
    CaKey(rcgen::Error),
    /// A name for the certificate that is neither a host name nor an address.
    #[error(
        "`{0}` cannot be in a certificate, expected a host name or an IP address, without a port"
    )]
    BadName(String),
    /// The certificate's PEM text has this fault.
    #[error("cannot read the certificate: {0}")]
    CertificateText(&'static str),
    /// The certificate or the key is none that can be served, in rustls's words.
    #[error("cannot use the certificate and its key: {0}")]
    Unusable(rustls::Error),
    /// Making a certificate failed, in rcgen's words.
    #[error("cannot make a certificate: {0}")]
    Generating(#[from] rcgen::Error),
    /// The key is protected by a passphrase.
    #[error(
        "the key is encrypted, expected one without a passphrase (openssl pkey -in KEY -out PLAIN)"
    )]
    KeyEncrypted,
    /// The key is not the one in the certificate.
    #[error("the key does not belong to the first certificate in the file")]
    KeyMismatch,
    /// The key's PEM text has this fault.
    #[error("cannot read the key: {0}")]
    KeyText(&'static str),
    /// No certificate in the PEM text.
    #[error("no BEGIN CERTIFICATE in the certificate file")]
    NoCertificate,
    /// A certificate of the user's cannot be shown expired, or otherwise at fault: its CA is not here.
    #[error("a failure mode needs a generated certificate, and this one was given")]
    NoIssuer,
    /// No private key in the PEM text.
    #[error("no BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY in the key file")]
    NoKey,
}

impl Identity {
    /// Makes a CA and a certificate for this machine: `localhost`, `127.0.0.1`, `::1`, the host's name, and further names or addresses.
    ///
    /// # Errors
    /// [`IdentityError::BadName`] for a name that is neither; [`IdentityError::Generating`] when the system gives no random numbers.
    pub fn generate(names: &[String]) -> Result<Identity, IdentityError> {
        Identity::issued_by(None, None, names)
    }

    /// Does as [`Identity::generate`], with a key of the CA that was kept (PEM): whoever trusts the CA made with it before
    /// trusts this one. With the certificate of a CA it is that CA's key.
    ///
    /// # Errors
    /// Those of [`Identity::generate`]; what is wrong with the key or the certificate.
    pub fn issued_by(
        ca_key: Option<&str>,
        ca_certificate: Option<&str>,
        names: &[String],
    ) -> Result<Identity, IdentityError> {
        let subjects = subjects(names)?;
        let key = ca_key.map_or_else(KeyPair::generate, KeyPair::from_pem);
        let key = key.map_err(IdentityError::CaKey)?;
        let authority = match ca_certificate {
            Some(certificate) => Authority::given(certificate, key)?,
            None => authority(key)?,
        };
        let clients = WebPkiClientVerifier::no_client_auth();
        Identity::issued(Arc::new(authority), subjects, clients)
    }

    fn issued(
        authority: Arc<Authority>,
        subjects: Vec<String>,
        clients: ClientVerifier,
    ) -> Result<Identity, IdentityError> {
        let chain = issue(&authority.issuer, proper(subjects.clone())?)?;
        Ok(Identity {
            config: config(rustls::ALL_VERSIONS, chain, &clients)?,
            clients,
            ca_pem: Some(authority.pem.as_str().into()),
            faults: Arc::new(Faults {
                issuer: Some(Issuer {
                    authority,
                    subjects,
                    by_address: Mutex::default(),
                }),
                ..Faults::default()
            }),
        })
    }

    /// Returns the identity for one of this machine's addresses: itself, or one of the same CA whose certificate names that
    /// address as well, made when a client first connects to it.
    ///
    /// # Errors
    /// [`IdentityError::Generating`].
    pub(crate) fn at(&self, address: IpAddr) -> Result<Identity, IdentityError> {
        let (address, name) = (address.to_canonical(), address.to_canonical().to_string());
        let issuer = self.faults.issuer.as_ref();
        let Some(issuer) = issuer.filter(|issuer| !issuer.subjects.contains(&name)) else {
            return Ok(self.clone());
        };
        let mut made = lock(&issuer.by_address);
        if let Some(identity) = made.get(&address) {
            return Ok(identity.clone());
        }
        if made.len() >= MAX_ADDRESSES {
            return Ok(self.clone());
        }
        let subjects = issuer.subjects.iter().cloned().chain([name]).collect();
        let authority = Arc::clone(&issuer.authority);
        let identity = Identity::issued(authority, subjects, Arc::clone(&self.clients))?;
        made.insert(address, identity.clone());
        Ok(identity)
    }

    /// Takes a certificate, followed by the ones that lead to its CA, and its unencrypted key (PKCS #8, PKCS #1 or SEC 1), all as PEM text.
    ///
    /// # Errors
    /// Says which of the two texts is at fault, and how.
    pub fn from_pem(cert_pem: &str, key_pem: &str) -> Result<Identity, IdentityError> {
        let clients = WebPkiClientVerifier::no_client_auth();
        let chain = read_pem(cert_pem, key_pem)?;
        Ok(Identity {
            config: config(rustls::ALL_VERSIONS, chain, &clients)?,
            clients,
            ca_pem: None,
            faults: Arc::default(),
        })
    }

    /// Asks every client for a certificate of one of these CAs (PEM), and serves no other client.
    ///
    /// # Errors
    /// Says what is wrong with the CAs.
    pub fn with_client_ca(self, pem: &str) -> Result<Identity, IdentityError> {
        let clients = verifier(pem)?;
        let resolver = Arc::clone(&self.config.cert_resolver);
        let config = builder(rustls::ALL_VERSIONS, &clients)?.with_cert_resolver(resolver);
        Ok(Identity {
            config: finish(config)?,
            clients,
            ..self
        })
    }

    /// Returns the generated CA, for clients to trust; none for a certificate of the user's.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns what a TLS server needs: TLS 1.2 and 1.3, ALPN `http/1.1`, session tickets.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Returns whether it can show certificates that are at fault: only one that was generated has the CA to issue them.
    pub fn can_misbehave(&self) -> bool {
        self.faults.issuer.is_some()
    }
}

/// Makes a key, as PEM text.
///
/// # Errors
/// [`IdentityError::Generating`] when the system gives no random numbers.
pub fn new_key() -> Result<String, IdentityError> {
    Ok(KeyPair::generate()?.serialize_pem())
}

/// Reads certificates of CAs.
fn roots(pem: &str) -> Result<RootCertStore, IdentityError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(IdentityError::Unusable)?;
    }
    Ok(roots)
}

/// Returns what takes clients with a certificate of these CAs (PEM) alone.
fn verifier(pem: &str) -> Result<ClientVerifier, IdentityError> {
    let roots = Arc::new(roots(pem)?);
    let clients = WebPkiClientVerifier::builder_with_provider(roots, provider());
    let general = |error: VerifierBuilderError| rustls::Error::General(error.to_string());
    clients
        .build()
        .map_err(|error| IdentityError::Unusable(general(error)))
}

/// A chain as it is sent, and the key of its first certificate.
pub(crate) type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a certificate, followed by the ones that lead to its CA, and its key. No error shows a line of the key.
pub(crate) fn read_pem(cert_pem: &str, key_pem: &str) -> Result<Chain, IdentityError> {
    let chain = certificates(cert_pem)?;
    // Both marks are of the text around the key, never of the key.
    let marks = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];
    if marks.iter().any(|mark| key_pem.contains(mark)) {
        return Err(IdentityError::KeyEncrypted);
    }
    match PrivateKeyDer::from_pem_slice(key_pem.as_bytes()) {
        Ok(key) => Ok((chain, key)),
        Err(pem::Error::NoItemsFound) => Err(IdentityError::NoKey),
        Err(error) => Err(IdentityError::KeyText(fault(&error))),
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let read = CertificateDer::pem_slice_iter(pem.as_bytes());
    let read: Result<Vec<_>, _> = read.collect();
    let read = read.map_err(|error| IdentityError::CertificateText(fault(&error)))?;
    if read.is_empty() {
        return Err(IdentityError::NoCertificate);
    }
    Ok(read)
}

/// The names of this machine, then the given ones, each once.
fn subjects(names: &[String]) -> Result<Vec<String>, IdentityError> {
    if let Some(bad) = names.iter().find(|name| !is_subject(name)) {
        return Err(IdentityError::BadName(bad.clone()));
    }
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut subjects = Vec::new();
    // A host may have a name that no certificate can hold; it is then not reached by it.
    let host = Some(host).filter(|host| is_subject(host));
    for name in own.into_iter().chain(host).chain(names.iter().cloned()) {
        if !subjects.contains(&name) {
            subjects.push(name);
        }
    }
    Ok(subjects)
}

/// Returns whether a name can be in a certificate: a host name, or an address.
pub fn is_subject(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
        || DnsName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

fn config(
    versions: &[&'static SupportedProtocolVersion],
    (chain, key): Chain,
    clients: &ClientVerifier,
) -> Result<Arc<ServerConfig>, IdentityError> {
    match builder(versions, clients)?.with_single_cert(chain, key) {
        Ok(config) => finish(config),
        Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(IdentityError::KeyMismatch)
        }
        Err(error) => Err(IdentityError::Unusable(error)),
    }
}

fn builder(
    versions: &[&'static SupportedProtocolVersion],
    clients: &ClientVerifier,
) -> Result<ConfigBuilder<ServerConfig, WantsServerCert>, IdentityError> {
    let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(versions);
    let builder = builder.map_err(IdentityError::Unusable)?;
    Ok(builder.with_client_cert_verifier(Arc::clone(clients)))
}

/// The provider is named, so that nothing hangs on what the process has installed as its default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn finish(mut config: ServerConfig) -> Result<Arc<ServerConfig>, IdentityError> {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Sealed tickets: a client resumes however many others came between, with TLS 1.2 too. Each configuration has its own, so
    // that nobody resumes past a certificate that is at fault.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(IdentityError::Unusable)?;
    Ok(Arc::new(config))
}

impl fmt::Debug for Identity {
    /// Shows the CA and nothing of the key.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Identity({:?})", self.ca_pem)
    }
}

/// A PEM fault in words of our own: the reader's may quote a line, and in a damaged file that may be a line of the key.
fn fault(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a BEGIN line without its END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line that is malformed",
        pem::Error::Base64Decode(_) => "what is between BEGIN and END is not base64",
        _ => "its PEM text is malformed",
    }
}

/// For how many addresses there are certificates: a system answers on every address of 127.0.0.0/8.
const MAX_ADDRESSES: usize = 256;

//! Certificates that a strict client refuses, and servers that speak one version of TLS only: made when first asked for.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};
use rustls::{
    ServerConfig,
    version::{TLS12, TLS13},
};

use super::{
    Chain, Identity, IdentityError,
    authority::{Authority, authority, dated, issue, named, proper},
    builder, config, finish, verifier,
};
use crate::{
    clock,
    failure::{Certificate, TlsFailure, TlsVersion},
    journal::lock,
};

/// How one server misbehaves in its handshakes.
#[derive(Default)]
pub(super) struct Faults {
    /// None for a certificate of the user's.
    pub(super) issuer: Option<Issuer>,
    pub(super) made: Mutex<HashMap<ConfigKey, Arc<ServerConfig>>>,
}

/// The issuer of a server's certificates, and the names in them.
pub(super) struct Issuer {
    pub(super) authority: Arc<Authority>,
    pub(super) subjects: Vec<String>,
    /// For addresses that are none of the subjects.
    pub(super) by_address: Mutex<HashMap<IpAddr, Identity>>,
}

/// The day, since on the next one tomorrow's certificate is valid; and the failure.
pub(super) type ConfigKey = (u64, TlsFailure);

impl Identity {
    /// Returns what a server needs to misbehave as a failure mode says, made on first use; what it does not say is as it
    /// should be.
    ///
    /// # Errors
    /// [`IdentityError::NoIssuer`] where a certificate at fault cannot be issued, and what goes wrong in making one.
    pub(crate) fn misbehaving(
        &self,
        failure: &TlsFailure,
    ) -> Result<Arc<ServerConfig>, IdentityError> {
        let offers = |version| failure.versions.is_empty() || failure.versions.contains(&version);
        let (v12, v13) = (offers(TlsVersion::V12), offers(TlsVersion::V13));
        // A certificate has expired by the clients' clocks.
        let now = clock::wall_time().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let key = (now.as_secs() / DAY.as_secs(), failure.clone());
        // Making one takes about a millisecond, once; other threads wait for that.
        let mut made = lock(&self.faults.made);
        if let Some(config) = made.get(&key) {
            return Ok(Arc::clone(config));
        }
        let versions = [v12.then_some(&TLS12), v13.then_some(&TLS13)];
        let versions: Vec<_> = versions.into_iter().flatten().collect();
        let clients = match failure.client_certificate {
            true => verifier(&authority(KeyPair::generate()?)?.pem)?,
            false => Arc::clone(&self.clients),
        };
        let config = match (failure.certificate, &self.faults.issuer) {
            (None, _) => finish(
                builder(&versions, &clients)?
                    .with_cert_resolver(Arc::clone(&self.config.cert_resolver)),
            ),
            (Some(_), None) => Err(IdentityError::NoIssuer),
            (Some(certificate), Some(issuer)) => {
                config(&versions, issuer.at_fault(certificate, now)?, &clients)
            }
        }?;
        made.insert(key, Arc::clone(&config));
        Ok(config)
    }
}

impl Issuer {
    fn at_fault(&self, certificate: Certificate, now: Duration) -> Result<Chain, rcgen::Error> {
        let epoch = date_time_ymd(1970, 1, 1);
        let mut params = proper(self.subjects.clone())?;
        match certificate {
            Certificate::CnOnly => {
                params.subject_alt_names.clear();
                params.distinguished_name = named("localhost");
            }
            Certificate::Expired => params.not_after = epoch + now.saturating_sub(DAY),
            Certificate::IncompleteChain => return issue(&self.intermediate()?, params),
            Certificate::NotYetValid => params.not_before = epoch + now + DAY,
            Certificate::Swapped => {}
            Certificate::UnknownCa => {
                return issue(&authority(KeyPair::generate()?)?.issuer, params);
            }
            Certificate::WrongName => {
                let other = CertificateParams::new(vec![OTHER_HOST.to_owned()])?;
                params.subject_alt_names = other.subject_alt_names;
                params.distinguished_name = named(OTHER_HOST);
            }
        }
        issue(&self.authority.issuer, params)
    }

    /// Its own certificate is not sent, so the CA need not sign one.
    fn intermediate(&self) -> Result<rcgen::Issuer<'static, KeyPair>, rcgen::Error> {
        let mut params = dated("d4iot-double test intermediate CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ok(rcgen::Issuer::new(params, KeyPair::generate()?))
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A name that nobody has (RFC 2606).
const OTHER_HOST: &str = "another-appliance.invalid";

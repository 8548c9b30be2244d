//! Certificates that a strict client refuses, and servers that speak one version of TLS only: made when first asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{ServerConfig, SupportedProtocolVersion};

use super::{Chain, IdentityError, authority, builder, config, dated, finish, issue, leaf, proper};
use crate::{
    failure::{Certificate, TlsFailure, TlsVersion},
    journal::lock,
};

/// How one server misbehaves in its handshakes.
pub(super) struct Faults {
    issuer: Option<Issuer>,
    made: Mutex<Made>,
}

/// The issuer of a server's certificates, and the names in them.
pub(super) struct Issuer {
    pub(super) authority: CertifiedIssuer<'static, KeyPair>,
    pub(super) subjects: Vec<String>,
}

/// What was made on a day: on the next one, tomorrow's certificate would be valid.
#[derive(Default)]
struct Made {
    day: u64,
    configs: HashMap<Key, Arc<ServerConfig>>,
}

/// Which certificate, with TLS 1.2, with TLS 1.3.
type Key = (Option<Certificate>, bool, bool);

impl Faults {
    pub(super) fn new(issuer: Option<Issuer>) -> Faults {
        Faults {
            issuer,
            made: Mutex::default(),
        }
    }

    pub(super) fn can_issue(&self) -> bool {
        self.issuer.is_some()
    }

    /// Returns what a greeting asks for; what it does not ask for is taken from the server that behaves.
    pub(super) fn config(
        &self,
        greeting: &TlsFailure,
        well: &ServerConfig,
    ) -> Result<Arc<ServerConfig>, IdentityError> {
        let offers = |version| greeting.versions.is_empty() || greeting.versions.contains(&version);
        let key = (
            greeting.certificate,
            offers(TlsVersion::V12),
            offers(TlsVersion::V13),
        );
        let now = since_1970();
        let day = now.as_secs() / DAY.as_secs();
        // Making one takes about a millisecond, once; other threads wait for that.
        let mut made = lock(&self.made);
        if made.day != day {
            *made = Made {
                day,
                configs: HashMap::new(),
            };
        }
        if let Some(config) = made.configs.get(&key) {
            return Ok(Arc::clone(config));
        }
        let config = self.make(key, now, well)?;
        made.configs.insert(key, Arc::clone(&config));
        Ok(config)
    }

    fn make(
        &self,
        (certificate, v12, v13): Key,
        now: Duration,
        well: &ServerConfig,
    ) -> Result<Arc<ServerConfig>, IdentityError> {
        let versions: Vec<&'static SupportedProtocolVersion> = [
            (v12, &rustls::version::TLS12),
            (v13, &rustls::version::TLS13),
        ]
        .into_iter()
        .filter_map(|(offered, version)| offered.then_some(version))
        .collect();
        match certificate {
            None => finish(builder(&versions)?.with_cert_resolver(Arc::clone(&well.cert_resolver))),
            Some(certificate) => {
                let issuer = self.issuer.as_ref().ok_or(IdentityError::NoIssuer)?;
                config(
                    &versions,
                    issuer
                        .at_fault(certificate, now)
                        .map_err(IdentityError::Generating)?,
                )
            }
        }
    }
}

impl Issuer {
    fn at_fault(&self, certificate: Certificate, now: Duration) -> Result<Chain, rcgen::Error> {
        let subjects = || self.subjects.clone();
        let mut params = proper(subjects())?;
        match certificate {
            Certificate::CnOnly => {
                params.subject_alt_names.clear();
                params.distinguished_name = named("localhost");
            }
            Certificate::Expired => {
                params.not_after = date_time_ymd(1970, 1, 1) + now.saturating_sub(DAY)
            }
            Certificate::IncompleteChain => return leaf(&self.intermediate()?, subjects()),
            Certificate::NotYetValid => params.not_before = date_time_ymd(1970, 1, 1) + now + DAY,
            Certificate::Swapped => {}
            Certificate::UnknownCa => return leaf(&authority()?, subjects()),
            Certificate::WrongName => {
                params.subject_alt_names =
                    CertificateParams::new(vec![OTHER_HOST.to_owned()])?.subject_alt_names;
                params.distinguished_name = named(OTHER_HOST);
            }
        }
        issue(&self.authority, params)
    }

    fn intermediate(&self) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
        let mut params = dated();
        params.distinguished_name = named("d4iot-double test intermediate CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::signed_by(params, KeyPair::generate()?, &self.authority)
    }
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

#[expect(
    clippy::disallowed_methods,
    reason = "a certificate has expired by the clients' clocks, and those are the wall's"
)]
fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A name that nobody has (RFC 2606).
const OTHER_HOST: &str = "another-appliance.invalid";

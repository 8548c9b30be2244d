//! How a target is reached: certificates, proxy, resolved address, time-outs.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::pin::Pin;
use crate::redact::Secret;

/// How a target is reached. A journal keeps this, so that `recover` reaches the target the same way; no secret is serialized.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetOptions {
    /// PEM certificates to trust, and no others; by default those that the system trusts.
    pub trust: Option<String>,
    /// Accept any certificate.
    pub insecure: bool,
    /// The key that the target must have, instead of a trusted chain and name.
    pub pin: Option<Pin>,
    /// The key that the target must have besides: the one that it had when a run changed passwords.
    #[serde(skip)]
    pub expected_key: Option<Pin>,
    /// The client's own certificate.
    pub certificate: Option<ClientCertificate>,
    /// The proxy; the proxies of the environment are not used.
    pub proxy: Option<Proxy>,
    /// The address to connect to, instead of the one that the name server has.
    pub resolve: Option<Resolve>,
    /// How long an exchange may take; 30 s by default. A connection may take half of it.
    pub timeout: Option<Duration>,
    /// The pause between two exchanges; by default 500 ms, and none on this machine.
    pub delay: Option<Duration>,
    /// Use a new connection for each exchange: on a kept one that closes, a request may be sent twice.
    pub fresh: bool,
}

/// A certificate of the client's own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// The file with the certificate and those that lead to its CA, PEM.
    pub certificate: PathBuf,
    /// The file with its key, PEM without a passphrase.
    pub key: PathBuf,
}

/// An HTTP proxy. TLS is tunnelled through it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Proxy {
    /// Its address, `http://host:port`, without credentials.
    pub address: String,
    /// The user name and password for it.
    #[serde(skip)]
    pub credentials: Option<(String, Secret)>,
}

impl TargetOptions {
    /// Returns the same with absolute paths, for a journal that is read from another folder.
    pub fn with_absolute_paths(&self) -> TargetOptions {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut options = self.clone();
        if let Some(own) = &mut options.certificate {
            own.certificate = absolute(&own.certificate);
            own.key = absolute(&own.key);
        }
        options
    }
}

/// Returns whether all requests to a target stay on this machine.
pub fn stays_here(url: &Url, options: &TargetOptions) -> bool {
    let is_loopback = |url: &Url| {
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip: IpAddr| ip.is_loopback())
    };
    let (resolve, proxy) = (options.resolve.as_ref(), options.proxy.as_ref());
    is_loopback(url)
        && resolve.is_none_or(|resolve| resolve.address.is_loopback())
        // Without a valid proxy address nothing is sent.
        && proxy.is_none_or(|proxy| proxy.address.parse().is_ok_and(|url| is_loopback(&url)))
}

/// A host name and port, and the address to connect to: `HOST:PORT:ADDRESS`, as in curl's `--resolve`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct Resolve {
    /// The name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address.
    pub address: IpAddr,
}

/// What is not `HOST:PORT:ADDRESS`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidResolve {
    /// The host is an address already.
    #[error("`{0}` is an address, expected a name to resolve")]
    Address(String),
    /// A part is missing, or is something else.
    #[error("expected HOST:PORT:ADDRESS, as in `sensor.lab:443:10.0.0.5`")]
    Form,
}

impl FromStr for Resolve {
    type Err = InvalidResolve;

    fn from_str(text: &str) -> Result<Resolve, InvalidResolve> {
        let mut parts = text.splitn(3, ':').filter(|part| !part.is_empty());
        let (Some(host), Some(port), Some(address)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidResolve::Form);
        };
        if host.parse::<IpAddr>().is_ok() {
            return Err(InvalidResolve::Address(host.to_owned()));
        }
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Ok(Resolve {
            host: host.to_owned(),
            port: port.parse().map_err(|_| InvalidResolve::Form)?,
            address: address.parse().map_err(|_| InvalidResolve::Form)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("sensor.lab:443:10.0.0.5", Some("sensor.lab:443:10.0.0.5"))]
    #[case::of_six("sensor.lab:443:fe80::1", Some("sensor.lab:443:fe80::1"))]
    #[case::brackets("sensor.lab:443:[::1]", Some("sensor.lab:443:::1"))]
    #[case::no_port("sensor.lab:10.0.0.5", None)]
    #[case::no_address("sensor.lab:443:other.lab", None)]
    #[case::an_address_already("10.0.0.5:443:10.0.0.6", None)]
    #[case::empty("", None)]
    fn an_address_stands_for_a_name(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(
            text.parse::<Resolve>()
                .ok()
                .map(|resolve| format!("{}:{}:{}", resolve.host, resolve.port, resolve.address))
                .as_deref(),
            expected
        );
    }
}

//! How a target is reached: whom to trust, who we are, by which way, and how patiently.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::pin::Pin;
use crate::redact::Secret;

/// How a target is reached.
#[derive(Clone, Debug, Default)]
pub struct TargetOptions {
    /// PEM certificates to trust, and no others; without them those that the system trusts.
    pub trust: Option<String>,
    /// Whether any certificate is taken, whoever signed it and whatever name it bears.
    pub insecure: bool,
    /// The key the target must have, in place of a chain and a name.
    pub pin: Option<Pin>,
    /// The certificate we show where one is wanted.
    pub identity: Option<Identity>,
    /// The proxy on the way; none unless named, whatever the environment says.
    pub proxy: Option<Proxy>,
    /// An address to go to instead of the one that the name server has.
    pub resolve: Option<Resolve>,
    /// How long an exchange may take; 30 s by default. Half of it is left for the connection.
    pub timeout: Option<Duration>,
    /// The pause between the end of one exchange and the start of the next; none by default.
    pub delay: Duration,
    /// Whether each exchange has a connection of its own: on a kept one that closes, the client below us sends again what it believes unsent.
    pub fresh: bool,
}

/// A certificate of the client's own, with the ones that lead to its CA, and its key; both PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificates.
    pub certificate: String,
    /// The key, without a passphrase.
    pub key: Secret,
}

/// A proxy: plain HTTP is spoken with it, and TLS through it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its address, `http://host:port`, without credentials.
    pub address: String,
    /// A name and a password for it.
    pub credentials: Option<(String, Secret)>,
}

/// A host name and port, and the address to go to for them: `HOST:PORT:ADDRESS`, as curl's `--resolve` has it.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(into = "String", try_from = "String")]
pub struct Resolve {
    /// The name.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address.
    pub address: IpAddr,
}

impl FromStr for Resolve {
    type Err = String;

    fn from_str(text: &str) -> Result<Resolve, String> {
        let expected = || "expected HOST:PORT:ADDRESS, as in `sensor.lab:443:10.0.0.5`".to_owned();
        let mut parts = text.splitn(3, ':');
        let mut next = || {
            parts
                .next()
                .filter(|part| !part.is_empty())
                .ok_or_else(expected)
        };
        let (host, port, address) = (next()?.to_owned(), next()?, next()?);
        if host.parse::<IpAddr>().is_ok() {
            return Err(format!(
                "`{host}` is an address already, and only a name can be resolved"
            ));
        }
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Ok(Resolve {
            host,
            port: port.parse().map_err(|_| expected())?,
            address: address.parse().map_err(|_| expected())?,
        })
    }
}

impl TryFrom<String> for Resolve {
    type Error = String;

    fn try_from(text: String) -> Result<Resolve, String> {
        text.parse()
    }
}

impl From<Resolve> for String {
    fn from(resolve: Resolve) -> String {
        resolve.to_string()
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}", self.host, self.port, self.address)
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
                .map(|resolve| resolve.to_string())
                .as_deref(),
            expected
        );
    }
}

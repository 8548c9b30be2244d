//! Where a target is: the addresses that its name resolves to, so that two names of one appliance are one.

use std::{
    collections::BTreeSet,
    net::{SocketAddr, ToSocketAddrs},
};

use reqwest::Url;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    client::{Pin, TargetOptions},
    contract::encoding::hex,
};

/// Where a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetPlace {
    /// Its host, as the user gave it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The path that precedes every request's path: several appliances may share an address.
    pub path: String,
    /// Its addresses; none if the name does not resolve here, or a proxy resolves it.
    pub addresses: BTreeSet<SocketAddr>,
}

impl TargetPlace {
    /// Resolves a target's name.
    pub fn of(url: &Url, client: &TargetOptions) -> TargetPlace {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let port = url.port_or_known_default().unwrap_or_default();
        let addresses = match (&client.resolve, &client.proxy) {
            (Some(resolve), _) => [(resolve.address, resolve.port).into()].into(),
            (None, Some(_)) => BTreeSet::new(),
            (None, None) => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let resolved = (name, port).to_socket_addrs();
                resolved.map(Iterator::collect).unwrap_or_default()
            }
        };
        let path = url.path().trim_end_matches('/').to_owned();
        TargetPlace {
            host,
            port,
            path,
            addresses,
        }
    }

    /// Returns a file name for each address, without an extension; for the host if it has none. The scheme does not matter, as the
    /// same appliance is behind both.
    pub fn names(&self) -> Vec<String> {
        if self.addresses.is_empty() {
            return vec![self.own_name()];
        }
        let addresses = self.addresses.iter();
        addresses
            .map(|one| self.name(&one.ip().to_string()))
            .collect()
    }

    /// Returns a file name for the host as the user gave it.
    pub fn own_name(&self) -> String {
        self.name(&self.host)
    }

    /// Returns a file name for the public key of the target.
    pub fn key_name(&self, key: &Pin) -> String {
        self.name(&format!("key-{}", digest(&key.to_string())))
    }

    /// Returns whether two places are the same appliance, each with the public key that it showed.
    pub fn is_same(&self, key: Option<&Pin>, other: &TargetPlace, other_key: Option<&Pin>) -> bool {
        let has_common = !self.addresses.is_disjoint(&other.addresses)
            || self.host == other.host
            || key.is_some() && key == other_key;
        has_common && self.port == other.port && self.path == other.path
    }

    fn name(&self, host: &str) -> String {
        let digest = digest(&format!("{host}:{}{}", self.port, self.path));
        let readable = host.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        format!("{readable}_{}-{digest}", self.port)
    }
}

fn digest(text: &str) -> String {
    hex(&Sha256::digest(text)[..4])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn place(url: &str) -> TargetPlace {
        TargetPlace::of(&url.parse().unwrap(), &TargetOptions::default())
    }

    #[rstest]
    #[case::itself("https://127.0.0.1:9801", "https://127.0.0.1:9801", true)]
    #[case::by_name("https://127.0.0.1:9801", "https://localhost:9801/", true)]
    #[case::without_tls("https://127.0.0.1:9801", "http://127.0.0.1:9801", true)]
    #[case::another_port("https://127.0.0.1:9801", "https://127.0.0.1:9802", false)]
    #[case::another_path("https://127.0.0.1:9801/a", "https://127.0.0.1:9801/b", false)]
    #[case::another_address("https://127.0.0.1:9801", "https://127.0.0.2:9801", false)]
    fn two_names_of_an_address_are_one(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let (one, other) = (place(one), place(other));
        assert_eq!(one.is_same(None, &other, None), same);
        let has_name = |name: &String| other.names().contains(name);
        assert_eq!(one.names().iter().any(has_name), same);
    }

    #[test]
    fn a_machine_with_two_addresses_is_known_by_its_key() {
        let (one, other) = (
            place("https://127.0.0.1:9801"),
            place("https://127.0.0.2:9801"),
        );
        let key: Pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            .parse()
            .unwrap();
        assert!(one.is_same(Some(&key), &other, Some(&key)));
        assert_eq!(one.key_name(&key), other.key_name(&key));
    }
}

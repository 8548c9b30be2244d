//! How a target is reached, on the command line and in a journal.

use std::{fs, net::IpAddr, path::PathBuf, time::Duration};

use clap::Args;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::{
    client::{
        Pin, Target, TargetOptions,
        options::{Identity, Proxy, Resolve},
    },
    fixture,
    redact::Secret,
    runner::named::Credentials,
};

/// How a target is reached. A journal keeps this, so that `recover` reaches it the same way: nothing here may be a secret.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// Take any certificate; every report says so
    #[arg(short = 'k', long, requires = "target", conflicts_with_all = ["cacert", "pin_spki"])]
    pub insecure: bool,
    /// Trust the certificates of this file, and no others (default: those that the system trusts)
    #[arg(
        long,
        value_name = "PEM",
        requires = "target",
        conflicts_with = "pin_spki"
    )]
    pub cacert: Option<PathBuf>,
    /// The client's own certificate, where the target wants one
    #[arg(long, value_name = "PEM", requires_all = ["target", "key"])]
    pub cert: Option<PathBuf>,
    /// The key of that certificate, without a passphrase
    #[arg(long, value_name = "PEM", requires_all = ["target", "cert"])]
    pub key: Option<PathBuf>,
    /// The SHA-256 of the target's public key (sha256//BASE64, or hexadecimal), in place of chain and name; the certificate's dates still count
    #[arg(long, value_name = "SHA256", requires = "target")]
    pub pin_spki: Option<Pin>,
    /// Go through this proxy, http://HOST:PORT; its name and password stand in the accounts file, under `proxy`. The environment's proxies are not used
    #[arg(
        long,
        value_name = "URL",
        requires = "target",
        conflicts_with = "resolve"
    )]
    pub proxy: Option<String>,
    /// The address to go to for the target's name and port, as in `sensor.lab:443:10.0.0.5`
    #[arg(long, value_name = "HOST:PORT:ADDR", requires = "target")]
    pub resolve: Option<Resolve>,
    /// How long an exchange may take (default: 30s); half of it is left for the connection
    #[arg(long, value_name = "D", value_parser = duration, requires = "target")]
    pub timeout: Option<Duration>,
    /// The pause between two requests (default: 500ms, none on this machine)
    #[arg(long, value_name = "D", value_parser = duration, requires = "target")]
    pub delay: Option<Duration>,
}

impl Client {
    /// Prepares to ask a target. `proxy` are the proxy's name and password, where it wants some.
    ///
    /// # Errors
    /// A file that cannot be read, an option that would change nothing, an address that cannot be asked; in words.
    #[expect(clippy::disallowed_methods, reason = "certificates and keys are files")]
    pub fn target(&self, url: &Url, proxy: Option<&Credentials>) -> Result<Target, String> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
        };
        let tls = [
            ("-k", self.insecure),
            ("--cacert", self.cacert.is_some()),
            ("--cert", self.cert.is_some()),
            ("--pin-spki", self.pin_spki.is_some()),
        ];
        if let Some((option, _)) = tls
            .iter()
            .find(|(_, given)| *given && url.scheme() == "http")
        {
            return Err(format!(
                "{option} is about TLS, and {url} is asked without\n  hint: https://, or leave it out"
            ));
        }
        let identity = self.cert.as_ref().zip(self.key.as_ref());
        let identity = identity.map(|(certificate, key)| {
            Ok::<_, String>(Identity {
                certificate: read(certificate)?,
                key: Secret::new(read(key)?),
            })
        });
        let options = TargetOptions {
            trust: self.cacert.as_ref().map(read).transpose()?,
            insecure: self.insecure,
            pin: self.pin_spki,
            identity: identity.transpose()?,
            proxy: self.proxy(proxy)?,
            resolve: self.resolve(url)?,
            timeout: self.timeout,
            delay: self.delay.unwrap_or(if self.stays_here(url) {
                Duration::ZERO
            } else {
                POLITE
            }),
            fresh: true,
        };
        Target::new(url.as_str(), &options).map_err(|error| error.to_string())
    }

    /// Returns the same with every path absolute: a journal is read from elsewhere.
    pub fn absolute(&self) -> Client {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let [cacert, cert, key] =
            [&self.cacert, &self.cert, &self.key].map(|path| path.as_ref().map(absolute));
        Client {
            cacert,
            cert,
            key,
            ..self.clone()
        }
    }

    /// Tells whether nothing that is sent to a target leaves this machine.
    pub fn stays_here(&self, url: &Url) -> bool {
        let proxy = self
            .proxy
            .as_ref()
            .and_then(|proxy| proxy.parse::<Url>().ok());
        let resolved = self
            .resolve
            .as_ref()
            .map(|resolve| resolve.address.is_loopback());
        // Where a proxy's address is none, nothing is sent at all.
        is_loopback(url)
            && resolved.unwrap_or(true)
            && proxy.is_none_or(|proxy| is_loopback(&proxy))
    }

    /// No text of an error shows the address, which may hold a password.
    fn proxy(&self, credentials: Option<&Credentials>) -> Result<Option<Proxy>, String> {
        let Some(address) = &self.proxy else {
            return Ok(None);
        };
        let url: Url = address.parse().map_err(|_| format!("--proxy: {PROXY}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            let hint = "in the accounts file, `proxy: { username: …, password_env: … }`";
            return Err(format!(
                "--proxy holds credentials, and a command line is no place for a password\n  hint: {hint}"
            ));
        }
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err(format!("--proxy: {PROXY}"));
        }
        let credentials = credentials
            .map(|credentials| (credentials.username.clone(), credentials.password.clone()));
        Ok(Some(Proxy {
            address: address.clone(),
            credentials,
        }))
    }

    fn resolve(&self, url: &Url) -> Result<Option<Resolve>, String> {
        let Some(resolve) = &self.resolve else {
            return Ok(None);
        };
        let (host, port) = (
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default(),
        );
        if resolve.host.eq_ignore_ascii_case(host) && resolve.port == port {
            return Ok(Some(resolve.clone()));
        }
        Err(format!(
            "--resolve names `{}:{}`, and the target is `{host}:{port}`\n  hint: name the target's own host and port",
            resolve.host, resolve.port
        ))
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn duration(text: &str) -> Result<Duration, String> {
    fixture::duration(text).ok_or_else(|| {
        "expected whole numbers with units of ms, s, m, h, as in `500ms`, `90s`".into()
    })
}

/// What a proxy's address has to be.
const PROXY: &str =
    "expected http://HOST:PORT, a proxy that is spoken with in plain HTTP and leads TLS through";
/// The pause off this machine.
const POLITE: Duration = Duration::from_millis(500);

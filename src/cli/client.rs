//! How a target is reached, on the command line.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use reqwest::Url;

use crate::{
    cli::error::{CliError, Result, read_text},
    client::{ClientCertificate, Pin, Proxy, Resolve, TargetOptions},
    failure,
};

/// How a target is reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Connection")]
pub(super) struct ClientArgs {
    /// Accept any certificate; every report mentions it
    #[arg(short = 'k', long, requires = "where", conflicts_with_all = ["cacert", "pin_spki"])]
    pub insecure: bool,
    /// Trust only the certificates in this file (default: those that the system trusts)
    #[arg(long, value_name = "PEM", requires = "where")]
    pub cacert: Option<PathBuf>,
    /// Client certificate, if the target requires one
    #[arg(long, value_name = "PEM", requires_all = ["where", "key"])]
    pub cert: Option<PathBuf>,
    /// Key of the client certificate, without a passphrase
    #[arg(long, value_name = "PEM", requires_all = ["where", "cert"])]
    pub key: Option<PathBuf>,
    /// SHA-256 of the target's public key (sha256//BASE64, or hexadecimal), instead of verifying chain and host name; the certificate's dates are still verified
    #[arg(long, value_name = "SHA256", requires = "where", conflicts_with_all = ["cacert"])]
    pub pin_spki: Option<Pin>,
    /// Use this proxy, http://HOST:PORT; its user name and password are read from `proxy` in the accounts file. Proxies of the environment are ignored
    #[arg(long, value_name = "URL", requires = "where")]
    pub proxy: Option<String>,
    /// Connect to this address for the target's name and port, as in `sensor.lab:443:10.0.0.5`
    #[arg(long, value_name = "HOST:PORT:ADDR", requires = "where", conflicts_with_all = ["proxy"])]
    pub resolve: Option<Resolve>,
    /// Time limit of a request (default: 30s); connecting may take half of it
    #[arg(long, value_name = "D", value_parser = duration, requires = "where")]
    pub timeout: Option<Duration>,
    /// Pause between two requests (default: 500ms, none on this machine)
    #[arg(long, value_name = "D", value_parser = duration, requires = "where")]
    pub delay: Option<Duration>,
}

impl ClientArgs {
    /// Returns the options of the client for a target.
    ///
    /// # Errors
    /// A file cannot be read, or an option does not suit the target.
    pub(super) fn options(&self, target: &str) -> Result<TargetOptions> {
        // A wrong address is reported elsewhere.
        if let Ok(url) = target.parse::<Url>() {
            self.check_tls(&url)?;
            self.check_resolve(&url)?;
        }
        let trust = self.cacert.as_deref().map(read_text);
        let own = self.cert.clone().zip(self.key.clone());
        Ok(TargetOptions {
            trust: trust.transpose()?,
            insecure: self.insecure,
            pin: self.pin_spki.clone(),
            expected_key: None,
            certificate: own.map(|(certificate, key)| ClientCertificate { certificate, key }),
            proxy: self.proxy.as_deref().map(proxy).transpose()?,
            resolve: self.resolve.clone(),
            timeout: self.timeout,
            delay: self.delay,
            fresh: true,
        })
    }

    fn check_tls(&self, url: &Url) -> Result<()> {
        let options = [
            ("-k", self.insecure),
            ("--cacert", self.cacert.is_some()),
            ("--cert", self.cert.is_some()),
            ("--pin-spki", self.pin_spki.is_some()),
        ];
        match options.iter().find(|(_, given)| *given) {
            Some((option, _)) if url.scheme() == "http" => {
                let message = format!("{option} needs TLS, but {url} has none");
                Err(CliError::usage(message).hint(format!("use https://, or leave {option} out")))
            }
            _ => Ok(()),
        }
    }

    fn check_resolve(&self, url: &Url) -> Result<()> {
        let Some(Resolve { host, port, .. }) = &self.resolve else {
            return Ok(());
        };
        let target = url.host_str().unwrap_or_default();
        let target_port = url.port_or_known_default().unwrap_or_default();
        if host.eq_ignore_ascii_case(target) && *port == target_port {
            return Ok(());
        }
        let message =
            format!("--resolve names `{host}:{port}`, but the target is `{target}:{target_port}`");
        Err(CliError::usage(message).hint("name the target's own host and port"))
    }
}

/// Reads a proxy's address. No error text shows the address, which may hold a password.
fn proxy(address: &str) -> Result<Proxy> {
    let wrong =
        || CliError::usage("--proxy: expected http://HOST:PORT; TLS is tunnelled through it");
    let url: Url = address.parse().map_err(|_| wrong())?;
    if !url.username().is_empty() || url.password().is_some() {
        let message = "--proxy contains credentials, but others can read the command line";
        let hint = "write them into the accounts file, `proxy: { username: …, password_env: … }`";
        return Err(CliError::usage(message).hint(hint));
    }
    if url.scheme() != "http" || url.host_str().is_none() {
        return Err(wrong());
    }
    Ok(Proxy {
        address: address.to_owned(),
        credentials: None,
    })
}

/// Reads a duration for clap.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let expected = "expected whole numbers with units of ms, s, m, h, as in `500ms`, `90s`";
    failure::duration::parse(text).ok_or(expected)
}

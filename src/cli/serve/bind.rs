//! Where appliances of the command line listen: the first at --listen, the others on the next ports, or where a fixture says.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use http::uri::PathAndQuery;

use crate::{
    cli::error::{CliError, Result},
    fixture,
    fixture::Fixture,
    server,
    server::{BindError, BoundPort, Registry, RegistryError},
};

/// Gives out addresses one after the other.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// The address of the next appliance without one of its own; none after the last port.
    next: Option<SocketAddr>,
    taken: Vec<(SocketAddr, String)>,
}

impl Addresses {
    /// Starts at an address.
    pub(super) fn from(first: SocketAddr) -> Addresses {
        let (next, taken) = (Some(first), Vec::new());
        Addresses { next, taken }
    }

    /// Binds the port of an appliance.
    ///
    /// # Errors
    /// Why it cannot be bound, with a hint.
    pub(super) fn bind(&mut self, registry: &Registry, fixture: &Fixture) -> Result<BoundPort> {
        let name = &fixture.name;
        let none_left = || {
            CliError::usage(format!(
                "no port is left for {name}: the one before it has 65535"
            ))
            .hint("--listen with a lower port, or with port 0")
        };
        let address = fixture.listen.or(self.next).ok_or_else(none_left)?;
        let bound = registry.bind(fixture, Some(address));
        let port = bound.map_err(|error| self.explain(&error))?;
        if fixture.listen.is_none() {
            // After port 0, any free one, comes port 0.
            let step = u16::from(address.port() != 0);
            let next = address.port().checked_add(step);
            self.next = next.map(|port| SocketAddr::new(address.ip(), port));
        }
        self.taken.push((address, name.clone()));
        Ok(port)
    }

    fn explain(&self, error: &RegistryError) -> CliError {
        let hint = match error {
            RegistryError::Bind(unbound) => self.user_of(unbound).or(error.hint()).or_else(|| {
                let anywhere = SocketAddr::new(unbound.address.ip(), 0);
                Some(format!("--listen {anywhere} takes any free port"))
            }),
            error => error.hint(),
        };
        CliError::usage(error).with_hint(hint)
    }

    /// Names the appliance of this start that has the same port.
    fn user_of(&self, unbound: &BindError) -> Option<String> {
        let port = unbound.address.port();
        if unbound.reason.kind() != io::ErrorKind::AddrInUse || port == 0 {
            return None;
        }
        let mut taken = self.taken.iter();
        let (_, name) = taken.find(|(other, _)| other.port() == port)?;
        Some(format!(
            "`{name}` of this start has that port; the ports of --listen and of the fixtures' `listen` must differ"
        ))
    }
}

/// Reads a host for clap.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let is_host = server::tls::is_subject(text);
    let host = is_host.then(|| text.to_owned());
    host.ok_or("expected a host name or an IP address, without a port")
}

/// Reads a seed for clap.
pub(super) fn seed(text: &str) -> Result<u64, &'static str> {
    let number = text.parse().ok();
    let number = number.filter(|seed| *seed <= fixture::MAX_SEED);
    number.ok_or("expected a whole number from 0 to 9007199254740991")
}

/// Reads a path prefix for clap.
pub(super) fn path(text: &str) -> Result<String, &'static str> {
    let is_path = text
        .parse()
        .is_ok_and(|target: PathAndQuery| target == text);
    let is_prefix = text.starts_with('/') && !text.ends_with('/') && !text.contains('?');
    (text.is_empty() || is_path && is_prefix)
        .then(|| text.to_owned())
        .ok_or("expected a path, /10.0.0.5, without a slash at its end")
}

/// Reads an address for clap. A common mistake is answered with the address that is meant.
pub(super) fn address(text: &str, usual_port: u16) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let host_and_port = text.strip_prefix("localhost").unwrap_or(text);
        let port = host_and_port.strip_prefix(':').unwrap_or(host_and_port);
        let number = text.rsplit_once(':').map(|(_, port)| port.parse::<u32>());
        let meant = match (port.parse::<u16>(), text.parse::<IpAddr>()) {
            _ if matches!(number, Some(Ok(65_536..))) => "; the port is over 65535".to_owned(),
            (Ok(port), _) => format!("; did you mean 127.0.0.1:{port}?"),
            (_, Ok(ip)) => format!("; did you mean {}?", SocketAddr::new(ip, usual_port)),
            _ => String::new(),
        };
        format!(
            "expected an IP address and a port, 127.0.0.1:{usual_port} or [::1]:{usual_port}{meant}"
        )
    })
}

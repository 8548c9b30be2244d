//! Where appliances of the command line listen: the first where it says, further ones on the next ports, or where a fixture asks.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use crate::{
    fixture::Fixture,
    server::{BindError, BoundPort, Registry, RegistryError},
};

/// The addresses that are given out, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// Where the next appliance listens that does not say; none after the last port.
    next: Option<SocketAddr>,
    taken: Vec<(SocketAddr, String)>,
}

impl Addresses {
    /// Begins at an address.
    pub(super) fn from(first: SocketAddr) -> Addresses {
        Addresses {
            next: Some(first),
            taken: Vec::new(),
        }
    }

    /// Binds the port of an appliance.
    ///
    /// # Errors
    /// Why it cannot be bound, and what can be done.
    pub(super) fn bind(
        &mut self,
        fleet: &Registry,
        fixture: &Fixture,
    ) -> Result<BoundPort, String> {
        let address = fixture.listen.or(self.next).ok_or_else(|| {
            format!("no port is left for {}: the one before it has 65535\n  hint: --listen with a lower port, or with port 0", fixture.name)
        })?;
        let berth = fleet
            .bind(fixture, Some(address))
            .map_err(|error| self.told(&error))?;
        if fixture.listen.is_none() {
            self.next = following(address);
        }
        self.taken.push((address, fixture.name.clone()));
        Ok(berth)
    }

    fn told(&self, error: &RegistryError) -> String {
        let hint = match error {
            RegistryError::Bind(unbound) => Some(self.way_out(unbound, error)),
            error => error.hint(),
        };
        hint.map_or_else(
            || error.to_string(),
            |hint| format!("{error}\n  hint: {hint}"),
        )
    }

    fn way_out(&self, unbound: &BindError, error: &RegistryError) -> String {
        let in_use = unbound.reason.kind() == io::ErrorKind::AddrInUse;
        let same_port = |(other, _): &&(SocketAddr, String)| {
            in_use && other.port() != 0 && other.port() == unbound.address.port()
        };
        match self.taken.iter().find(same_port) {
            Some((_, name)) => format!(
                "`{name}` of this very start has that port; let a fixture's `listen` and --listen leave each other room"
            ),
            None => error.hint().unwrap_or_else(|| {
                format!(
                    "--listen {} takes any free port",
                    SocketAddr::new(unbound.address.ip(), 0)
                )
            }),
        }
    }
}

/// Reads an address for clap. What people often type instead is answered with what they mean.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    read(text, 8443)
}

/// Reads the control API's address for clap.
pub(super) fn control(text: &str) -> Result<SocketAddr, String> {
    read(text, 9443)
}

fn read(text: &str, usual: u16) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let host_and_port = text.strip_prefix("localhost").unwrap_or(text);
        let port = host_and_port.strip_prefix(':').unwrap_or(host_and_port);
        let meant = match (port.parse::<u16>(), text.parse::<IpAddr>()) {
            (Ok(port), _) => format!("; did you mean 127.0.0.1:{port}?"),
            (_, Ok(ip)) => format!("; did you mean {}?", SocketAddr::new(ip, usual)),
            _ => String::new(),
        };
        format!("expected an IP address and a port, 127.0.0.1:{usual} or [::1]:{usual}{meant}")
    })
}

/// The address with the next port; port 0 stays any free one.
fn following(address: SocketAddr) -> Option<SocketAddr> {
    let port = if address.port() == 0 {
        0
    } else {
        address.port().checked_add(1)?
    };
    Some(SocketAddr::new(address.ip(), port))
}

//! Where appliances listen: the first where the command line says, further ones on the next ports, or where a fixture asks.

use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::fixture::Fixture;
use crate::server;

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
        Addresses { next: Some(first), taken: Vec::new() }
    }

    /// Binds the listener of an appliance.
    ///
    /// # Errors
    /// Why it cannot be bound, and what can be done.
    pub(super) fn bind(&mut self, fixture: &Fixture) -> Result<TcpListener, String> {
        let address = fixture.listen.or(self.next).ok_or_else(|| {
            format!("no port is left for {}: the one before it has 65535\n  hint: --listen with a lower port, or with port 0", fixture.name)
        })?;
        let listener = server::bind(address).map_err(|error| self.unbound(fixture, address, &error))?;
        if fixture.listen.is_none() {
            self.next = following(address);
        }
        self.taken.push((address, fixture.name.clone()));
        Ok(listener)
    }

    fn unbound(&self, fixture: &Fixture, address: SocketAddr, error: &io::Error) -> String {
        let neighbour = self.taken.iter().find(|(other, _)| error.kind() == io::ErrorKind::AddrInUse && other.port() == address.port());
        let anywhere = SocketAddr::new(address.ip(), 0);
        let hint = match (error.kind(), neighbour) {
            (_, Some((_, name))) => format!("`{name}` of this very start has that port; let a fixture's `listen` and --listen leave each other room"),
            (io::ErrorKind::AddrInUse, None) if fixture.listen.is_some() => {
                format!("the fixture asks for it; `listen: {anywhere}` takes any free port")
            }
            (io::ErrorKind::AddrInUse, None) => format!("--listen {anywhere} takes any free port"),
            (io::ErrorKind::PermissionDenied, _) => "ports below 1024 need privileges; take a higher one".into(),
            (io::ErrorKind::AddrNotAvailable, _) => {
                "this machine has no such address; 127.0.0.1 is the machine itself, 0.0.0.0 every address it has".into()
            }
            _ => format!("--listen {anywhere} takes any free port"),
        };
        format!("{} cannot listen on {address}: {error}\n  hint: {hint}", fixture.name)
    }
}

/// Reads an address for clap. What people often type instead is answered with what they mean.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let host_and_port = text.strip_prefix("localhost").unwrap_or(text);
        let port = host_and_port.strip_prefix(':').unwrap_or(host_and_port);
        let meant = match (port.parse::<u16>(), text.parse::<IpAddr>()) {
            (Ok(port), _) => format!("; did you mean 127.0.0.1:{port}?"),
            (_, Ok(ip)) => format!("; did you mean {}?", SocketAddr::new(ip, 8443)),
            _ => String::new(),
        };
        format!("expected an IP address and a port, 127.0.0.1:8443 or [::1]:8443{meant}")
    })
}

/// The address with the next port; port 0 stays any free one.
fn following(address: SocketAddr) -> Option<SocketAddr> {
    let port = if address.port() == 0 { 0 } else { address.port().checked_add(1)? };
    Some(SocketAddr::new(address.ip(), port))
}

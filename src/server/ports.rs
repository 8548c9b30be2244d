//! Where appliances listen that name no port: on any free one, or on those of a range.

use std::{
    collections::VecDeque,
    fmt, io,
    net::SocketAddr,
    str::FromStr,
    sync::{Arc, Mutex},
};

use thiserror::Error;
use tokio::net::TcpListener;

use crate::{
    journal::lock,
    server::{bind, limits::Permit},
};

/// Ports to choose from: `8443-8450`. A range, which a container needs to publish them; or by default any free one.
#[derive(Clone, Debug, Default)]
pub struct Ports(Option<Arc<Range>>);

#[derive(Debug)]
struct Range {
    first: u16,
    last: u16,
    /// The one that was given back last is taken last: its clients have had time to leave.
    free: Mutex<VecDeque<u16>>,
}

/// A port of a range, given back when dropped.
#[derive(Debug)]
pub(super) struct PortLease {
    range: Arc<Range>,
    port: u16,
}

/// A port that is bound for an appliance which is not served yet.
#[derive(Debug)]
pub struct BoundPort {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) guard: PortGuard,
}

/// What is given back when a port is closed.
pub(super) type PortGuard = (Option<PortLease>, Permit);

impl BoundPort {
    pub(super) fn new(listener: TcpListener, guard: PortGuard) -> io::Result<BoundPort> {
        Ok(BoundPort {
            address: listener.local_addr()?,
            listener,
            guard,
        })
    }
}

/// What is not a range of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidPorts {
    /// The higher port comes first.
    #[error("expected the lower port first; did you mean {1}-{0}?")]
    Reversed(u16, u16),
    /// It is something else.
    #[error("expected two ports from 1 to 65535, 9000-9099")]
    Form,
}

impl Ports {
    /// Takes ports from this range, both ends included; the lower one first.
    pub fn between(first: u16, last: u16) -> Ports {
        Ports(Some(Arc::new(Range {
            first,
            last,
            free: Mutex::new((first..=last).collect()),
        })))
    }

    /// Binds a listener at an address: its port 0 is one to choose. Of a range each port that no appliance of this process
    /// has is tried once: another process may have it.
    ///
    /// # Errors
    /// The system's; where no port of the range is free, that of the last one tried.
    pub(super) fn bind(&self, address: SocketAddr) -> io::Result<(TcpListener, Option<PortLease>)> {
        let Some(range) = self.0.as_ref().filter(|_| address.port() == 0) else {
            return Ok((bind(address)?, None));
        };
        let mut error = io::Error::from(io::ErrorKind::AddrInUse);
        let count = lock(&range.free).len();
        for _ in 0..count {
            let Some(port) = lock(&range.free).pop_front() else {
                break;
            };
            let range = Arc::clone(range);
            let lease = PortLease { range, port };
            match bind(SocketAddr::new(address.ip(), port)) {
                Ok(listener) => return Ok((listener, Some(lease))),
                Err(failed) if failed.kind() == io::ErrorKind::AddrInUse => error = failed,
                Err(failed) => return Err(failed),
            }
        }
        Err(error)
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        lock(&self.range.free).push_back(self.port);
    }
}

impl FromStr for Ports {
    type Err = InvalidPorts;

    fn from_str(text: &str) -> Result<Ports, InvalidPorts> {
        let (first, last) = text.split_once('-').ok_or(InvalidPorts::Form)?;
        let port = |text: &str| text.trim().parse::<u16>().map_err(|_| InvalidPorts::Form);
        match (port(first)?, port(last)?) {
            (first, last) if first > last => Err(InvalidPorts::Reversed(first, last)),
            (0, _) => Err(InvalidPorts::Form),
            (first, last) => Ok(Ports::between(first, last)),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => out.write_str("any free port"),
            Some(range) => write!(out, "{}-{}", range.first, range.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use rstest::rstest;

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    /// Three neighbouring ports that were free just now.
    fn three() -> (u16, u16) {
        for _ in 0..100 {
            let first = bind(ANY).unwrap().local_addr().unwrap().port();
            let all =
                (first..=first.saturating_add(2)).map(|port| bind(SocketAddr::new(ANY.ip(), port)));
            if first < 65_000 && all.collect::<Result<Vec<_>, _>>().is_ok() {
                return (first, first + 2);
            }
        }
        panic!("no three ports are free")
    }

    #[tokio::test]
    async fn a_range_gives_each_port_once_and_takes_it_back() {
        let (first, last) = three();
        let ports = Ports::between(first, last);
        let bound: Vec<_> = (0..3).map(|_| ports.bind(ANY).unwrap()).collect();
        let numbers: Vec<u16> = bound
            .iter()
            .map(|(listener, _)| listener.local_addr().unwrap().port())
            .collect();
        assert_eq!(numbers, [first, first + 1, last]);
        assert_eq!(
            ports.bind(ANY).unwrap_err().kind(),
            io::ErrorKind::AddrInUse
        );
        drop(bound);
        assert!(ports.bind(ANY).is_ok());
    }

    #[tokio::test]
    async fn a_port_of_another_process_is_skipped_and_tried_again_later() {
        let (first, _) = three();
        let ports = Ports::between(first, first + 1);
        let other = bind(SocketAddr::new(ANY.ip(), first)).unwrap();
        let (listener, _lease) = ports.bind(ANY).unwrap();
        assert_eq!(listener.local_addr().unwrap().port(), first + 1);
        assert!(ports.bind(ANY).is_err());
        drop(other);
        assert_eq!(
            ports.bind(ANY).unwrap().0.local_addr().unwrap().port(),
            first
        );
    }

    #[rstest]
    #[case::turned("9099-9000", "expected the lower port first; did you mean 9000-9099?")]
    #[case::one("9000", "expected two ports from 1 to 65535, 9000-9099")]
    #[case::zero("0-10", "expected two ports from 1 to 65535, 9000-9099")]
    #[case::too_high("1-65536", "expected two ports from 1 to 65535, 9000-9099")]
    fn an_invalid_range_is_refused(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(text.parse::<Ports>().unwrap_err().to_string(), expected);
    }
}

//! Where appliances listen that name no port: on any free one, or on those of a range.

use std::{
    collections::VecDeque,
    fmt, io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::net::TcpListener;

use crate::{journal::lock, server::bind};

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

/// A port of a range, given back when dropped. Of any free port there is nothing to give back.
#[derive(Debug)]
pub(super) struct PortLease(Option<(Arc<Range>, u16)>);

impl Ports {
    /// Takes ports from this range, both ends included; the lower one first.
    pub fn between(first: u16, last: u16) -> Ports {
        Ports(Some(Arc::new(Range {
            first,
            last,
            free: Mutex::new((first..=last).collect()),
        })))
    }

    /// Binds a listener at an address: its port 0 is one to choose.
    ///
    /// # Errors
    /// The system's; where no port of the range is free, that of the last one tried.
    pub(super) fn bind(&self, address: SocketAddr) -> io::Result<(TcpListener, PortLease)> {
        match &self.0 {
            Some(range) if address.port() == 0 => range.bind(address.ip()),
            _ => Ok((bind(address)?, PortLease(None))),
        }
    }
}

impl Range {
    /// Tries each port that no appliance of this process has, once: another process may have it.
    fn bind(self: &Arc<Range>, ip: IpAddr) -> io::Result<(TcpListener, PortLease)> {
        let count = self.free().len();
        let mut error = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..count {
            let Some(port) = self.free().pop_front() else {
                break;
            };
            let lease = PortLease(Some((Arc::clone(self), port)));
            match bind(SocketAddr::new(ip, port)) {
                Ok(listener) => return Ok((listener, lease)),
                Err(failed) if failed.kind() == io::ErrorKind::AddrInUse => error = failed,
                Err(failed) => return Err(failed),
            }
        }
        Err(error)
    }

    fn free(&self) -> MutexGuard<'_, VecDeque<u16>> {
        lock(&self.free)
    }
}

impl Drop for PortLease {
    fn drop(&mut self) {
        if let Some((range, port)) = self.0.take() {
            range.free().push_back(port);
        }
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Ports, String> {
        let ends = text.split_once('-').and_then(|(first, last)| {
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        });
        match ends {
            Some((first, last)) if 0 < first && first <= last => Ok(Ports::between(first, last)),
            Some((first, last)) if first > last => Err(format!(
                "expected the lower port first; did you mean {last}-{first}?"
            )),
            _ => Err("expected two ports from 1 to 65535, 9000-9099".to_owned()),
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
    use std::net::Ipv4Addr;

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
        assert_eq!(text.parse::<Ports>().unwrap_err(), expected);
    }
}

//! One appliance of a fleet: its name, its port, the double behind it, until it is stopped.

use std::{
    collections::BTreeSet,
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use crate::{contract::Kind, fixture::Fixture, fleet::Mooring, host::Host, served::Served};

/// One appliance of a fleet.
#[derive(Debug)]
pub struct Member {
    number: u64,
    described: Mutex<Described>,
    host: Arc<Host>,
    scheme: &'static str,
    address: SocketAddr,
    /// None once it is stopped.
    running: Mutex<Option<(Served, Mooring)>>,
    stopped: AtomicBool,
    stops: Notify,
}

/// What a fixture says of it; all else it says is in the host.
#[derive(Debug)]
struct Described {
    name: Arc<str>,
    kind: Kind,
    seed: u64,
    /// The failure modes that fired before the fixture was changed.
    fired: BTreeSet<String>,
}

impl Member {
    pub(super) fn new(
        number: u64,
        fixture: &Fixture,
        seed: u64,
        double: Served,
        mooring: Mooring,
    ) -> Member {
        let described = Described {
            name: fixture.name.as_str().into(),
            kind: fixture.kind,
            seed,
            fired: BTreeSet::new(),
        };
        Member {
            number,
            described: Mutex::new(described),
            host: Arc::clone(double.host()),
            scheme: double.scheme(),
            address: double.address(),
            running: Mutex::new(Some((double, mooring))),
            stopped: AtomicBool::new(false),
            stops: Notify::new(),
        }
    }

    /// Returns its name.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&lock(&self.described).name)
    }

    /// Returns what it is.
    pub fn kind(&self) -> Kind {
        lock(&self.described).kind
    }

    /// Returns the seed of everything random about it.
    pub fn seed(&self) -> u64 {
        lock(&self.described).seed
    }

    /// Returns the appliance itself.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a URL that a client on this machine can use, `https://127.0.0.1:41234`: no address at all means this machine.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, reachable(self.address))
    }

    /// Completes when it is stopped.
    pub async fn stopped(&self) {
        let stops = self.stops.notified();
        // Whoever stops it says so before it notifies.
        if !self.stopped.load(Ordering::Acquire) {
            stops.await;
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn become_another(&self, fixture: &Fixture, seed: u64) {
        let fired = self
            .host
            .counters()
            .into_iter()
            .filter(|counter| counter.fired > 0)
            .map(|counter| counter.mode);
        let mut described = lock(&self.described);
        described.fired.extend(fired);
        (described.name, described.kind, described.seed) =
            (fixture.name.as_str().into(), fixture.kind, seed);
        self.host.state_in(fixture, seed);
    }

    /// Stops it at once; what is returned completes when its port is closed and its connections are gone, and then gives the port
    /// back. None where it was stopped before.
    pub(super) fn stop(&self) -> Option<impl Future<Output = ()> + Send + use<>> {
        let (double, mooring) = lock(&self.running).take()?;
        self.stopped.store(true, Ordering::Release);
        self.stops.notify_waiters();
        let ended = double.end();
        Some(async move {
            ended.await;
            drop(mooring);
        })
    }

    /// Says how many requests hit no operation, if any did.
    pub(super) fn unmatched(&self) -> Option<String> {
        let unmatched = self.host.unmatched();
        (unmatched.count > 0).then(|| format!("{}: {unmatched}", self.name()))
    }

    /// Says which armed modes never fired.
    pub(super) fn idle(&self) -> Vec<String> {
        let described = lock(&self.described);
        let idle = self.host.counters().into_iter().filter(|counter| {
            counter.armed && counter.fired == 0 && !described.fired.contains(&counter.mode)
        });
        let told = |mode: &str, seen: u64| {
            format!(
                "{}: the armed failure mode {mode} never fired, of {seen} it could have",
                described.name
            )
        };
        idle.map(|counter| told(&counter.mode, counter.seen))
            .collect()
    }
}

/// Returns an address that a client on this machine can use: no address at all means this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

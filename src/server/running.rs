//! A mock appliance on a port: it answers from its start until it is stopped or dropped.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    journal::lock,
    server::{
        self, Limits, MockAppliance, bind,
        ports::{BoundPort, PortGuard},
        tls::Identity,
    },
};

/// A mock appliance that answers on a port of its own. Dropping it closes the port soon after.
#[derive(Debug)]
pub struct RunningAppliance {
    appliance: Arc<MockAppliance>,
    address: SocketAddr,
    identity: Option<Identity>,
    /// The host in its URL, in place of the address.
    pub(super) host: Option<String>,
    /// Its place among the appliances of a registry.
    pub(super) number: u64,
    /// None once it is stopped.
    task: Mutex<Option<(JoinHandle<()>, PortGuard)>>,
    stopped: watch::Sender<bool>,
}

impl RunningAppliance {
    /// Serves an appliance on any free port of 127.0.0.1, over TLS with `identity`, or over HTTP.
    ///
    /// # Errors
    /// The system's, where no port is free.
    pub fn open(
        appliance: MockAppliance,
        identity: Option<&Identity>,
    ) -> io::Result<RunningAppliance> {
        let listener = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        RunningAppliance::serve(listener, appliance, identity, Limits::default())
    }

    /// Serves an appliance on a listener. Must be called inside a runtime.
    ///
    /// # Errors
    /// The system's, where the listener has no address.
    pub fn serve(
        listener: TcpListener,
        appliance: MockAppliance,
        identity: Option<&Identity>,
        limits: impl Into<Arc<Limits>>,
    ) -> io::Result<RunningAppliance> {
        let port = BoundPort::new(listener, (None, None))?;
        let limits = limits.into();
        Ok(RunningAppliance::serve_port(
            port, appliance, identity, limits,
        ))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an appliance is one task of the runtime it was started in"
    )]
    pub(super) fn serve_port(
        port: BoundPort,
        appliance: MockAppliance,
        identity: Option<&Identity>,
        limits: Arc<Limits>,
    ) -> RunningAppliance {
        let (appliance, identity) = (Arc::new(appliance), identity.cloned());
        let stopped = watch::Sender::new(false);
        let mut stopping = stopped.subscribe();
        // A dropped sender means the same.
        let shutdown = async move { drop(stopping.wait_for(|stopped| *stopped).await) };
        let service = Arc::clone(&appliance);
        let server = server::run(port.listener, identity.clone(), service, limits, shutdown);
        RunningAppliance {
            appliance,
            address: port.address,
            identity,
            host: None,
            number: 0,
            task: Mutex::new(Some((tokio::spawn(server), port.guard))),
            stopped,
        }
    }

    /// Returns a URL that a client on this machine can use, `https://127.0.0.1:41234`, and below which the operations are.
    pub fn url(&self) -> String {
        self.url_for(None)
    }

    /// Returns a URL for a client that knows this machine by a name or address: that stands in it where the appliance listens on
    /// all addresses, and none is advertised.
    pub fn url_for(&self, asked: Option<&str>) -> String {
        let asked = asked.filter(|_| self.address.ip().is_unspecified());
        let host = self.host.as_deref().or(asked);
        let scheme = match self.identity {
            Some(_) => "https",
            None => "http",
        };
        url(scheme, host, self.address) + &self.appliance.path_prefix()
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the certificate of the CA to trust; none over plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.identity.as_ref()?.ca_pem()
    }

    /// Returns the appliance behind the port.
    pub fn appliance(&self) -> &Arc<MockAppliance> {
        &self.appliance
    }

    /// Stops it at once. What is returned completes when its connections are gone and its port is
    /// free; false where it was stopped before.
    pub fn stop(&self) -> impl Future<Output = bool> + Send + use<> {
        let task = lock(&self.task).take();
        self.stopped.send_replace(true);
        async move {
            let Some((server, guard)) = task else {
                return false;
            };
            let ended = server.await;
            // A runtime that shuts down cancels the server, which is an end as well.
            let has_panicked = ended.is_err_and(|error| error.is_panic());
            debug_assert!(!has_panicked, "the server never panics");
            drop(guard);
            true
        }
    }

    /// Completes when it is stopped.
    pub async fn stopped(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }
}

/// Returns a URL that a client can use, by a host's name if there is one.
pub fn url(scheme: &str, host: Option<&str>, address: SocketAddr) -> String {
    match host {
        Some(host) => format!("{scheme}://{}:{}", bracketed(host), address.port()),
        None => format!("{scheme}://{}", reachable(address)),
    }
}

/// Returns a host as it stands in a URL: an IPv6 address is in brackets.
pub fn bracketed(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(ip) => format!("[{ip}]"),
        Err(_) => host.to_owned(),
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

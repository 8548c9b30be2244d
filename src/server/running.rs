//! A mock appliance on a port: it answers from its start until it is stopped or dropped.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{
    appliance::Appliance,
    failure::Schedule,
    journal::lock,
    server::{
        self, Limits, MockAppliance, bind,
        registry::{BoundPort, PortGuard},
        tls::Identity,
    },
};

/// A mock appliance that answers on a port of its own. Dropping it closes the port soon after.
#[derive(Debug)]
pub struct RunningAppliance {
    appliance: Arc<MockAppliance>,
    address: SocketAddr,
    identity: Option<Identity>,
    /// Its place among the appliances of a registry.
    pub(super) number: u64,
    /// None once it is stopped.
    task: Mutex<Option<ServerTask>>,
    stopped: watch::Sender<bool>,
}

#[derive(Debug)]
struct ServerTask {
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    guard: Option<PortGuard>,
}

impl RunningAppliance {
    /// Starts an appliance on any free port of 127.0.0.1, over TLS with `identity`, or over HTTP.
    ///
    /// # Errors
    /// The system's, where no port is free.
    pub fn start(
        appliance: Appliance,
        identity: Option<&Identity>,
    ) -> io::Result<RunningAppliance> {
        RunningAppliance::open(MockAppliance::new(appliance, Schedule::default()), identity)
    }

    /// Serves an appliance on any free port of 127.0.0.1, as [`RunningAppliance::start`] does.
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
        let port = BoundPort::new(listener, None)?;
        Ok(RunningAppliance::serve_port(
            port,
            appliance,
            identity,
            limits.into(),
            0,
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
        number: u64,
    ) -> RunningAppliance {
        let appliance = Arc::new(appliance);
        let service = Arc::clone(&appliance);
        let (stop, stopped) = oneshot::channel::<()>();
        let own = identity.cloned();
        let server = tokio::spawn(async move {
            // A dropped sender means the same.
            let shutdown = async { drop(stopped.await) };
            server::run(port.listener, own, service, limits, shutdown).await;
        });
        RunningAppliance {
            appliance,
            address: port.address,
            identity: identity.cloned(),
            number,
            task: Mutex::new(Some(ServerTask {
                stop,
                server,
                guard: port.guard,
            })),
            stopped: watch::Sender::new(false),
        }
    }

    /// Returns a URL that a client on this machine can use, `https://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), reachable(self.address))
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `https`, or `http` without TLS.
    pub fn scheme(&self) -> &'static str {
        if self.identity.is_some() {
            "https"
        } else {
            "http"
        }
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
        let mut task = lock(&self.task);
        let task = task.take().map(
            |ServerTask {
                 stop,
                 server,
                 guard,
             }| {
                drop(stop);
                self.stopped.send_replace(true);
                (server, guard)
            },
        );
        async move {
            let Some((server, guard)) = task else {
                return false;
            };
            let ended = server.await;
            // A runtime that shuts down cancels the server, which is an end as well.
            debug_assert!(
                ended.err().is_none_or(|error| !error.is_panic()),
                "the server never panics"
            );
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

/// Returns an address that a client on this machine can use: no address at all means this machine.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

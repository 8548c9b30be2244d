//! A started double: an appliance that answers on a port of its own until it is dropped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::appliance::Appliance;
use crate::host::Host;
use crate::server;
use crate::server::Limits;
use crate::server::tls::Identity;

/// An appliance that answers on a port of its own. Dropping it closes the port.
#[derive(Debug)]
pub struct Double {
    host: Arc<Host>,
    address: SocketAddr,
    ca_pem: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Double {
    /// Starts an appliance on any free port of 127.0.0.1, over TLS with `identity`, or over plain HTTP without.
    ///
    /// # Errors
    /// The system's, where no port can be had.
    pub fn start(appliance: Appliance, identity: Option<&Identity>) -> io::Result<Double> {
        Double::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), appliance, identity, Limits::default())
    }

    /// Starts an appliance at an address.
    ///
    /// # Errors
    /// The system's, where the address cannot be bound.
    #[expect(clippy::disallowed_methods, reason = "a double is one task of the runtime it was started in")]
    pub fn start_at(address: SocketAddr, appliance: Appliance, identity: Option<&Identity>, limits: Limits) -> io::Result<Double> {
        let listener = server::bind(address)?;
        let address = listener.local_addr()?;
        let host = Arc::new(Host::new(appliance));
        let (stop, stopped) = oneshot::channel::<()>();
        let tls = identity.map(Identity::config);
        let service = Arc::clone(&host);
        let served = tokio::spawn(async move {
            // A sender that is dropped without a word means the same: the double is gone.
            server::run(listener, tls, service, limits, async { drop(stopped.await) }).await;
        });
        let ca_pem = identity.and_then(Identity::ca_pem).map(str::to_owned);
        Ok(Double { host, address, ca_pem, stop: Some(stop), served })
    }

    /// Returns the address a client on this machine can use, `https://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the certificate of the CA to trust; none over plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns the appliance behind the port.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Stops answering; returns when the connections are gone.
    pub async fn stop(mut self) {
        self.stop.take();
        let ended = (&mut self.served).await;
        debug_assert!(ended.is_ok(), "the server never panics");
    }
}

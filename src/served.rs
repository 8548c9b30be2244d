//! A host on a port: it answers from when it is started until it is dropped or ended.

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    appliance::Appliance,
    failure::Schedule,
    host::Host,
    server,
    server::{Limits, tls::Identity},
};

/// A host that answers on a port of its own. Dropping it closes the port, as soon as the runtime comes round to it.
#[derive(Debug)]
pub struct Served {
    host: Arc<Host>,
    address: SocketAddr,
    tls: bool,
    ca_pem: Option<Arc<str>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Served {
    /// Starts an appliance on any free port of 127.0.0.1, over TLS with `identity`, or over plain HTTP without.
    ///
    /// # Errors
    /// The system's, where no port can be had.
    pub fn start(appliance: Appliance, identity: Option<&Identity>) -> io::Result<Served> {
        Served::open(Host::new(appliance, Schedule::default()), identity)
    }

    /// Starts a host on any free port of 127.0.0.1, as [`Served::start`] does.
    ///
    /// # Errors
    /// The system's, where no port can be had.
    pub fn open(host: Host, identity: Option<&Identity>) -> io::Result<Served> {
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Served::serve(listener, host, identity, Limits::default())
    }

    /// Serves a host on a listener the caller brings. Must be called inside a runtime. Limits that many share are best given in an `Arc`.
    ///
    /// # Errors
    /// The system's, where the listener has no address.
    #[expect(
        clippy::disallowed_methods,
        reason = "a double is one task of the runtime it was started in"
    )]
    pub fn serve(
        listener: TcpListener,
        host: Host,
        identity: Option<&Identity>,
        limits: impl Into<Arc<Limits>>,
    ) -> io::Result<Served> {
        let (address, limits) = (listener.local_addr()?, limits.into());
        let host = Arc::new(host);
        let (stop, stopped) = oneshot::channel::<()>();
        let speaks = identity.cloned();
        let service = Arc::clone(&host);
        let served = tokio::spawn(async move {
            // A sender that is dropped without a word means the same: the double is gone.
            server::run(listener, speaks, service, limits, async {
                drop(stopped.await)
            })
            .await;
        });
        let ca_pem = identity.and_then(Identity::shared_ca_pem);
        Ok(Served {
            host,
            address,
            tls: identity.is_some(),
            ca_pem,
            stop,
            served,
        })
    }

    /// Returns its URL, `https://127.0.0.1:41234`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    /// Returns the address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `https`, or `http` where it speaks no TLS.
    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Returns the certificate of the CA to trust; none over plain HTTP.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Returns the appliance behind the port.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Stops answering at once; what is returned completes when the connections are gone.
    pub fn end(self) -> impl Future<Output = ()> {
        drop(self.stop);
        async move {
            let ended = self.served.await;
            // A runtime that is shut down meanwhile cancels the server, which is an end as well.
            debug_assert!(
                ended.err().is_none_or(|error| !error.is_panic()),
                "the server never panics"
            );
        }
    }
}

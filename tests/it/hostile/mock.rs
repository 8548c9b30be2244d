//! A served sensor, and the two clients of good manners that must be answered whatever anybody else does.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use d4iot_double::{
    fixture, server,
    server::{Limits, Log, MockAppliance, RunningAppliance, tls::Identity},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::hostile::client::{Client, soon};

pub(crate) struct Mock {
    pub(crate) double: RunningAppliance,
    connector: Option<TlsConnector>,
    neighbour: Client,
    reported: Arc<Mutex<Vec<String>>>,
}

impl Mock {
    /// Starts a sensor whose answer to JSON that is no object differs from that to what is no JSON.
    pub(crate) async fn start(tls: bool, limits: Limits) -> Mock {
        let reported: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&reported);
        let limits = Limits {
            log: Log::to(move |line| sink.lock().unwrap().push(line.to_owned())),
            ..limits
        };
        let fixture = fixture::read("hostile.yaml", FIXTURE).unwrap();
        let identity = tls.then(|| Identity::generate(&[]).unwrap());
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let host = MockAppliance::new(fixture.appliance(), fixture.schedule(0));
        let double = RunningAppliance::serve(listener, host, identity.as_ref(), limits).unwrap();
        let connector = double.ca_pem().map(connector);
        let neighbour = open(double.address(), connector.as_ref()).await;
        Mock {
            double,
            connector,
            neighbour,
            reported,
        }
    }

    pub(crate) async fn open(&self) -> Client {
        open(self.double.address(), self.connector.as_ref()).await
    }

    /// Connects beneath TLS.
    pub(crate) async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.double.address()))
            .await
            .unwrap()
    }

    pub(crate) fn connector(&self) -> Option<&TlsConnector> {
        self.connector.as_ref()
    }

    /// Whether both clients of good manners are answered, and nothing has panicked.
    pub(crate) async fn is_well(&mut self) -> Result<(), String> {
        self.answers_its_neighbour().await?;
        if !self.open().await.signs_in().await {
            return Err("a new client was not answered".into());
        }
        self.has_no_panic()
    }

    /// The same of the neighbour alone, which costs no handshake.
    pub(crate) async fn answers_its_neighbour(&mut self) -> Result<(), String> {
        if !self.neighbour.signs_in().await {
            self.neighbour = self.open().await;
            return Err("the neighbour was not answered".into());
        }
        self.has_no_panic()
    }

    fn has_no_panic(&self) -> Result<(), String> {
        match self
            .reported
            .lock()
            .unwrap()
            .iter()
            .find(|line| line.contains("panicked"))
        {
            Some(line) => Err(line.clone()),
            None => Ok(()),
        }
    }

    /// What the server has told since the last call.
    pub(crate) fn reported(&self) -> Vec<String> {
        std::mem::take(&mut self.reported.lock().unwrap())
    }

    /// Whether a request for this path has ever been taken as one.
    pub(crate) fn took(&self, path: &str) -> bool {
        self.double
            .appliance()
            .unmatched()
            .first
            .iter()
            .any(|line| line.contains(path))
    }
}

async fn open(address: SocketAddr, connector: Option<&TlsConnector>) -> Client {
    let stream = soon(TcpStream::connect(address)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    match connector {
        None => Client::new(stream),
        Some(connector) => Client::new(soon(connector.connect(localhost(), stream)).await.unwrap()),
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn connector(ca: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    TlsConnector::from(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

const FIXTURE: &str = "appliance: sensor\nreadings: { any.on_not_an_object: missing }\n";

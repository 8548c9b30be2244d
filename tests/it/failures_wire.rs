//! Failure modes as clients see them: by the bytes, the FIN, the RST and the alerts that arrive at a raw socket.

mod answers;
mod leaving;
mod port;
mod state;
mod time;
mod tls;
mod wire;

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use d4iot_double::{
    contract::{Kind, Operation, Outcome},
    failure::{
        Certificate, CloseKind, Corruption, CutPoint, Delay, During, FailureAction, FailureMode,
        Handshake, Pace, ResponseOverride, Schedule, Stale, TlsFailure, TlsVersion, When,
    },
    fixture, server,
    server::{Connections, Limits, MockAppliance, RunningAppliance, tls::Identity},
};
use rstest::rstest;
use rustls::{
    CertificateError,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use wire::*;

// — the bench —

struct Bench {
    double: RunningAppliance,
    identity: Option<Identity>,
}

impl Bench {
    fn start(tls: bool, modes: Vec<FailureMode>) -> Bench {
        Bench::with(tls, modes, Limits::default())
    }

    fn with(tls: bool, modes: Vec<FailureMode>, limits: Limits) -> Bench {
        let identity = tls.then(|| Identity::generate(&[]).unwrap());
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let host = MockAppliance::new(
            fixture::built_in(Kind::Sensor).appliance(),
            Schedule::new(modes, 7),
        );
        Bench {
            double: RunningAppliance::serve(listener, host, identity.as_ref(), limits).unwrap(),
            identity,
        }
    }

    fn address(&self) -> SocketAddr {
        self.double.address()
    }

    fn clock(&self) -> &d4iot_double::clock::Clock {
        self.double.appliance().clock()
    }

    fn url(&self, operation: &str) -> String {
        format!(
            "https://localhost:{}/api/external/authentication/{operation}",
            self.address().port()
        )
    }

    fn reqwest(&self) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(
            self.identity.as_ref().unwrap().ca_pem().unwrap().as_bytes(),
        )
        .unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .tls_certs_only([ca])
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()
            .unwrap()
    }

    async fn end(self) -> Duration {
        let began = Instant::now();
        soon(self.double.stop()).await;
        began.elapsed()
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address())).await.unwrap()
    }

    async fn open(&self) -> Box<dyn Stream> {
        match &self.identity {
            Some(_) => Box::new(
                self.handshake(self.client_config(rustls::ALL_VERSIONS))
                    .await
                    .unwrap(),
            ),
            None => Box::new(self.connect().await),
        }
    }

    /// Connects once the port is open again.
    async fn reopened(&self) -> Box<dyn Stream> {
        soon(async {
            while let Err(error) = TcpStream::connect(self.address()).await {
                assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
                tokio::task::yield_now().await;
            }
        })
        .await;
        self.open().await
    }

    async fn handshake(
        &self,
        config: Arc<rustls::ClientConfig>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(config).connect(name, self.connect().await)).await
    }

    fn client_config(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        let ca = self.identity.as_ref().unwrap().ca_pem().unwrap();
        roots
            .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
            .unwrap();
        let builder = rustls::ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ));
        Arc::new(
            builder
                .with_protocol_versions(versions)
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth(),
        )
    }

    /// Asks for a validation that is right and returns the answer.
    async fn valid(&self, stream: &mut (impl Stream + ?Sized)) -> (u16, &'static str) {
        stream
            .write_all(&validation("admin", "Test0987"))
            .await
            .unwrap();
        let (status, body) = read_answer(stream).await;
        (
            status,
            if body == AUTHENTICATED.1 {
                AUTHENTICATED.1
            } else {
                "something else"
            },
        )
    }

    /// Returns the median time of an answer.
    async fn median(&self, stream: &mut (impl Stream + ?Sized)) -> Duration {
        let mut times = Vec::new();
        for _ in 0..301 {
            let began = Instant::now();
            assert_eq!(self.valid(stream).await, AUTHENTICATED);
            times.push(began.elapsed());
        }
        times.sort_unstable();
        times[150]
    }

    /// Waits until modes have fired so often.
    async fn fired(&self, count: u64) {
        let all = || {
            self.double
                .appliance()
                .counters()
                .iter()
                .map(|counter| counter.fired)
                .sum::<u64>()
        };
        soon(async {
            while all() < count {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

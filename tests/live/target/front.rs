//! What stands before a mock: TLS as a test wants it, a proxy, or somebody who speaks no TLS.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use d4iot_double::{
    contract::Kind,
    failure::Schedule,
    fixture,
    server::{MockAppliance, RunningAppliance, tls::Identity},
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;

/// A double over HTTPS with a failure mode, and its CA.
pub(crate) struct Https {
    pub(crate) url: String,
    pub(crate) ca: String,
    _double: RunningAppliance,
    _runtime: Runtime,
}

impl Https {
    /// `mode` is what stands under `do`; nothing for one that behaves.
    pub(crate) fn with(mode: &str) -> Https {
        let runtime = runtime();
        let failures = if mode.is_empty() {
            String::new()
        } else {
            format!("failures: [{{ name: at_fault, do: {{ {mode} }} }}]\n")
        };
        let text = format!("{}{failures}", crate::target::stage::FIXTURE);
        let fixture = fixture::read("test.yaml", &text).unwrap();
        assert_eq!(fixture.kind, Kind::Sensor);
        let identity = Identity::generate(&["sensor.lab".to_owned()]).unwrap();
        let ca = identity.ca_pem().unwrap().to_owned();
        let schedule = if mode.is_empty() {
            Schedule::default()
        } else {
            fixture.schedule(1)
        };
        let _guard = runtime.enter();
        let double = RunningAppliance::open(
            MockAppliance::new(fixture.appliance(), schedule),
            Some(&identity),
        )
        .unwrap();
        drop(_guard);
        Https {
            url: double.url(),
            ca,
            _double: double,
            _runtime: runtime,
        }
    }
}

/// A CA of the test's own, and what it issues.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a name, and its key; both PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (
            params.signed_by(&key, &self.0).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    /// What a server needs that shows a certificate of this CA, with cipher suites that a test chooses, and wants a client's certificate or none.
    pub(crate) fn server(&self, provider: CryptoProvider, wants_certificate: bool) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let chain = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        let provider = Arc::new(provider);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let builder = if wants_certificate {
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .unwrap(),
            )
        } else {
            builder.with_no_client_auth()
        };
        builder
            .with_single_cert(
                vec![chain.into()],
                PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap()
    }
}

/// Somebody on a port of this machine, until it is dropped.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
    /// What came first on each connection.
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

impl Front {
    /// TLS before a server that speaks none.
    pub(crate) fn tls(config: ServerConfig, behind: &str) -> Front {
        let (acceptor, behind) = (
            TlsAcceptor::from(Arc::new(config)),
            behind.trim_start_matches("http://").to_owned(),
        );
        Front::serve(move |stream, _| {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut onward = TcpStream::connect(behind).await.unwrap();
                drop(copy_bidirectional(&mut stream, &mut onward).await);
            }
        })
    }

    /// A proxy that leads to one place, whatever it is asked for, and wants these credentials as they go over the wire, or none.
    pub(crate) fn proxy(behind: &str, wants: Option<&str>) -> Front {
        let behind = behind.split_once("://").unwrap().1.to_owned();
        let wants =
            wants.map(|wants| format!("Proxy-Authorization: Basic {wants}\r\n").to_lowercase());
        Front::serve(move |mut stream, heard| {
            let (behind, wants) = (behind.clone(), wants.clone());
            async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else {
                        return;
                    };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                heard.lock().unwrap().push(head.clone());
                if wants.is_some_and(|wants| !head.to_lowercase().contains(&wants)) {
                    let answer = format!(
                        "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: {}\r\n\r\n{head}",
                        head.len()
                    );
                    drop(stream.write_all(answer.as_bytes()).await);
                    return;
                }
                let mut onward = TcpStream::connect(behind).await.unwrap();
                if head.starts_with("CONNECT ") {
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                } else {
                    onward.write_all(head.as_bytes()).await.unwrap();
                }
                drop(copy_bidirectional(&mut stream, &mut onward).await);
            }
        })
    }

    /// Somebody who answers a client's first words with these bytes and leaves.
    pub(crate) fn answering(bytes: &'static [u8]) -> Front {
        Front::serve(move |mut stream, _| async move {
            let mut hello = vec![0; 16 * 1024];
            drop(stream.read(&mut hello).await);
            drop(stream.write_all(bytes).await);
            drop(stream.shutdown().await);
            // What is unread would become a reset.
            while stream.read(&mut hello).await.is_ok_and(|read| read > 0) {}
        })
    }

    fn serve<F: Future<Output = ()> + Send + 'static>(
        each: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + 'static,
    ) -> Front {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&heard);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(each(stream, Arc::clone(&hears)));
            }
        });
        Front {
            address,
            heard,
            _runtime: runtime,
        }
    }
}

/// ring, with some of its cipher suites.
pub(crate) fn provider(suites: &[rustls::SupportedCipherSuite]) -> CryptoProvider {
    CryptoProvider {
        cipher_suites: suites.to_vec(),
        ..ring::default_provider()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

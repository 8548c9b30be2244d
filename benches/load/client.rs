//! The load: validations, each as soon as the one before it is answered. Both servers get the same bytes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::TlsConnector;

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A server's address, and TLS where it serves HTTPS.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    tls: Option<TlsConnector>,
}

impl Client {
    pub(crate) fn new(address: &str, scheme: &str) -> Client {
        let config = || {
            let provider = Arc::new(default_provider());
            let anyone = Arc::new(AnyServer(Arc::clone(&provider)));
            let mut config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .unwrap()
                .dangerous()
                .with_custom_certificate_verifier(anyone)
                .with_no_client_auth();
            // Every handshake is a full one.
            config.resumption = Resumption::disabled();
            TlsConnector::from(Arc::new(config))
        };
        Client {
            address: address.to_owned(),
            tls: (scheme == "https").then(config),
        }
    }

    /// Sends requests for a second, over connections that are kept or over a new one for each; returns how many were answered.
    pub(crate) async fn load(&self, keeps: bool) -> usize {
        let mut kept = Vec::new();
        for _ in 0..if keeps { KEPT_CONNECTIONS } else { 0 } {
            kept.push(self.connect().await);
        }
        // All are connected before the first sends.
        let end = Instant::now() + Duration::from_secs(1);
        let mut tasks = JoinSet::new();
        for _ in 0..if keeps {
            KEPT_CONNECTIONS
        } else {
            NEW_CONNECTIONS
        } {
            let (client, mut stream) = (self.clone(), kept.pop());
            tasks.spawn(async move {
                let mut count = 0;
                while Instant::now() < end {
                    match &mut stream {
                        Some(stream) => validate(stream).await,
                        None => validate(&mut client.connect().await).await,
                    }
                    count += 1;
                }
                count
            });
        }
        tasks.join_all().await.into_iter().sum()
    }

    pub(crate) async fn connect(&self) -> Box<dyn Stream> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(tls.connect(name, stream).await.unwrap())
            }
        }
    }
}

/// Sends one request and waits for its response, which is small and comes in one piece.
pub(crate) async fn validate(stream: &mut Box<dyn Stream>) {
    stream.write_all(REQUEST.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut response = [0; 1024];
    let length = stream.read(&mut response).await.unwrap();
    let response = String::from_utf8_lossy(&response[..length]);
    assert!(
        response.starts_with("HTTP/1.1 200") && response.ends_with('}'),
        "{response}"
    );
}

/// Trusts any server: the work of the client is not measured.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

const KEPT_CONNECTIONS: usize = 64;
const NEW_CONNECTIONS: usize = 8;
const REQUEST: &str = "POST /api/external/authentication/validation HTTP/1.1\r\n\
    host: localhost\r\ncontent-type: application/json\r\ncontent-length: 43\r\n\r\n\
    {\"username\":\"test\",\"password\":\"Test12345!\"}";

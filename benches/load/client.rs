//! The load: requests as fast as they are answered, requests at a constant rate, and connections made anew for each.
//!
//! One program of our own rather than wrk and oha, so that cargo alone builds all that is needed, users can differ from
//! connection to connection, and both servers meet the same bytes.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
    client::{
        Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

/// Sends requests over connections that are kept, each as soon as the one before it is answered. Returns how many were answered.
///
/// Connection `n` asks address `n`, and as user `n`, of as many as there are; it ends after the time, or after `most` requests of all.
pub(crate) fn closed(
    addresses: &[String],
    tls: bool,
    connections: usize,
    time: Duration,
    most: usize,
    what: What,
) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let config = tls.then(client_config);
        let mut streams = Vec::new();
        for number in 0..connections {
            let stream = tokio::net::TcpStream::connect(&addresses[number % addresses.len()])
                .await
                .unwrap();
            stream.set_nodelay(true).unwrap();
            streams.push(match &config {
                None => Box::new(stream) as Box<dyn Stream>,
                Some(config) => {
                    let name = ServerName::try_from("localhost").unwrap();
                    Box::new(
                        TlsConnector::from(Arc::clone(config))
                            .connect(name, stream)
                            .await
                            .unwrap(),
                    )
                }
            });
        }
        // All are connected before the first asks.
        let end = Instant::now() + time;
        let each = most.div_ceil(connections);
        let mut tasks = tokio::task::JoinSet::new();
        for (number, mut stream) in streams.into_iter().enumerate() {
            let requests = what.requests(number);
            tasks.spawn(async move {
                let (mut count, mut answer) = (0, [0; 1024]);
                while count < each && Instant::now() < end {
                    stream
                        .write_all(&requests[count % requests.len()])
                        .await
                        .unwrap();
                    stream.flush().await.unwrap();
                    let length = stream.read(&mut answer).await.unwrap();
                    expect(&answer[..length]);
                    count += 1;
                }
                count
            });
        }
        tasks.join_all().await.into_iter().sum()
    })
}

/// Sends validations at a constant rate, whether or not earlier ones are answered, and returns the 99th percentile of the time from
/// when each was due to its answer, in microseconds: what waits behind a slow answer counts as waiting (no coordinated omission).
///
/// It spins, for timers are coarser than what is measured; so it wants a processor of its own.
pub(crate) fn paced(address: &str, tls: bool, rate: f64, time: Duration) -> f64 {
    let config = tls.then(client_config);
    let connect = || {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = match &config {
            None => Asking::Plain(stream),
            Some(config) => Asking::Secured(Box::new(secured(stream, config))),
        };
        ask(&mut stream);
        stream.socket().set_nonblocking(true).unwrap();
        stream
    };
    let mut streams: Vec<Asking> = (0..CONNECTIONS).map(|_| connect()).collect();
    let request = &What::Validation.requests(0)[0];
    let (mut free, mut busy): (VecDeque<usize>, Vec<(usize, Instant)>) =
        ((0..streams.len()).collect(), Vec::new());
    let (mut due, mut took) = (VecDeque::new(), Vec::new());
    let start = Instant::now();
    let (mut made, all) = (0, (rate * time.as_secs_f64()) as usize);
    while took.len() < all {
        while made < all && start + Duration::from_secs_f64(made as f64 / rate) <= Instant::now() {
            due.push_back(start + Duration::from_secs_f64(made as f64 / rate));
            made += 1;
        }
        while let (false, Some(stream)) = (due.is_empty(), free.front().copied()) {
            streams[stream].write_all(request).unwrap();
            streams[stream].flush().unwrap();
            free.pop_front();
            busy.push((stream, due.pop_front().unwrap()));
        }
        busy.retain(|&(stream, due)| {
            let mut answer = [0; 1024];
            match streams[stream].read(&mut answer) {
                Ok(length) => expect(&answer[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) => panic!("{error}"),
            }
            took.push(due.elapsed());
            free.push_back(stream);
            false
        });
    }
    took.sort();
    took[took.len() * 99 / 100].as_secs_f64() * 1e6
}

/// Makes new TLS connections, none resumed, one request each, eight at a time; returns how many.
pub(crate) fn connections(address: &str, time: Duration) -> usize {
    let end = Instant::now() + time;
    let config = client_config();
    let one_after_another = || {
        let mut count = 0;
        while Instant::now() < end {
            let mut stream = secured(TcpStream::connect(address).unwrap(), &config);
            ask(&mut stream);
            count += 1;
        }
        count
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one_after_another)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    })
}

/// Connects, asks once, and waits for the answer.
pub(crate) fn once(address: SocketAddr, tls: bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    if tls {
        ask(&mut secured(stream, &client_config()))
    } else {
        ask(&mut stream)
    }
}

/// What is asked.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// A password is set by an administrator, to one of two in turn; over so many users.
    Change(usize),
    Validation,
}

impl What {
    /// Returns the requests that a connection sends in turn.
    fn requests(self, connection: usize) -> Vec<Vec<u8>> {
        match self {
            What::Change(users) => {
                let user = connection % users;
                let body = |new: &str| {
                    format!(
                        r#"{{"admin_username":"admin","admin_password":"Test0987","username":"user{user}","new_password":"{new}"}}"#
                    )
                };
                ["Abcd@12345", "Efgh@67890"]
                    .map(|new| request("set_password_by_admin", &body(new)))
                    .into()
            }
            What::Validation => vec![request(
                "validation",
                r#"{"username":"test","password":"Test12345!"}"#,
            )],
        }
    }
}

fn request(operation: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    );
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Asks once over a stream that is there.
pub(crate) fn ask(stream: &mut (impl Read + Write)) {
    stream.write_all(&What::Validation.requests(0)[0]).unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    expect(&answer[..length]);
}

/// An answer is whole in one piece: it is small, and both servers write it at once.
fn expect(answer: &[u8]) {
    assert!(
        answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"}"),
        "{}",
        String::from_utf8_lossy(answer)
    );
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection of the constant rate.
enum Asking {
    Plain(TcpStream),
    Secured(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Asking {
    fn socket(&self) -> &TcpStream {
        match self {
            Asking::Plain(stream) => stream,
            Asking::Secured(stream) => &stream.sock,
        }
    }
}

impl Read for Asking {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Asking::Plain(stream) => stream.read(bytes),
            Asking::Secured(stream) => stream.read(bytes),
        }
    }
}

impl Write for Asking {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Asking::Plain(stream) => stream.write(bytes),
            Asking::Secured(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Asking::Plain(stream) => stream.flush(),
            Asking::Secured(stream) => stream.flush(),
        }
    }
}

fn secured(
    stream: TcpStream,
    config: &Arc<ClientConfig>,
) -> StreamOwned<ClientConnection, TcpStream> {
    stream.set_nodelay(true).unwrap();
    let client = ClientConnection::new(
        Arc::clone(config),
        ServerName::try_from("localhost").unwrap(),
    )
    .unwrap();
    StreamOwned::new(client, stream)
}

fn client_config() -> Arc<ClientConfig> {
    let provider = Arc::new(default_provider());
    let trust = Arc::new(Anyone(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Trusts anyone: the client's work is not what is measured.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
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

/// Over how many connections a server is loaded.
pub(crate) const CONNECTIONS: usize = 64;

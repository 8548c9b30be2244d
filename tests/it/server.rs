//! The server as its clients see it: real sockets, a service of a few lines, limits of milliseconds.

mod conversation;
mod limits;
mod refusals;
mod shutdown;
mod tls;

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    clock::Clock,
    server,
    server::{
        Client, Connections, Limits, Log, Refusal, ServerAnswer, Service,
        tls::{Identity, IdentityError},
    },
};
use http::{Request, Response, request::Parts};
use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::own_process::is_own_process;

// — the service, the server, the clients —

struct Dummy;

impl Service for Dummy {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        assert!(client.source.is_loopback());
        ServerAnswer::plain(match request.uri().path() {
            "/big" => Response::new(Bytes::from(vec![b'b'; BIG])),
            "/false-length" => Response::builder()
                .header("content-length", "7")
                .body(Bytes::from("true"))
                .unwrap(),
            "/panic" => panic!("as the test asked"),
            path => Response::new(Bytes::from(format!(
                "{} {path} {}",
                request.method(),
                request.body().len()
            ))),
        })
    }

    fn clock(&self) -> &Clock {
        static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::start);
        &CLOCK
    }

    fn refuse(&self, _parts: &Parts, refusal: Refusal, _client: Client) -> ServerAnswer {
        let status = match refusal {
            Refusal::BadRequest => 400,
            Refusal::BodyTooLarge => 413,
            Refusal::HeadTooLarge => 431,
            Refusal::RequestTimeout => 408,
        };
        ServerAnswer::plain(
            Response::builder()
                .status(status)
                .body(Bytes::from(format!("{refusal:?}")))
                .unwrap(),
        )
    }
}

struct Server {
    address: SocketAddr,
    identity: Option<Identity>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Server {
        Server::with(limits, None).await
    }

    async fn begin(limits: Limits, tls: bool) -> Server {
        Server::with(limits, tls.then(|| Identity::generate(&[]).unwrap())).await
    }

    async fn with(limits: Limits, identity: Option<Identity>) -> Server {
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server::run(
            listener,
            identity.clone(),
            Arc::new(Dummy),
            limits,
            async {
                let _ = stopped.await;
            },
        ));
        Server {
            address,
            identity,
            stop,
            running,
        }
    }

    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).unwrap();
        soon(self.running).await.unwrap();
        began.elapsed()
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address)).await.unwrap()
    }
    /// Connects with so little room for what arrives that a big answer must wait for its reader.
    async fn connect_narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(32 * 1024).unwrap();
        soon(socket.connect(self.address)).await.unwrap()
    }

    /// Connects, with TLS where the server has it.
    async fn open(&self) -> Box<dyn Stream> {
        match &self.identity {
            Some(_) => Box::new(self.open_with(Arc::new(self.client_config())).await),
            None => Box::new(self.connect().await),
        }
    }

    async fn open_with(&self, config: Arc<rustls::ClientConfig>) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(config).connect(name, self.connect().await))
            .await
            .unwrap()
    }

    fn client_config(&self) -> rustls::ClientConfig {
        client_config(
            self.identity.as_ref().unwrap().ca_pem().unwrap(),
            rustls::DEFAULT_VERSIONS,
        )
    }

    /// Connects and waits for a first answer, so that the server is known to hold the connection.
    async fn greeted(&self) -> Box<dyn Stream> {
        let mut stream = self.open().await;
        stream
            .write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(
            read_answer(&mut stream).await,
            Answer::new(200, "GET /hello 0")
        );
        stream
    }

    /// Sends all of a request, then reads until the server closes.
    async fn ask(&self, request: &str) -> Answer {
        parse(&self.ask_raw(request).await)
    }

    async fn ask_raw(&self, request: &str) -> Vec<u8> {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn new(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
        }
    }
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

/// Reads one answer whose length is announced, and not a byte more.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(soon(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(bytes.clone()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    soon(stream.read_exact(&mut body)).await.unwrap();
    parse(&[bytes, body].concat())
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    Answer::new(head[9..12].parse().unwrap(), body)
}

fn client_config(
    ca: &str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn log() -> (Log, mpsc::UnboundedReceiver<String>) {
    let (sender, lines) = mpsc::unbounded_channel();
    let log = Log::to(move |line| {
        let _ = sender.send(line.to_owned());
    });
    (log, lines)
}

fn head_of(length: usize) -> String {
    let frame = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\npad: \r\n\r\n".len();
    format!(
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\npad: {}\r\n\r\n",
        "p".repeat(length - frame)
    )
}

fn chunk(length: usize) -> String {
    format!("{length:x}\r\n{}\r\n", "c".repeat(length))
}

/// Fails a test that hangs, rather than the whole run.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it happens soon")
}

const SOON: Duration = Duration::from_secs(5);
const BIG: usize = 8 << 20;

//! The served appliance as a process of its own, and a client of few lines: the load must cost less than what it loads.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring::default_provider,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// `serve`, running until it is dropped.
pub(crate) struct Served {
    child: Child,
    address: SocketAddr,
    tls: Option<TlsConnector>,
    _folder: TempDir,
}

/// The bytes between client and server, whatever lies beneath.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// One connection that is kept alive.
pub(crate) struct Client {
    wire: Box<dyn Wire>,
    read: Vec<u8>,
}

impl Served {
    /// Starts the binary with a fixture; returns once it says that it is ready.
    pub(crate) fn start(fixture: &str, http: bool) -> Served {
        d4iot_double::server::raise_descriptor_limit();
        let folder = tempfile::tempdir().unwrap();
        let (file, ready) = (
            folder.path().join("fixture.yaml"),
            folder.path().join("ready.json"),
        );
        fs::write(&file, fixture).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
        command
            .arg("serve")
            .arg(&file)
            .args(["--listen", "127.0.0.1:0"])
            .arg("--ready-file")
            .arg(&ready);
        let mut child = command
            .args(http.then_some("--http"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: serde_json::Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
        let address = line.trim_end().rsplit('/').next().unwrap().parse().unwrap();
        Served {
            child,
            address,
            tls: ready["ca"].as_str().map(trusting),
            _folder: folder,
        }
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let wire: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(
                tls.connect(ServerName::try_from("localhost").unwrap(), stream)
                    .await
                    .unwrap(),
            ),
        };
        Client {
            wire,
            read: Vec::new(),
        }
    }

    /// Returns the resident memory in KiB, where the system tells.
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?
            .trim()
            .strip_suffix(" kB")?
            .parse()
            .ok()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).unwrap();
    }
}

impl Client {
    /// Posts a body of these fields to an operation; tells whether the answer is a success, and takes no answer but it and 401.
    pub(crate) async fn ask(&mut self, operation: &str, fields: &[(&str, &str)]) -> bool {
        let object: serde_json::Map<_, _> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        let body = serde_json::Value::Object(object).to_string();
        let head = format!(
            "POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        );
        self.send(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
            .await;
        match self.answer().await {
            (200, body) if body.get("msg").is_some() => true,
            (401, body) if body.get("error").is_some() => false,
            other => panic!("{operation}: {other:?}"),
        }
    }

    /// Sends bytes as they are.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).await.unwrap();
        self.wire.flush().await.unwrap();
    }

    async fn answer(&mut self) -> (u16, serde_json::Value) {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await;
        };
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .unwrap()
            .parse()
            .unwrap();
        while self.read.len() < end + length {
            self.more().await;
        }
        let body = serde_json::from_slice(&self.read[end..end + length]).unwrap();
        self.read.drain(..end + length);
        (head[9..12].parse().unwrap(), body)
    }

    async fn more(&mut self) {
        assert!(
            self.wire.read_buf(&mut self.read).await.unwrap() > 0,
            "the server ended the connection"
        );
    }
}

fn trusting(ca_pem: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    TlsConnector::from(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}

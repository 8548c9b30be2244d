//! Every ready-made failure mode at once, each on one call in ten, under load: nothing panics, nothing is left behind.
//!
//! `D4IOT_SOAK_SECONDS` says for how long, 3 when not given.

use std::{
    env, fs, io,
    sync::Arc,
    time::{Duration, Instant},
};

use d4iot_double::fixture;
use rstest::rstest;
use rustix::process::Signal;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::process::{Process, ReadyLine, SOON};

#[rstest]
#[ignore = "the soak tier: .ci/run runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_modes_at_once_leave_nothing_behind(#[values("http", "https")] scheme: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("soak.yaml");
    let count = script(scheme == "https")
        .map(|(text, count)| fs::write(&file, text).map(|()| count))
        .unwrap()
        .unwrap();
    let transport: &[&str] = if scheme == "http" { &["--http"] } else { &[] };
    let (process, ready) = Process::serve(
        1,
        &[&[file.to_str().unwrap(), "-q", "--seed", "7"], transport].concat(),
    );
    let id = process.id();
    let server = Server::new(scheme, &ready[0]);

    let descriptors = count_descriptors(id);
    // Memory that is taken once and kept is taken before it is measured; so is that of the connections that are held at any time.
    load(&server, seconds().div_f64(3.0).min(LONGEST_DELAY)).await;
    let before = resident(id);
    let calls = load(&server, seconds()).await;
    let after = resident(id);
    let left = quiet(id, descriptors).await;
    eprintln!(
        "{scheme}: {count} modes, {calls} connections, {before} KiB, then {after} KiB; {descriptors} descriptors, then {left}"
    );

    assert!(calls > 20, "{calls}");
    assert!(
        left <= descriptors,
        "{left} descriptors, {descriptors} before"
    );
    assert!(
        after <= before + before / 4 + SPARE_KIB,
        "{after} KiB, {before} before"
    );
    assert!(server.answers().await, "it still answers");
    let asked = Instant::now();
    process.signal(Signal::TERM);
    let end = process.end();
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    assert_eq!(end.code, Some(0), "{}", end.err);
    assert!(!end.err.contains("panicked"), "{}", end.err);
}

/// Returns a sensor with every ready-made mode that its transport can have, each at one call in ten; and how many they are.
fn script(https: bool) -> io::Result<(String, usize)> {
    let mut text = "appliance: sensor\nname: soak\nfailures:\n".to_owned();
    let mut count = 0;
    let mut paths: Vec<_> =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/failures"))?
            .map(|entry| entry.unwrap().path())
            .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    paths.sort();
    for path in paths {
        let written = fs::read_to_string(&path)?;
        let (_, mode) = written.split_once("failures:\n").unwrap();
        // Its own conditions give way to chance. Five seconds at every tenth connection would be a soak of a port that is closed.
        let kept = mode
            .lines()
            .filter(|line| !line.starts_with("    when:"))
            .map(|line| line.replace("down: { for: 5s }", "down: { for: 5ms }"));
        let mode = kept.map(|line| line + "\n").collect::<String>() + "    when: { rate: 0.1 }\n";
        let alone = fixture::read(
            "soak.yaml",
            &format!("appliance: sensor\nname: soak\nfailures:\n{mode}"),
        )
        .unwrap();
        if alone.check_transport(https).is_ok() {
            text.push_str(&mode);
            count += 1;
        }
    }
    Ok((text, count))
}

/// Asks from many clients at once for so long; returns how many connections were taken.
async fn load(server: &Server, length: Duration) -> usize {
    let end = Instant::now() + length;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move {
                let mut taken = 0;
                while Instant::now() < end {
                    let Ok(stream) = TcpStream::connect(&server.address).await else {
                        // The port is closed: a client that comes back at once would only count refusals.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        continue;
                    };
                    taken += 1;
                    // However it ends, or where patience does: the next one is a new one.
                    let _ = timeout(PATIENCE, server.converse(stream)).await;
                }
                taken
            })
        })
        .collect();
    let mut taken = 0;
    for client in clients {
        taken += client.await.unwrap();
    }
    taken
}

/// A server, and how to reach it.
#[derive(Clone)]
struct Server {
    address: String,
    tls: Option<TlsConnector>,
}

/// What a connection is made of.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Server {
    fn new(scheme: &str, ready: &ReadyLine) -> Server {
        let address = ready.url.rsplit('/').next().unwrap().to_owned();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any))
            .with_no_client_auth();
        Server {
            address,
            tls: (scheme == "https").then(|| TlsConnector::from(Arc::new(config))),
        }
    }

    async fn greet(&self, stream: TcpStream) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.tls {
            None => Box::new(stream),
            Some(connector) => Box::new(
                connector
                    .connect(ServerName::try_from("localhost").unwrap(), stream)
                    .await?,
            ),
        })
    }

    /// Asks on one connection until it is of no more use.
    async fn converse(&self, stream: TcpStream) -> io::Result<()> {
        let mut stream = self.greet(stream).await?;
        for request in [VALIDATION, CHANGE, BACK, VALIDATION].map(request) {
            stream.write_all(&request).await?;
            let mut buffer = [0; 4096];
            // An answer comes at once, in pieces, or not in time, and is looked at no further: the next request follows.
            if stream.read(&mut buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Asks until an answer is the lawful one, or it has been far too long.
    async fn answers(&self) -> bool {
        let asked = async {
            loop {
                let once = async {
                    let mut stream = self.greet(TcpStream::connect(&self.address).await?).await?;
                    stream.write_all(&request(VALIDATION)).await?;
                    let mut received = vec![0; 4096];
                    let count = stream.read(&mut received).await?;
                    Ok::<_, io::Error>(
                        received[..count].starts_with(b"HTTP/1.1 200")
                            && received[..count].ends_with(b"}"),
                    )
                };
                if let Ok(Ok(true)) = timeout(PATIENCE, once).await {
                    return;
                }
            }
        };
        timeout(SOON, asked).await.is_ok()
    }
}

fn request((operation, body): (&str, &str)) -> Vec<u8> {
    let length = body.len();
    format!("POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into()
}

/// Waits until a process has no more than so many descriptors, or has had time enough for that; returns how many it has.
///
/// A client that ends its sending half may still wait for its answer: one that left is held until its delay is over.
async fn quiet(id: u32, most: usize) -> usize {
    let all = async {
        while count_descriptors(id) > most {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    // Late or not, what counts is what is there then.
    let _ = timeout(LONGEST_DELAY + SOON, all).await;
    count_descriptors(id)
}

fn count_descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
}

/// Returns how much memory a process has, in KiB.
fn resident(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn seconds() -> Duration {
    Duration::from_secs(env::var("D4IOT_SOAK_SECONDS").map_or(3, |text| {
        text.parse().expect("D4IOT_SOAK_SECONDS is a number")
    }))
}

/// Takes any certificate: that many of them are bad is what is served here.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
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
        ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

const VALIDATION: (&str, &str) = (
    "validation",
    r#"{"username":"admin","password":"Test0987"}"#,
);
const CHANGE: (&str, &str) = (
    "set_password",
    r#"{"username":"test","password":"Test12345!","new_password":"Later12345!"}"#,
);
const BACK: (&str, &str) = (
    "set_password",
    r#"{"username":"test","password":"Later12345!","new_password":"Test12345!"}"#,
);

const CLIENTS: usize = 32;

/// How long a client waits for all of one connection.
const PATIENCE: Duration = Duration::from_millis(500);

/// Of the ready-made modes: `slow` says `max: 20s`.
const LONGEST_DELAY: Duration = Duration::from_secs(20);

/// What an allocator may keep for itself.
const SPARE_KIB: u64 = 8 * 1024;

/// For the end after SIGTERM, on a machine that is busy with other tests.
const IN_TIME: Duration = Duration::from_secs(5);

//! What a raw socket sees, over TLS a strict rustls upon it.

use std::{io, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use rustls::{ClientConfig, SupportedProtocolVersion, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::failure_table::{
    bench,
    bench::{Bench, NEW, OLD},
    rows::{About, Row},
    words,
};

pub(crate) async fn seen(row: &Row, bench: &Bench, kept: bool) -> String {
    let mut first = open(bench).await.unwrap();
    // A connection counts from its first byte.
    if kept || row.about == About::Connection {
        assert_eq!(valid(&mut first, bench, OLD).await, 200);
    }
    match row.about {
        About::Connection => connection(row, bench, first, kept).await,
        About::Answer | About::State => {
            let words = ask(&mut first, bench, row.about).await;
            if row.about == About::State {
                format!("{words}; {}", holds(bench).await)
            } else {
                words
            }
        }
    }
}

/// Tells which password holds, asking on other connections.
pub(crate) async fn holds(bench: &Bench) -> String {
    let mut old = 0;
    for _ in 0..MANY {
        old += u32::from(valid(&mut open(bench).await.unwrap(), bench, OLD).await == 200);
    }
    let new = valid(&mut open(bench).await.unwrap(), bench, NEW).await == 200;
    bench.advance(Duration::from_secs(3));
    let later = valid(&mut open(bench).await.unwrap(), bench, OLD).await == 200;
    match (old, new, later) {
        (0, true, false) => "the new password holds".to_owned(),
        (MANY, false, true) => "the old password holds".to_owned(),
        (MANY, true, false) => "both passwords hold, 3 s later the new one".to_owned(),
        (count, true, false) => format!("both passwords hold, the old one for {count} validations"),
        other => format!("{other:?}"),
    }
}

async fn connection(row: &Row, bench: &Bench, mut first: Connection, kept: bool) -> String {
    let down = row.act.starts_with("down");
    if kept {
        tokio::select! { _ = open_read(bench) => {}, () = bench.pause() => {} }
        return if down {
            read(&mut first, bench).await
        } else {
            ask(&mut first, bench, row.about).await
        };
    }
    let mut spent = Duration::ZERO;
    let words = match bench.patiently(&mut spent, open_read(bench)).await {
        None => return "nothing comes".to_owned(),
        Some(Err(error)) => words::error(&error),
        Some(Ok(mut stream)) => {
            let mut words = ask(&mut stream, bench, row.about).await;
            if stream.certificate != first.certificate {
                words += ", another certificate";
            }
            if let (Some(version), true) = (stream.version, row.act.starts_with("tls")) {
                let other = if version == rustls::ProtocolVersion::TLSv1_2 {
                    &rustls::version::TLS13
                } else {
                    &rustls::version::TLS12
                };
                let refused = tls_handshake(
                    bench,
                    bench.tls(&[other as &'static SupportedProtocolVersion]),
                )
                .await
                .err()
                .unwrap();
                words += &format!(
                    " over {version:?}; a client of {:?} only: {}",
                    other.version,
                    words::error(&refused)
                );
            }
            words
        }
    };
    if down {
        assert_eq!(
            TcpStream::connect(bench.address())
                .await
                .unwrap_err()
                .kind(),
            io::ErrorKind::ConnectionRefused
        );
        bench.advance(Duration::from_secs(5));
        let again = async {
            loop {
                match open(bench).await {
                    Ok(mut stream) => return valid(&mut stream, bench, OLD).await,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(
            tokio::time::timeout(Duration::from_secs(10), again)
                .await
                .expect("the port is open again"),
            200
        );
        return format!("{words}; then refused; after 5 s open again");
    }
    if row.act.ends_with("plaintext") {
        let mut plain = Connection::plain(TcpStream::connect(bench.address()).await.unwrap());
        return format!(
            "{words}; without TLS {}",
            ask(&mut plain, bench, row.about).await
        );
    }
    words
}

/// Sends the row's request and tells what comes.
async fn ask(stream: &mut Connection, bench: &Bench, about: About) -> String {
    let (operation, body) = bench::asked(about);
    if let Err(error) = stream.write_all(&request(operation, &body)).await {
        return words::error(&error);
    }
    read(stream, bench).await
}

async fn read(stream: &mut Connection, bench: &Bench) -> String {
    let mut bytes = Vec::new();
    let mut spent = Duration::ZERO;
    let end = loop {
        if let Some(answer) = Answer::parse(&bytes)
            && answer.complete()
        {
            // That the connection is kept is seen by its answering again; which password holds is another matter.
            valid(stream, bench, "neither").await;
            break "";
        }
        let mut space = [0; 4096];
        // Waits are counted only as far as the last byte.
        let mut waited = spent;
        match bench.patiently(&mut waited, stream.read(&mut space)).await {
            None if bytes.is_empty() => return "nothing comes".to_owned(),
            None => break "then nothing more",
            Some(Ok(0)) if stream.version.is_some() => break "then close_notify",
            Some(Ok(0)) => break "then FIN",
            Some(Ok(count)) => bytes.extend_from_slice(&space[..count]),
            Some(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break "then FIN",
            Some(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => break "then RST",
            Some(Err(error)) => return words::error(&error),
        }
        spent = waited;
    };
    let came = match Answer::parse(&bytes) {
        None if bytes.is_empty() => return end.trim_start_matches("then ").to_owned(),
        None => format!("{} of the head", words::counted(bytes.len())),
        Some(answer) => answer.words(),
    };
    words::after(
        spent,
        [came.as_str(), end]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// Asks whether a password validates, and returns the status.
async fn valid(stream: &mut Connection, bench: &Bench, password: &str) -> u16 {
    stream
        .write_all(&request("validation", &bench::valid(password)))
        .await
        .unwrap();
    let mut bytes = Vec::new();
    loop {
        let mut space = [0; 4096];
        let count = bench
            .patiently(&mut Duration::default(), stream.read(&mut space))
            .await
            .expect("an answer comes")
            .unwrap();
        assert!(count > 0, "an answer comes");
        bytes.extend_from_slice(&space[..count]);
        if let Some(answer) = Answer::parse(&bytes)
            && answer.complete()
        {
            return answer.status;
        }
    }
}

fn request(operation: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// An answer of which at least the head has come.
struct Answer<'a> {
    status: u16,
    headers: HeaderMap,
    body: &'a [u8],
}

impl Answer<'_> {
    fn parse(bytes: &[u8]) -> Option<Answer<'_>> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut headers = HeaderMap::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(": ").unwrap();
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        Some(Answer {
            status: head["HTTP/1.1 ".len()..][..3].parse().unwrap(),
            headers,
            body: &bytes[end + 4..],
        })
    }

    fn announced(&self) -> Option<usize> {
        Some(
            self.headers
                .get("content-length")?
                .to_str()
                .unwrap()
                .parse()
                .unwrap(),
        )
    }

    /// Tells whether all has come, and the connection is to be kept.
    fn complete(&self) -> bool {
        !self.headers.contains_key("connection")
            && self
                .announced()
                .is_some_and(|length| self.body.len() >= length)
    }

    fn words(&self) -> String {
        match self.announced() {
            None if String::from_utf8_lossy(self.body).contains("\r\nxyz\r\n") => {
                format!("{}, a chunk of size `xyz`", self.status)
            }
            None => format!("{}, no length", self.status),
            Some(_) if self.body.is_empty() && !self.complete() => {
                format!("{}, the head", self.status)
            }
            Some(length) if self.body.len() < length => {
                format!("{}, {} of {length} bytes", self.status, self.body.len())
            }
            Some(length) if self.body.len() > length => format!(
                "{}, {} bytes, {length} announced",
                self.status,
                self.body.len()
            ),
            Some(_) => words::answer(self.status, &self.headers, self.body),
        }
    }
}

/// A connection, and what is known of its TLS.
struct Connection {
    stream: Box<dyn Stream>,
    certificate: Option<Vec<u8>>,
    version: Option<rustls::ProtocolVersion>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Connection {
    fn plain(stream: TcpStream) -> Connection {
        Connection {
            stream: Box::new(stream),
            certificate: None,
            version: None,
        }
    }

    async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.stream.read(space).await
    }

    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

async fn open(bench: &Bench) -> io::Result<Connection> {
    match bench.ca_pem() {
        None => Ok(Connection::plain(
            TcpStream::connect(bench.address()).await?,
        )),
        Some(_) => tls_handshake(bench, bench.tls(rustls::ALL_VERSIONS)).await,
    }
}

/// Opens a connection that may be fired: over plain HTTP that shows only when it is read.
async fn open_read(bench: &Bench) -> io::Result<Connection> {
    let mut connection = open(bench).await?;
    if bench.ca_pem().is_none() {
        // Failures of connections begin with the client's first byte.
        connection.stream.write_all(b"P").await?;
        connection.stream.read_u8().await?;
    }
    Ok(connection)
}

async fn tls_handshake(bench: &Bench, config: Arc<ClientConfig>) -> io::Result<Connection> {
    let stream = TcpStream::connect(bench.address()).await?;
    let stream = TlsConnector::from(config)
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await?;
    let tls = stream.get_ref().1;
    let certificate = tls.peer_certificates().map(|chain| chain[0].to_vec());
    let version = tls.protocol_version();
    Ok(Connection {
        stream: Box::new(stream),
        certificate,
        version,
    })
}

/// More often than any row lets an old password validate.
const MANY: u32 = 4;

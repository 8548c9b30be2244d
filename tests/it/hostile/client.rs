//! A client upon a stream: sends any bytes, and tells in words what comes back.

use std::{collections::HashMap, io, sync::LazyLock, time::Duration};

use d4iot_double::{
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(crate) struct Client {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) close: bool,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: impl Stream + 'static) -> Client {
        Client {
            stream: Box::new(stream),
            read: Vec::new(),
        }
    }

    /// Sends all of it; that the server no longer listens is no fault of the sender's.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads the next answer, or the end of the connection.
    pub(crate) async fn answer(&mut self) -> io::Result<Option<Answer>> {
        loop {
            if let Some((answer, length)) = parsed(&self.read) {
                self.read.drain(..length);
                return Ok(Some(answer));
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Sends bytes, ends the sending, and tells all that comes: `200 authenticated, 400 empty close`, or `nothing`.
    pub(crate) async fn all(&mut self, bytes: &[u8]) -> String {
        // A server that has refused already may have closed: its words count, not our trouble with sending.
        let _ = self.send(bytes).await;
        let _ = self.stream.shutdown().await;
        self.rest().await
    }

    /// Tells all that comes until the server ends the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut words = Vec::new();
        let end = loop {
            match soon(self.answer()).await {
                Ok(Some(answer)) => words.push(answer.to_string()),
                Ok(None) => break None,
                // A TLS connection that is cut ends without a goodbye.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break None,
                Err(error) => break Some(format!("{:?}", error.kind())),
            }
        };
        if !self.read.is_empty() {
            words.push(format!(
                "half an answer: {:?}",
                String::from_utf8_lossy(&self.read)
            ));
        }
        words.extend(end);
        if words.is_empty() {
            "nothing".into()
        } else {
            words.join(", ")
        }
    }

    /// Tells the next answer, or the end. May be given up and asked again: nothing that has come is lost.
    pub(crate) async fn answer_or_end(&mut self) -> String {
        match self.answer().await {
            Ok(Some(answer)) => answer.to_string(),
            Ok(None) => "nothing".into(),
            // A TLS connection that is cut ends without a goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => "nothing".into(),
            Err(error) => format!("{:?}", error.kind()),
        }
    }

    /// Signs in as a client of good manners does, and tells whether that was answered as it should be.
    pub(crate) async fn signs_in(&mut self) -> bool {
        let asked = async {
            self.send(&good("")).await.ok()?;
            self.answer().await.ok()?
        };
        soon(asked)
            .await
            .is_some_and(|answer| answer.to_string() == "200 authenticated")
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = match (self.body.is_empty(), OUTCOMES.get(&self.body)) {
            (_, Some(name)) => (*name).to_owned(),
            (true, None) => "empty".into(),
            (false, None) => format!("{:?}", String::from_utf8_lossy(&self.body)),
        };
        write!(
            out,
            "{} {what}{}",
            self.status,
            if self.close { " close" } else { "" }
        )
    }
}

/// Reads one whole answer from the front, and how long it is.
fn parsed(bytes: &[u8]) -> Option<(Answer, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    let status: u16 = head
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| head.strip_prefix("HTTP/1.0 "))?
        .get(..3)?
        .parse()
        .ok()?;
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let body = bytes.get(end..end + length)?.to_vec();
    Some((
        Answer {
            status,
            close: header("connection") == Some("close"),
            body,
        },
        end + length,
    ))
}

/// A sign-in with the right password, and further header lines.
pub(crate) fn good(headers: &str) -> Vec<u8> {
    post(
        &format!("{headers}content-length: {}\r\n", GOOD.len()),
        GOOD.as_bytes(),
    )
}

/// A request to validate, of these header lines besides Host and Content-Type, and this body.
pub(crate) fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Fails a test that hangs, rather than the whole run.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it happens soon")
}

/// The names of outcomes, by their bodies.
static OUTCOMES: LazyLock<HashMap<Vec<u8>, &str>> = LazyLock::new(|| {
    let operations = Operation::ALL.iter().copied().map(Some).chain([None]);
    let all = operations.flat_map(|operation| {
        Outcome::ALL
            .iter()
            .map(move |outcome| (operation, *outcome))
    });
    all.filter_map(|(operation, outcome)| {
        let (_, spec) = contract::of(Kind::Sensor).response_spec(operation, outcome)?;
        let envelope = spec
            .envelope
            .as_ref()
            .map_or(Envelope::Object, |fact| fact.default_reading().is);
        let internal = spec
            .internal
            .as_ref()
            .map_or(Internal::Absent, |fact| fact.default_reading().is.clone());
        Some((
            spec.body
                .default_reading()
                .is
                .body(envelope, &internal, Echo::default())
                .to_string()
                .into_bytes(),
            outcome.name(),
        ))
    })
    .collect()
});

pub(crate) const PATH: &str = "/api/external/authentication/validation";
pub(crate) const GOOD: &str = r#"{"username":"test","password":"Test12345!"}"#;

/// Longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(20);

//! Failures on the wire: requests, answers, failure modes and streams.

use super::*;

/// What there should be of an answer.
#[derive(Debug)]
pub(super) enum Part {
    Body(usize),
    Bytes(usize),
    Contains(&'static str),
    Head,
    Nothing,
}

impl Part {
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        let text = String::from_utf8_lossy(bytes);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len());
        match self {
            Part::Body(length) => text.starts_with("HTTP/1.1 200 OK\r\n") && body == Some(*length),
            Part::Bytes(length) => bytes.len() == *length && b"HTTP/1.1 200".starts_with(bytes),
            Part::Contains(what) => text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains(what),
            Part::Head => text.contains("content-length: 35\r\n") && body == Some(0),
            Part::Nothing => bytes.is_empty(),
        }
    }
}

/// What becomes of a connection after the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// FIN; over TLS without `close_notify`.
    Fin,
    /// TLS's `close_notify`.
    Goodbye,
    /// It stays.
    Open,
    /// RST.
    Reset,
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    fn is_tls(&self) -> bool;
    fn zero_linger(&self);
}

impl Stream for TcpStream {
    fn is_tls(&self) -> bool {
        false
    }
    fn zero_linger(&self) {
        self.set_zero_linger().unwrap();
    }
}

impl Stream for TlsStream<TcpStream> {
    fn is_tls(&self) -> bool {
        true
    }
    fn zero_linger(&self) {
        self.get_ref().0.set_zero_linger().unwrap();
    }
}

impl Stream for Box<dyn Stream> {
    fn is_tls(&self) -> bool {
        (**self).is_tls()
    }
    fn zero_linger(&self) {
        (**self).zero_linger();
    }
}

/// Reads until the end, or until nothing has come for a while.
pub(super) async fn read_to_the_end(stream: &mut (impl Stream + ?Sized)) -> (Vec<u8>, End) {
    let mut bytes = Vec::new();
    let mut space = [0; 4096];
    loop {
        let end = match tokio::time::timeout(QUIET, stream.read(&mut space)).await {
            Ok(Ok(0)) if stream.is_tls() => End::Goodbye,
            Ok(Ok(0)) => End::Fin,
            Ok(Ok(count)) => {
                bytes.extend_from_slice(&space[..count]);
                continue;
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => End::Fin,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => End::Reset,
            Ok(Err(error)) => panic!("{error:?}"),
            Err(_) => End::Open,
        };
        return (bytes, end);
    }
}

/// Reads one answer whose length is announced, and not a byte more.
pub(super) async fn read_answer(stream: &mut (impl Stream + ?Sized)) -> (u16, String) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(soon(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    soon(stream.read_exact(&mut body)).await.unwrap();
    (
        head[9..12].parse().unwrap(),
        String::from_utf8(body).unwrap(),
    )
}

pub(super) fn validation(username: &str, password: &str) -> Vec<u8> {
    post(
        "validation",
        &serde_json::json!({ "username": username, "password": password }),
    )
}

pub(super) fn set_password(username: &str, password: &str, new: &str) -> Vec<u8> {
    post(
        "set_password",
        &serde_json::json!({ "username": username, "password": password, "new_password": new }),
    )
}

pub(super) fn post(operation: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub(super) fn with_header(request: &[u8], line: &str) -> Vec<u8> {
    String::from_utf8(request.to_vec())
        .unwrap()
        .replacen("\r\n", &format!("\r\n{line}\r\n"), 1)
        .into_bytes()
}

pub(super) fn mode(when: When, action: FailureAction) -> FailureMode {
    FailureMode {
        name: "mode".into(),
        on: None,
        user: None,
        when,
        action: Arc::new(action),
        armed: true,
        written: Arc::default(),
    }
}

pub(super) fn times(count: u64) -> When {
    When {
        times: Some(count),
        ..When::default()
    }
}

pub(super) fn end(how: CloseKind, at: CutPoint) -> FailureAction {
    FailureAction {
        end: Some((how, at)),
        ..FailureAction::default()
    }
}

pub(super) fn distorted(corruption: Corruption) -> FailureAction {
    FailureAction {
        corruptions: vec![corruption],
        ..FailureAction::default()
    }
}

pub(super) fn delayed(time: Duration) -> FailureAction {
    FailureAction {
        delay: Some(Delay::Fixed(time)),
        ..FailureAction::default()
    }
}

pub(super) fn dribbled(bytes: usize, every: Duration) -> FailureAction {
    FailureAction {
        pace: Some(Pace { bytes, every }),
        ..FailureAction::default()
    }
}

pub(super) fn tls(tls: TlsFailure) -> FailureAction {
    FailureAction {
        tls: Some(tls),
        ..FailureAction::default()
    }
}

/// Tells whether an error comes from one of the system's of this kind.
pub(super) fn source_of(error: &(dyn std::error::Error + 'static), kind: io::ErrorKind) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == kind)
        {
            return true;
        }
        next = error.source();
    }
    false
}

/// Fails a test that hangs, rather than the whole run.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it happens soon")
}

pub(super) const SOON: Duration = Duration::from_secs(10);
/// After this long without a byte, nothing is taken to come.
pub(super) const QUIET: Duration = Duration::from_millis(150);
pub(super) const HOUR: Duration = Duration::from_secs(3600);

/// The answer to a validation that is right.
pub(super) const AUTHENTICATED: (u16, &str) = (200, r#"{"msg":"Authentication succeeded."}"#);

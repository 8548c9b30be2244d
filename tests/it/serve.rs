//! `serve` as a process: what it says, what it leaves behind, how it refuses to start, how it ends.

mod certificates;
mod end;
mod healthcheck;
mod notes;
mod options;
mod ports;
mod prefix;
mod ready;
mod ready_file;
mod requests;
mod stderr;

use std::{
    fs,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use d4iot_double::{
    client,
    client::Target,
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
};
use http::Request;
use tempfile::TempDir;

use crate::process::{End, Process, SOON};

/// Starts `serve` on free ports, where it is to refuse: exit 2, a message, and no ready line.
fn refused(args: &[&str]) -> End {
    let args: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let end = Process::start(&args).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{}", end.err);
    assert!(end.err.starts_with("error: "), "{}", end.err);
    end
}

fn healthcheck(args: &[&str]) -> End {
    let args: Vec<&str> = ["healthcheck"].iter().chain(args).copied().collect();
    Process::start(&args).end()
}

/// Tells whether a client that trusts this certificate, and no other, gets an answer.
fn answers(url: &str, trust: Option<&str>) -> bool {
    let options = client::TargetOptions {
        trust: trust.map(str::to_owned),
        ..client::TargetOptions::default()
    };
    let target = Target::new(url, &options).unwrap();
    let request = Request::get("/").body(Bytes::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(target.send(&request))
        .is_ok_and(|answer| answer.status() == 404)
}

/// What came over a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    content_type: String,
    allow: Option<String>,
    body: String,
}

impl Answer {
    /// Reads one answer, which must be whole.
    fn read(stream: &mut TcpStream) -> Answer {
        Answer::read_or_end(stream).expect("the connection ended without an answer")
    }

    /// Reads one answer; nothing where the connection ends before its first byte.
    fn read_or_end(stream: &mut TcpStream) -> Option<Answer> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ if head.is_empty() => return None,
                end => panic!("cut after {:?}: {end:?}", String::from_utf8_lossy(&head)),
            }
        }
        let head = String::from_utf8(head).unwrap();
        let header = |name: &str| {
            let line = head
                .lines()
                .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}: ")));
            line.map(|line| line[name.len() + 2..].to_owned())
        };
        let mut body = vec![0; header("content-length").unwrap().parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        Some(Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            content_type: header("content-type").unwrap(),
            allow: header("allow"),
            body: String::from_utf8(body).unwrap(),
        })
    }

    /// What the contract's default readings say at an operation.
    fn worded(kind: Kind, operation: Operation, outcome: Outcome) -> Answer {
        let contract = contract::of(kind);
        let (_, spec) = contract.response_spec(Some(operation), outcome).unwrap();
        let envelope = spec
            .envelope
            .as_ref()
            .map_or(Envelope::Object, |fact| fact.default_reading().is);
        let internal = spec
            .internal
            .as_ref()
            .map_or(&Internal::Absent, |fact| &fact.default_reading().is);
        Answer {
            status: spec.status.default_reading().is.0.as_u16(),
            content_type: contract
                .answer_type(outcome.at(operation))
                .1
                .default_reading()
                .is
                .0
                .clone(),
            allow: None,
            body: spec
                .body
                .default_reading()
                .is
                .body(envelope, internal, Echo::default())
                .to_string(),
        }
    }

    /// What the contract's default readings say where it is the same at every operation.
    fn any(kind: Kind, outcome: Outcome) -> Answer {
        Answer::worded(kind, Operation::Validation, outcome)
    }
}

/// Sends bytes over a connection of their own and reads the answer.
fn ask(port: u16, request: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    Answer::read(&mut stream)
}

fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A folder that vanishes with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        let path: PathBuf = if name.is_empty() {
            Path::to_path_buf(self.0.path())
        } else {
            self.0.path().join(name)
        };
        path.into_os_string().into_string().unwrap()
    }

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }
}

/// Returns the first of some consecutive ports that nobody has.
///
/// They lie below those that port 0 gives out, so that no other test is given one meanwhile; each test process begins elsewhere.
fn free_ports(count: u16) -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 150).unwrap() * 100;
    (0..)
        .map(|_| 12_000 + (begin + NEXT.fetch_add(count, Ordering::Relaxed)) % 18_000)
        .find(|first| {
            (0..count).all(|next| {
                TcpListener::bind(SocketAddr::new(
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                    first + next,
                ))
                .is_ok()
            })
        })
        .unwrap()
}

/// Stands for a secret, where none may be seen.
const CANARY: &str = "canary7d1f";

/// Runs curl and returns its exit code.
fn curl(args: &[&str]) -> i32 {
    let output = Command::new("curl")
        .args(["-q", "-sS", "--noproxy", "*"])
        .args(args)
        .output();
    output
        .expect("curl is not installed: these tests ask with it (apt-get install curl)")
        .status
        .code()
        .unwrap()
}

/// A self-signed certificate and its key, as PEM text.
struct Identified {
    cert: String,
    key: String,
}

impl Identified {
    fn new(names: &[&str]) -> Identified {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Identified {
            cert: made.cert.pem(),
            key: made.signing_key.serialize_pem(),
        }
    }
}

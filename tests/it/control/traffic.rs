//! Content that is replaced while requests run: nothing hangs.
//!
//! A hang blocks the threads that serve, and every timer of their runtime. So each case runs on threads of its own, and the test waits.

use std::{
    env,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use d4iot_double::Double;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

use crate::control::control_server::ControlServer;

const APPLIANCE: &str = "/v1/appliances/sensor";

#[rstest]
#[case::reset(&[("POST", "/reset")])]
#[case::readings(&[("PUT", "/readings"), ("PATCH", "/readings")])]
#[case::state(&[("PUT", "/state"), ("GET", "/state")])]
#[case::users(&[("PUT", "/users/test"), ("GET", "/users"), ("DELETE", "/users/test")])]
#[case::failures(&[("PUT", "/failures/slow"), ("POST", "/failures"), ("GET", "/failures"), ("DELETE", "/failures/more")])]
#[case::journal(&[("GET", "/journal?limit=5"), ("DELETE", "/journal"), ("GET", "/findings")])]
#[case::clock_and_explain(&[("POST", "/clock"), ("POST", "/explain"), ("GET", "/clock")])]
#[case::all(&[("POST", "/reset"), ("PUT", "/state"), ("PUT", "/readings"), ("PUT", "/users/test"), ("POST", "/failures"), ("GET", "/journal"), ("DELETE", "/journal"), ("GET", "/state")])]
fn control_calls_beside_traffic_never_hang(#[case] calls: &'static [(&'static str, &'static str)]) {
    within_time(async move {
        let api = ControlServer::http();
        let url = api.sensor("sensor", json!({})).await;
        let traffic = Traffic::start(url.trim_start_matches("http://").parse().unwrap());
        for round in rounds() {
            let (method, path) = &calls[round % calls.len()];
            let answer = api
                .json(method, &format!("{APPLIANCE}{path}"), &body(method, path))
                .await;
            assert!(answer.status < 500, "{method} {path}: {answer:?}");
        }
        traffic.end().await;
        api.end().await;
    });
}

#[test]
fn a_reload_beside_traffic_never_hangs() {
    within_time(async {
        let api = ControlServer::http();
        let url = api.sensor("sensor", json!({})).await;
        let traffic = Traffic::start(url.trim_start_matches("http://").parse().unwrap());
        let member = api.fleet.find("sensor").unwrap();
        let fixture =
            d4iot_double::fixture::read("sensor.yaml", "appliance: sensor\nname: sensor\n")
                .unwrap();
        for _ in rounds() {
            api.fleet.change(&member, &fixture).unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        traffic.end().await;
        api.end().await;
    });
}

#[test]
fn a_double_resets_beside_traffic_and_never_hangs() {
    within_time(async {
        let double = Double::sensor().http().start().await.unwrap();
        let traffic = Traffic::start(double.url().trim_start_matches("http://").parse().unwrap());
        for _ in rounds() {
            double.reset();
            sleep(Duration::from_millis(1)).await;
        }
        traffic.end().await;
    });
}

/// Runs a case on threads of its own, and fails where it does not end in time.
fn within_time(case: impl Future<Output = ()> + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(case);
        done.send(()).unwrap();
    });
    match wait.recv_timeout(LIMIT + seconds()) {
        Ok(()) => thread.join().unwrap(),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("the process hangs"),
    }
}

/// Clients that send validations without pause, each over one connection.
struct Traffic {
    clients: JoinSet<()>,
    ending: Arc<AtomicBool>,
    answers: Arc<AtomicU64>,
}

impl Traffic {
    fn start(address: SocketAddr) -> Traffic {
        let (ending, answers) = (Arc::default(), Arc::default());
        let clients = (0..CONNECTIONS)
            .map(|_| client(address, Arc::clone(&ending), Arc::clone(&answers)))
            .collect();
        Traffic {
            clients,
            ending,
            answers,
        }
    }

    async fn end(mut self) {
        self.ending.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        let answers = self.answers.load(Ordering::Relaxed);
        assert!(answers > PIPELINED as u64, "{answers} answers");
    }
}

async fn client(address: SocketAddr, ending: Arc<AtomicBool>, answers: Arc<AtomicU64>) {
    let body = r#"{"username":"test","password":"Test12345!"}"#;
    let request = format!(
        "POST /api/external/authentication/validation HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let requests = request.repeat(PIPELINED);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut received = Vec::new();
    while !ending.load(Ordering::Relaxed) {
        stream.write_all(requests.as_bytes()).await.unwrap();
        received.clear();
        while count(&received) < PIPELINED {
            assert!(stream.read_buf(&mut received).await.unwrap() > 0);
        }
        answers.fetch_add(PIPELINED as u64, Ordering::Relaxed);
    }
}

/// Returns how many answers were received whole; no body holds a line that begins an answer or an object in an object.
fn count(received: &[u8]) -> usize {
    let heads = received
        .windows(9)
        .filter(|part| part == b"HTTP/1.1 ")
        .count();
    if received.ends_with(b"}") { heads } else { 0 }
}

fn body(method: &str, path: &str) -> Value {
    match (method, path) {
        ("PUT" | "PATCH", "/readings") => json!({ "X04": "curl" }),
        ("PUT", "/state") => json!({ "appliance": "sensor" }),
        ("PUT", "/users/test") => {
            json!({ "username": "test", "password": "Test12345!", "role": "security_analyst" })
        }
        ("PUT", "/failures/slow") => json!({ "armed": false }),
        ("POST", "/failures") => {
            json!({ "name": "more", "armed": false, "do": { "status": 503 } })
        }
        ("POST", "/clock") => json!({ "advance": "1ms" }),
        ("POST", "/explain") => json!({ "path": "/" }),
        _ => Value::Null,
    }
}

const CONNECTIONS: usize = 6;
/// How many requests a client sends before it reads.
const PIPELINED: usize = 8;
/// Counts the replacements: [`ROUNDS`], and in the long form for as long as is asked.
fn rounds() -> impl Iterator<Item = usize> {
    let end = Instant::now() + seconds();
    (0..).take_while(move |round| *round < ROUNDS || Instant::now() < end)
}

fn seconds() -> Duration {
    let seconds = env::var("D4IOT_TRAFFIC_SECONDS");
    Duration::from_secs(seconds.map_or(0, |text| text.parse().unwrap()))
}

/// How often the content is replaced. With two locks in two orders, some forty times were enough.
const ROUNDS: usize = 150;
/// Longer than a busy machine takes.
const LIMIT: Duration = Duration::from_secs(120);

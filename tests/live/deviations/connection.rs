//! No answer, half an answer, or an answer in another spelling of its head.

use d4iot_double::{
    client::{Target, TargetOptions},
    contract::{Kind, Operation, Outcome},
    report::{Conformance, ReasonCode},
    runner,
    runner::RunResult,
    server,
    snapshot::SnapshotStore,
};
use rstest::rstest;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
};

use crate::deviations::runs::{cases, lab, verdicts, worded};

#[rstest]
#[case::at_once("")]
#[case::within_the_head("HTTP/1.1 200 OK\r\ncontent-")]
#[case::within_the_body(
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{\"msg\""
)]
#[tokio::test]
async fn broken_connection_is_not_judged(#[case] bytes: &'static str) {
    let kind = Kind::Console;
    let run = run_at_bytes(kind, bytes, |_| true).await;
    assert_eq!(
        (&run.unreachable, run.summary.counts.not_judged),
        (&None, run.summary.cases.len())
    );
    for case in &run.summary.cases {
        assert_eq!(
            case.reasons[0].code,
            Some(ReasonCode::NoAnswer),
            "{}",
            case.id
        );
    }
    assert!(run.cases.iter().all(|case| case.snapshot.is_none()));
}

#[tokio::test]
async fn nobody_there_is_not_judged_and_said_once() {
    let kind = Kind::Sensor;
    let (_double, mut lab) = lab(kind);
    // Bound, so that no other test takes the port, and not listening.
    let held = TcpSocket::new_v4().unwrap();
    held.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = held.local_addr().unwrap();
    lab.target = Target::new(&format!("http://{address}"), &TargetOptions::default()).unwrap();
    let run = runner::run(&lab, &cases(kind, |_| true), &SnapshotStore::None, &|_| ()).await;
    assert!(
        run.unreachable
            .as_ref()
            .is_some_and(|trouble| trouble.message.contains("refused")),
        "{:?}",
        run.unreachable
    );
    assert_eq!(run.summary.counts.not_judged, run.summary.cases.len());
    assert!(
        run.summary.profile.is_empty()
            && run.summary.inconsistent.is_empty()
            && run.cases.iter().all(|case| case.snapshot.is_none())
    );
    assert!(
        run.summary
            .cases
            .iter()
            .all(|case| !case.failed && !case.reason().is_empty())
    );
}

#[rstest]
#[case::lower("content-type", "content-length")]
#[case::capitals("CONTENT-TYPE", "CONTENT-LENGTH")]
#[case::mixed("Content-type", "content-Length")]
#[tokio::test]
async fn header_names_have_no_case(#[case] content_type: &str, #[case] length: &str) {
    let kind = Kind::Sensor;
    let body = worded(
        kind,
        Operation::Validation,
        Outcome::Authenticated,
        None,
        "",
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{content_type}: application/json\r\n{length}: {}\r\n\r\n{body}",
        body.len()
    );
    let run = run_at_bytes(kind, answer.leak(), |id| id == "validation.authenticated").await;
    assert_eq!(
        verdicts(&run)["validation.authenticated"],
        Conformance::Documented
    );
}

/// Runs cases at a server that reads a request's head, sends these bytes and closes.
#[expect(
    clippy::disallowed_methods,
    reason = "the server runs beside the test, and ends with its runtime"
)]
async fn run_at_bytes(kind: Kind, bytes: &'static str, wanted: impl Fn(&str) -> bool) -> RunResult {
    let listener = server::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let (_double, mut lab) = lab(kind);
    lab.target = Target::new(
        &format!("http://{}", listener.local_addr().unwrap()),
        &TargetOptions::default(),
    )
    .unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 100_000];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(bytes.as_bytes()).await);
                drop(stream.shutdown().await);
                // What is left unread would turn the end into a reset.
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    runner::run(&lab, &cases(kind, wanted), &SnapshotStore::None, &|_| ()).await
}

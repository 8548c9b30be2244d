//! The runner in this process: at each answer of the table, and at a right answer that is cut at each of its bytes.

use std::time::{Duration, Instant};

use d4iot_double::{
    client::{Target, TargetOptions},
    contract::Kind,
    fixture,
    report::Conformance,
    runner,
    runner::RunContext,
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::cases,
};
use rstest::rstest;

use crate::hostile_target::{
    answers,
    server::{Answer, Server},
};

#[tokio::test]
async fn whatever_a_target_answers_it_does_not_pass() {
    let identity = Identity::generate(&[]).unwrap();
    let rows = answers::all();
    for row in &rows {
        let began = Instant::now();
        let verdict = verdict(row.answer.clone(), Some(SHORT), &identity).await;
        assert!(is_no_pass(verdict), "{}: {verdict:?}", row.name);
        assert!(
            began.elapsed() < IN_TIME,
            "{}: {:?}",
            row.name,
            began.elapsed()
        );
    }
    println!("{} answers, none of which passes", rows.len());
}

#[rstest]
#[case::by_fin(Answer::Bytes)]
#[case::by_rst(Answer::Cut)]
#[tokio::test]
async fn an_answer_that_is_cut_at_any_byte_does_not_pass(#[case] ends: fn(Vec<u8>) -> Answer) {
    let body = r#"{"msg": "Authentication succeeded."}"#;
    // It says that it ends: a request that is sent again over a connection which ends meanwhile is lost, and that is another matter.
    let whole = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let identity = Identity::generate(&[]).unwrap();
    // All of it, and then a reset, may be an answer.
    let resets = matches!(ends(Vec::new()), Answer::Cut(_));
    for length in 0..=whole.len() {
        let verdict = verdict(ends(whole.as_bytes()[..length].to_vec()), None, &identity).await;
        let is_whole = length == whole.len();
        assert!(
            is_whole && (resets || verdict == Conformance::Documented)
                || !is_whole && is_no_pass(verdict),
            "after {length} bytes: {verdict:?}"
        );
    }
    println!("cut after each of {} bytes", whole.len());
}

/// An answer that was cut may be an accident on the way.
fn is_no_pass(verdict: Conformance) -> bool {
    matches!(verdict, Conformance::Deviation | Conformance::NotJudged)
}

async fn verdict(answer: Answer, timeout: Option<Duration>, identity: &Identity) -> Conformance {
    let server = Server::start(answer);
    let (_double, mut lab) =
        RunContext::mock(&fixture::built_in(Kind::Sensor), "mock".into(), identity).unwrap();
    lab.target = Target::new(
        &format!("http://{}", server.address),
        &TargetOptions {
            timeout,
            ..TargetOptions::default()
        },
    )
    .unwrap();
    let cases: Vec<_> = cases::all()
        .iter()
        .filter(|located| located.case.id == "validation.authenticated")
        .collect();
    let run = runner::run(&lab, &cases, &SnapshotStore::None, &|_| ()).await;
    assert_eq!(run.summary.cases.len(), 1);
    run.summary.cases[0].conformance
}

/// Waited for where nothing right comes.
const SHORT: Duration = Duration::from_millis(80);
const IN_TIME: Duration = Duration::from_secs(30);

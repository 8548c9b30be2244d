//! Requests that no operation takes, and what is never shown of any.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    thread,
};

use d4iot_double::{
    cli::console::Console,
    contract,
    contract::{Kind, Operation, Outcome},
};
use rstest::rstest;
use rustix::process::Signal;

use super::{Answer, CANARY, ask, curl, post};
use crate::process::{Process, SOON};

#[rstest]
#[case::unknown_path(post("/nowhere", "{}"), Outcome::UnknownPath)]
#[case::other_method("GET VALIDATION HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".into(), Outcome::MethodNotAllowed)]
#[case::no_host("POST VALIDATION HTTP/1.1\r\ncontent-length: 0\r\n\r\n".into(), Outcome::BadRequest)]
#[case::malformed_chunk("POST VALIDATION HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".into(), Outcome::BadRequest)]
#[case::body_too_large("POST VALIDATION HTTP/1.1\r\nhost: x\r\ncontent-length: 65537\r\n\r\n".into(), Outcome::BodyTooLarge)]
#[case::head_too_large(format!("GET / HTTP/1.1\r\nhost: x\r\nlong: {}\r\n\r\n", "a".repeat(33_000)), Outcome::HeadTooLarge)]
#[case::content_type(post("VALIDATION", "{}").replace("application/json", "text/plain"), Outcome::UnsupportedContentType)]
#[case::empty_body(post("VALIDATION", ""), Outcome::MalformedBody)]
#[case::malformed_body(post("VALIDATION", "{"), Outcome::MalformedBody)]
#[case::no_object(post("VALIDATION", "[]"), Outcome::MalformedBody)]
#[case::missing_field(post("VALIDATION", r#"{"username":"test"}"#), Outcome::MissingField)]
#[case::wrong_type(
    post("VALIDATION", r#"{"username":"test","password":1}"#),
    Outcome::WrongType
)]
fn a_request_that_is_none_gets_the_contract_s_answer(
    #[case] request: String,
    #[case] outcome: Outcome,
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
) {
    let (_process, ready) = Process::serve(1, &["--kind", kind.name(), "--http"]);
    let path = &contract::of(kind)
        .clause(Operation::Validation)
        .path
        .default_reading()
        .is
        .0[0];
    let answer = ask(ready[0].port(), &request.replace("VALIDATION", path));
    assert_eq!(
        answer,
        Answer {
            allow: (outcome == Outcome::MethodNotAllowed).then(|| "POST".to_owned()),
            ..Answer::any(kind, outcome)
        }
    );
    assert!(
        answer
            .body
            .starts_with(r#"{"error":{"userDisplayErrorMessage":""#),
        "{}",
        answer.body
    );
}

#[test]
fn nothing_a_client_sends_is_shown() {
    let (process, ready) = Process::serve(2, &["-v"]);
    let plain = format!("GET /{CANARY} HTTP/1.1\r\nhost: {CANARY}\r\n\r\n");
    for line in &ready {
        // Not even TLS, then a name nobody has, then a password that is wrong.
        let mut stream = TcpStream::connect(("127.0.0.1", line.port())).unwrap();
        stream.write_all(plain.as_bytes()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let _alert = stream.read_to_end(&mut Vec::new());
        curl(&[
            "-k",
            "--resolve",
            &format!("{CANARY}.example:{}:127.0.0.1", line.port()),
            &format!("https://{CANARY}.example:{}", line.port()),
        ]);
        let body = format!(r#"{{"username":"{CANARY}","password":"{CANARY}"}}"#);
        curl(&[
            "-k",
            "-d",
            &body,
            "-H",
            "content-type: application/json",
            &format!("{}/external/authentication/validation", line.url),
        ]);
    }
    process.signal(Signal::TERM);
    let end = process.end();
    assert!(end.err.contains("does not speak TLS"), "{}", end.err);
    assert!(
        !end.err.contains(CANARY) && !end.out.contains(CANARY),
        "{}",
        end.err
    );
}

#[test]
fn a_panic_tells_its_place_and_not_its_text() {
    // The hook is the whole process's, so this claim has one of its own.
    const MARK: &str = "D4IOT_DOUBLE_TEST_PANICS";
    if std::env::var_os(MARK).is_some() {
        let console = Console::default();
        console.install_panic_hook();
        drop(thread::spawn(|| panic!("the request held {CANARY}")).join());
        console.flush();
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([
        "--exact",
        "serve::requests::a_panic_tells_its_place_and_not_its_text",
        "--nocapture",
    ]);
    let end = Process::spawn(child.env(MARK, "1").env("RUST_BACKTRACE", "full")).end();
    assert_eq!(end.code, Some(0));
    let place = concat!("error: internal error at ", file!());
    assert!(
        end.err.starts_with(place) && end.err.lines().count() == 2,
        "{}",
        end.err
    );
    assert!(
        !end.err.contains(CANARY) && !end.out.contains(CANARY),
        "{}{}",
        end.out,
        end.err
    );
}

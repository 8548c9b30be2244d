//! `serve` as a process: what it says, what it leaves behind, how it refuses to start, how it ends.

use std::{
    fs, io,
    io::{BufRead, BufReader, PipeReader, Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{FileTypeExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    cli::{console::Console, ready::Ready},
    client,
    client::Target,
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
};
use http::Request;
use rstest::rstest;
use rustix::{
    fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat},
    process::{Pid, Signal},
};
use tempfile::TempDir;

use crate::process::{End, PROGRAM, Process, ReadyLine, SOON};

// — what it says when it is ready —

#[test]
fn a_ready_line_for_each_appliance_and_nothing_else_on_stdout() {
    let (process, ready) = Process::serve(2, &[]);
    assert_eq!([&*ready[0].name, &*ready[1].name], ["sensor", "console"]);
    for line in &ready {
        assert_eq!(line.url, format!("https://127.0.0.1:{}", line.port()));
        // The line came through a pipe while the process runs, and whoever has read it is let in.
        TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    }
    process.signal(Signal::TERM);
    assert_eq!(process.end().out, "");
}

#[test]
fn one_kind_alone_over_plain_http() {
    let (_process, ready) = Process::serve(1, &["--kind", "console", "--http"]);
    assert_eq!(
        ready,
        [ReadyLine {
            name: "console".into(),
            url: format!("http://127.0.0.1:{}", ready[0].port())
        }]
    );
    let answer = ask(
        ready[0].port(),
        &post(
            "/external/authentication/validation",
            r#"{"username":"test","password":"Test12345!"}"#,
        ),
    );
    assert_eq!(
        answer,
        Answer::worded(Kind::Console, Operation::Validation, Outcome::Authenticated)
    );
}

#[test]
fn the_ready_file_says_all_and_is_gone_at_the_end() {
    let folder = Folder::new();
    let path = folder.path("ready.json");
    let (process, lines) = Process::serve(2, &["--ready-file", &path, "--seed", "42"]);
    let text = fs::read_to_string(&path).unwrap();
    let ready: Ready = serde_json::from_str(&text).unwrap();
    let ca = ready.ca.as_deref().unwrap();
    let [sensor, console] = [&lines[0].url, &lines[1].url];
    let expected = serde_json::json!({
        "version": 1, "pid": process.id(), "seed": 42, "ca": ca, "control": null, "appliances": [
            { "name": "sensor", "kind": "sensor", "url": sensor }, { "name": "console", "kind": "console", "url": console },
        ],
    });
    assert_eq!(text, format!("{expected}\n"));
    assert!(
        ca.starts_with("-----BEGIN CERTIFICATE-----")
            && answers(sensor, Some(ca))
            && answers(console, Some(ca))
    );
    assert_eq!(folder.names(), ["ready.json"]);
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    assert!(folder.names().is_empty());
}

#[test]
fn no_address_means_this_machine_in_what_is_said() {
    let mut process = Process::start(&["serve", "--listen", "0.0.0.0:0"]);
    for line in process.ready(2) {
        assert_eq!(line.url, format!("https://127.0.0.1:{}", line.port()));
        TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    }
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    // A machine without IPv6 cannot tell.
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let mut process = Process::start(&["serve", "--listen", "[::1]:0", "--http"]);
    for line in process.ready(2) {
        assert_eq!(line.url, format!("http://[::1]:{}", line.port()));
        TcpStream::connect(("::1", line.port())).unwrap();
    }
}

#[test]
fn how_to_ask_is_said_on_stderr_and_works_as_it_is_said() {
    let (mut process, ready) = Process::serve(2, &[]);
    for (line, kind) in ready.iter().zip([Kind::Sensor, Kind::Console]) {
        let said = process.says(&format!("note: ask {}: curl -k ", line.name));
        let command = said
            .split_once(": curl")
            .map(|(_, rest)| format!("curl -sS --noproxy '*' {rest}"))
            .unwrap();
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let expected = Answer::worded(kind, Operation::Validation, Outcome::Authenticated).body;
        assert_eq!(
            (
                String::from_utf8(output.stdout).unwrap(),
                String::from_utf8(output.stderr).unwrap()
            ),
            (expected, String::new())
        );
    }
    process.says("Ctrl-C");
}

#[test]
fn quiet_is_quiet() {
    let (process, _) = Process::serve(2, &["-q"]);
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (Some(0), "", "")
    );
}

#[rstest]
#[case::closed("exec \"$0\" \"$@\" >&-")]
#[case::full("exec \"$0\" \"$@\" >/dev/full")]
fn a_useless_stdout_stops_nothing(#[case] script: &str) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let mut process = Process::spawn(Command::new("sh").args([
        "-c",
        script,
        PROGRAM,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--ready-file",
        &file,
    ]));
    process.says("Ctrl-C");
    let ready: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        ready
            .appliances
            .iter()
            .all(|served| answers(&served.url, ready.ca.as_deref()))
    );
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
}

// — certificates —

#[test]
fn the_ca_that_is_written_is_all_a_client_needs() {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let (_process, ready) = Process::serve(1, &["--kind", "sensor", "--ca-out", &ca]);
    let (url, port) = (&ready[0].url, ready[0].port());
    assert!(answers(url, Some(&fs::read_to_string(&ca).unwrap())));
    assert!(
        !answers(url, Some(Identified::new(&["127.0.0.1"]).cert.as_str())),
        "any certificate is taken: nothing is verified"
    );
    assert_eq!(curl(&["--cacert", &ca, url]), 0);
    assert_eq!(
        curl(&["--cacert", &ca, &format!("https://localhost:{port}")]),
        0
    );
    assert_eq!(curl(&[url]), PEER_NOT_VERIFIED);
}

#[test]
fn a_further_name_stands_in_the_certificate() {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let named = |args: &[&str]| {
        let args: Vec<&str> = ["--kind", "sensor", "--ca-out", &ca]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let (_process, ready) = Process::serve(1, &args);
        let port = ready[0].port();
        curl(&[
            "--cacert",
            &ca,
            "--resolve",
            &format!("plant.example:{port}:127.0.0.1"),
            &format!("https://plant.example:{port}"),
        ])
    };
    assert_eq!(
        named(&["--san", "other.example", "--san", "plant.example"]),
        0
    );
    assert_eq!(named(&["--san", "other.example"]), PEER_NOT_VERIFIED);
}

#[test]
fn a_certificate_of_one_s_own_is_served() {
    let folder = Folder::new();
    let own = Identified::new(&["127.0.0.1"]);
    let (cert, key, file) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
        folder.path("ready.json"),
    );
    let (_process, lines) = Process::serve(
        1,
        &[
            "--kind",
            "sensor",
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
            "--ready-file",
            &file,
        ],
    );
    assert!(answers(&lines[0].url, Some(&own.cert)));
    let ready: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(ready.ca, None);
}

#[rstest]
#[case::another_s_key(
    "cert.pem",
    "other.pem",
    "the key does not belong to the first certificate"
)]
#[case::swapped("key.pem", "cert.pem", "no BEGIN CERTIFICATE in the certificate file")]
#[case::no_key("cert.pem", "cert.pem", "no BEGIN PRIVATE KEY")]
#[case::empty("empty.pem", "key.pem", "no BEGIN CERTIFICATE in the certificate file")]
#[case::damaged("cert.pem", "damaged.pem", "a BEGIN line without its END line")]
#[case::encrypted("cert.pem", "encrypted.pem", "the key is encrypted")]
#[case::missing("nowhere.pem", "key.pem", "No such file")]
fn a_certificate_that_cannot_be_served_starts_nothing(
    #[case] cert: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let folder = Folder::new();
    let (own, other) = (
        Identified::new(&["127.0.0.1"]),
        Identified::new(&["127.0.0.1"]),
    );
    folder.write("cert.pem", &own.cert);
    folder.write("key.pem", &own.key);
    folder.write("other.pem", &other.key);
    folder.write("empty.pem", "");
    folder.write("damaged.pem", &own.key.replace("-----END", "-----"));
    folder.write(
        "encrypted.pem",
        &own.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
    );
    let end = refused(&[
        "--tls-cert",
        &folder.path(cert),
        "--tls-key",
        &folder.path(key),
    ]);
    assert!(end.err.contains(expected), "{}", end.err);
    assert!(end.err.contains(cert), "the file is not named: {}", end.err);
    // A line of the key, wherever it stood.
    let secret = own.key.lines().nth(1).unwrap();
    assert!(!end.err.contains(&secret[..20]), "the key is shown");
}

#[rstest]
#[case::certificate_without_key(&["--tls-cert", "x"], "--tls-key")]
#[case::key_without_certificate(&["--tls-key", "x"], "--tls-cert")]
#[case::http_with_a_certificate(&["--http", "--ca-out", "x"], "cannot be used with")]
#[case::name_with_a_port(&["--san", "plant:8443"], "--san plant:8443: expected a host name or an IP address, without a port")]
#[case::kind(&["--kind", "probe"], "expected one of console, sensor")]
#[case::kind_of_a_fixture(&["--kind", "sensor", "plant.yaml"], "cannot be used with")]
#[case::reading_without_a_name(&["--reading", "X11"], "expected FACT=NAME")]
#[case::reading_unknown(&["--reading", "X11=tabel"], "expected one of example, table\n  hint: did you mean `table`?")]
#[case::mode_unknown(&["--fail", "hangin"], "unknown failure mode `hangin`\n  hint: did you mean `hanging`?")]
#[case::mode_like_no_other(&["--fail", "nope"], "unknown failure mode `nope`\n  hint: expected one of ")]
#[case::no_such_fixture(&["nowhere.yaml"], "nowhere.yaml")]
#[case::ready_file_in_no_folder(&["--ready-file", "/nowhere/ready.json"], "/nowhere/ready.json")]
fn what_does_not_go_together_is_said(#[case] args: &[&str], #[case] expected: &str) {
    let end = refused(args);
    assert!(end.err.contains(expected), "{}", end.err);
}

#[rstest]
#[case::a_word("nonsense", "expected an IP address and a port")]
#[case::a_port_alone("8443", "did you mean 127.0.0.1:8443?")]
#[case::a_colon_and_a_port(":8443", "did you mean 127.0.0.1:8443?")]
#[case::a_name("localhost:9443", "did you mean 127.0.0.1:9443?")]
#[case::an_address_alone("::1", "did you mean [::1]:8443?")]
#[case::a_port_too_high("127.0.0.1:65536", "expected an IP address and a port")]
#[case::the_last_port("127.0.0.1:65535", "no port is left for console")]
// Of the documentation's addresses (RFC 5737), no machine has one.
#[case::another_machine_s("192.0.2.1:8443", "this machine has no such address")]
fn an_address_that_cannot_be_is_answered_with_one_that_can(
    #[case] address: &str,
    #[case] expected: &str,
) {
    let end = Process::start(&["serve", "--listen", address]).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(end.err.contains(expected), "{}", end.err);
}

// — fixtures and ports —

#[test]
fn fixtures_take_consecutive_ports_unless_they_name_one() {
    let folder = Folder::new();
    let first = free_ports(4);
    for (name, listen) in [
        ("a", None),
        ("b", Some(first + 3)),
        ("c", None),
        ("d", None),
    ] {
        let listen = listen.map_or_else(String::new, |port| format!("listen: 127.0.0.1:{port}\n"));
        folder.write(
            &format!("{name}.yaml"),
            &format!("appliance: sensor\nname: {name}\n{listen}"),
        );
    }
    let mut process = Process::start(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:{first}"),
        &folder.path(""),
    ]);
    let ports: Vec<(String, u16)> = process
        .ready(4)
        .into_iter()
        .map(|line| (line.name.clone(), line.port()))
        .collect();
    let expected = [
        ("a", first),
        ("b", first + 3),
        ("c", first + 1),
        ("d", first + 2),
    ];
    assert_eq!(ports, expected.map(|(name, port)| (name.to_owned(), port)));
}

#[test]
fn a_port_that_a_fixture_took_is_said_to_be_its() {
    let folder = Folder::new();
    let first = free_ports(2);
    let a = folder.write("a.yaml", "appliance: sensor\nname: a\n");
    let b = folder.write(
        "b.yaml",
        &format!(
            "appliance: sensor\nname: b\nlisten: 127.0.0.1:{}\n",
            first + 1
        ),
    );
    let c = folder.write("c.yaml", "appliance: sensor\nname: c\n");
    let end = Process::start(&[
        "serve",
        "--listen",
        &format!("127.0.0.1:{first}"),
        &a,
        &b,
        &c,
    ])
    .end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(
        end.err
            .contains(&format!("c cannot listen on 127.0.0.1:{}", first + 1))
            && end.err.contains("`b` of this start"),
        "{}",
        end.err
    );
}

#[test]
fn two_of_one_name_are_shown_in_both_places() {
    let folder = Folder::new();
    let a = folder.write("a.yaml", "appliance: sensor\nname: plant\n");
    let b = folder.write("b.yaml", "\nname: plant\nappliance: console\n");
    let end = refused(&[&a, &b]);
    assert!(
        end.err.contains(&format!("{a}:2:7")) && end.err.contains(&format!("{b}:2:7")),
        "{}",
        end.err
    );
}

#[test]
fn a_mistyped_key_is_pointed_at() {
    let folder = Folder::new();
    let file = folder.write(
        "plant.yaml",
        "appliance: sensor\nusers:\n  - { username: a, pasword: Canary-1, role: admin }\n",
    );
    let end = refused(&[&file]);
    assert!(
        end.err.contains(&format!("{file}:3:20")) && end.err.contains("did you mean `password`?"),
        "{}",
        end.err
    );
    assert!(!end.err.contains("Canary"), "{}", end.err);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let first = free_ports(2);
    let _taken = TcpListener::bind(("127.0.0.1", first + 1)).unwrap();
    let end = Process::start(&["serve", "--listen", &format!("127.0.0.1:{first}")]).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    let expected = format!(
        "console cannot listen on 127.0.0.1:{}: Address already in use",
        first + 1
    );
    assert!(
        end.err.contains(&expected) && end.err.contains("--listen 127.0.0.1:0 takes any free port"),
        "{}",
        end.err
    );
    TcpListener::bind(("127.0.0.1", first)).unwrap();
}

#[test]
fn two_processes_at_once_are_two_appliances() {
    let ((_first, one), (_second, other)) = (
        Process::serve(1, &["--kind", "sensor", "--http"]),
        Process::serve(1, &["--kind", "sensor", "--http"]),
    );
    let change = post(
        "/api/external/authentication/set_password",
        r#"{"username":"test","password":"Test12345!","new_password":"Test54321!"}"#,
    );
    let expected = Answer::worded(
        Kind::Sensor,
        Operation::SetPassword,
        Outcome::PasswordReplaced,
    );
    // What was changed in the one is as it was in the other.
    assert_eq!(
        [ask(one[0].port(), &change), ask(other[0].port(), &change)],
        [expected.clone(), expected]
    );
}

// — the end —

#[rstest]
#[case::sigterm(Signal::TERM)]
#[case::sigint(Signal::INT)]
fn a_signal_ends_it_at_once_whatever_clients_hold_open(#[case] signal: Signal) {
    let (process, ready) = Process::serve(2, &["--http"]);
    let mut greeted = TcpStream::connect(("127.0.0.1", ready[0].port())).unwrap();
    greeted.set_read_timeout(Some(SOON)).unwrap();
    greeted
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&mut greeted).status, 404);
    let _silent = TcpStream::connect(("127.0.0.1", ready[1].port())).unwrap();
    let mut halfway = TcpStream::connect(("127.0.0.1", ready[1].port())).unwrap();
    halfway
        .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nfour")
        .unwrap();
    let began = Instant::now();
    process.signal(signal);
    let end = process.end();
    let took = began.elapsed();
    assert_eq!(end.code, Some(0), "{}", end.err);
    // It is to be within 100 ms; a busy machine is given ten times that.
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert_eq!(greeted.read(&mut [0]).unwrap(), 0);
}

#[test]
fn no_answer_is_cut_by_the_end() {
    let (process, ready) = Process::serve(1, &["--kind", "sensor", "--http"]);
    let port = ready[0].port();
    let clients = 4;
    let busy = Arc::new(Barrier::new(clients + 1));
    let talks: Vec<_> = (0..clients)
        .map(|_| {
            let busy = Arc::clone(&busy);
            thread::spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let mut whole = 0;
                loop {
                    // The end may come between two requests; what it must not do is come within an answer.
                    let sent = stream.write_all(b"GET /busy HTTP/1.1\r\nhost: x\r\n\r\n");
                    let Some(answer) = sent.ok().and_then(|()| Answer::read_or_end(&mut stream))
                    else {
                        return whole;
                    };
                    assert_eq!(answer, Answer::any(Kind::Sensor, Outcome::UnknownPath));
                    whole += 1;
                    if whole == 20 {
                        busy.wait();
                    }
                }
            })
        })
        .collect();
    busy.wait();
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    for console in talks {
        assert!(console.join().unwrap() >= 20);
    }
}

#[test]
fn a_port_is_free_again_for_the_next_start() {
    let first = free_ports(1);
    for _ in 0..3 {
        let mut process = Process::start(&[
            "serve",
            "--kind",
            "sensor",
            "--http",
            "--listen",
            &format!("127.0.0.1:{first}"),
        ]);
        process.ready(1);
        let mut stream = TcpStream::connect(("127.0.0.1", first)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert_eq!(Answer::read(&mut stream).status, 404);
        // The server closes first, and so is the one whose port has to wait.
        process.signal(Signal::TERM);
        assert_eq!(process.end().code, Some(0));
    }
}

// — what is no request to an operation —

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

// — what is never shown —

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
        "serve::a_panic_tells_its_place_and_not_its_text",
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

// — a stderr that nobody reads —

#[test]
fn failed_handshakes_with_an_unread_stderr_stop_nothing() {
    let mut unread = Unread::serve(&[]);

    for _ in 0..900 {
        TcpStream::connect(("127.0.0.1", unread.port)).unwrap();
    }

    let url = format!("https://127.0.0.1:{}", unread.port);
    assert_eq!(curl(&["-k", &url]), 0);
    assert_eq!(unread.end(), Some(0));
}

#[test]
fn request_lines_with_an_unread_stderr_stop_nothing() {
    let mut unread = Unread::serve(&["-v", "--http"]);
    let request = post(
        "/api/external/authentication/validation",
        r#"{"username":"test","password":"Test12345!"}"#,
    );
    let expected = Answer::worded(Kind::Sensor, Operation::Validation, Outcome::Authenticated);

    for _ in 0..1_200 {
        assert_eq!(ask(unread.port, &request), expected);
    }

    assert_eq!(unread.end(), Some(0));
}

/// `serve` with a full pipe as its stderr, which nobody reads.
struct Unread {
    child: Child,
    port: u16,
    _stderr: PipeReader,
}

impl Unread {
    fn serve(args: &[&str]) -> Unread {
        let (reader, mut writer) = io::pipe().unwrap();
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
        while writer.write(&[b'.'; 4096]).is_ok() {}
        rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--kind", "sensor", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(writer)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        Unread {
            child,
            port: ReadyLine::read(line.trim_end()).port(),
            _stderr: reader,
        }
    }

    fn end(&mut self) -> Option<i32> {
        rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

// — what stands at the path of a file that is written —

#[test]
fn a_ready_file_goes_through_a_symbolic_link() {
    let folder = Folder::new();
    symlink("real.json", folder.path("link.json")).unwrap();
    let (process, _) = Process::serve(2, &["--ready-file", &folder.path("link.json")]);
    assert_eq!(folder.names(), ["link.json", "real.json"]);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["link.json"]);
}

#[test]
fn a_ready_file_goes_into_a_fifo() {
    let folder = Folder::new();
    let path = folder.path("fifo");
    mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    let reader = thread::spawn({
        let path = path.clone();
        move || fs::read_to_string(path).unwrap()
    });
    let (process, _) = Process::serve(2, &["--ready-file", &path]);
    let ready: Ready = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(ready.appliances.len(), 2);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["fifo"]);
}

#[test]
fn a_fifo_without_a_reader_leaves_signals_in_force() {
    let folder = Folder::new();
    let path = folder.path("fifo");
    mkfifoat(CWD, &path, Mode::RWXU).unwrap();
    let ca = folder.path("ca.pem");
    let listen = ["--listen", "127.0.0.1:0"];
    let files = ["--ca-out", &ca, "--ready-file", &path];
    let process = Process::start(&[&["serve"], &listen[..], &files[..]].concat());
    // The CA is written first.
    let deadline = Instant::now() + SOON;
    while !Path::new(&ca).exists() && Instant::now() < deadline {
        thread::yield_now();
    }

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert_eq!(folder.names(), ["ca.pem", "fifo"]);
}

#[test]
fn a_device_stays_a_device() {
    let folder = Folder::new();
    let path = folder.path("device");
    // Only root may make one, and not everywhere; never the machine's own.
    let null = makedev(1, 3);
    if mknodat(CWD, &path, FileType::CharacterDevice, Mode::RWXU, null).is_err()
        || fs::write(&path, "").is_err()
    {
        return;
    }
    let (process, _) = Process::serve(2, &["--ready-file", &path, "--ca-out", &path]);

    process.signal(Signal::TERM);

    assert_eq!(process.end().code, Some(0));
    assert!(
        fs::symlink_metadata(&path)
            .unwrap()
            .file_type()
            .is_char_device()
    );
}

// — healthcheck —

#[rstest]
#[case::https(&[])]
#[case::http(&["--http"])]
fn healthcheck_is_content_while_all_answer_and_not_after(#[case] args: &[&str]) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let args: Vec<&str> = ["--ready-file", &file]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let (process, ready) = Process::serve(2, &args);
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (Some(0), "", "")
    );
    let kept = folder.write("kept.json", &fs::read_to_string(&file).unwrap());
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    let gone = healthcheck(&["--ready-file", &file]);
    assert_eq!(gone.code, Some(3));
    assert!(
        gone.err.contains(&file) && gone.err.contains("hint: serve writes it"),
        "{}",
        gone.err
    );
    let silent = healthcheck(&["--ready-file", &kept]);
    assert_eq!(silent.code, Some(3));
    assert!(
        ready.iter().all(|line| silent
            .err
            .contains(&format!("{} does not answer: ", line.url))),
        "{}",
        silent.err
    );
}

#[test]
fn healthcheck_names_the_one_that_does_not_answer() {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let (_process, lines) = Process::serve(1, &["--kind", "sensor", "--ready-file", &file]);
    // It takes connections and ends each without a word.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", mute.local_addr().unwrap());
    thread::spawn(move || mute.incoming().for_each(drop));
    let mut ready: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    ready["appliances"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({ "name": "mute", "kind": "sensor", "url": url }));
    let end = healthcheck(&[
        "--ready-file",
        &folder.write("both.json", &ready.to_string()),
    ]);
    assert_eq!(end.code, Some(3));
    assert!(
        end.err.contains(&url) && !end.err.contains(&lines[0].url),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_does_not_ask_whose_certificate_it_is() {
    let folder = Folder::new();
    let own = Identified::new(&["elsewhere.example"]);
    let (cert, key, file) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
        folder.path("ready.json"),
    );
    let (_process, _) = Process::serve(
        2,
        &[
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
            "--ready-file",
            &file,
        ],
    );
    assert_eq!(healthcheck(&["--ready-file", &file]).code, Some(0));
}

#[test]
fn healthcheck_refuses_a_file_that_is_none() {
    let folder = Folder::new();
    let file = folder.write("ready.json", "{\"version\":1}");
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(end.code, Some(1));
    assert!(
        end.err.contains("is not a ready file: missing field"),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_without_a_file_asks_the_default_address() {
    let end = healthcheck(&[]);
    // Somebody on this machine may be serving there.
    assert!(
        end.code == Some(0)
            || (end.code == Some(3) && end.err.contains("https://127.0.0.1:8443 does not answer")),
        "{end:?}"
    );
}

// — what the tests above speak with —

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

/// curl's exit code for a certificate it does not trust.
const PEER_NOT_VERIFIED: i32 = 60;
/// Stands for a secret, where none may be seen.
const CANARY: &str = "canary7d1f";

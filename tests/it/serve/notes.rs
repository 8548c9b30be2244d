//! "My client gets …": what stderr says at default verbosity names the cause and the remedy.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::Command,
};

use rstest::rstest;
use rustix::process::Signal;

use crate::process::{Process, SOON};

const PATH: &str = "/api/external/authentication/validation";
const ADMIN_USER: &str = "refused: the body names `admin_user`, as one command of the documents does (sensor:167, console:190); the tables have `admin_username`";
const GOOD: &str = r#"{"username":"test","password":"Test12345!"}"#;

/// Sends bytes to a sensor, waits for a note, and returns all notes.
fn notes(args: &[&str], bytes: &[u8], expected: &str) -> String {
    let args: Vec<&str> = ["--kind", "sensor"].iter().chain(args).copied().collect();
    let (mut process, lines) = Process::serve(1, &args);
    let address = lines[0].url.split_once("://").unwrap().1;
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // The server may answer and close before it has read all.
    drop(stream.write_all(bytes));
    drop(stream.shutdown(Shutdown::Write));
    drop(stream.read_to_end(&mut Vec::new()));
    process.says(expected);
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
    let is_of_start = |line: &&str| !line.contains("ask sensor") && !line.contains("Ctrl-C");
    let notes = end.err.lines().filter(is_of_start);
    notes.map(|line| format!("{line}\n")).collect()
}

fn request(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{head}\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn post(header: &str, body: &[u8]) -> Vec<u8> {
    request(&format!("POST {PATH} HTTP/1.1\r\n{header}"), body)
}

fn json(body: &[u8]) -> Vec<u8> {
    post("content-type: application/json", body)
}

#[rstest]
#[case::root(
    "GET / HTTP/1.1",
    "GET / met no operation: this sensor answers at /api/external/authentication/set_password, "
)]
#[case::slash(&format!("POST {PATH}/ HTTP/1.1"), &format!("met no operation: did you mean {PATH}?"))]
#[case::escaped("POST /api/external/authentication/v%61lidation HTTP/1.1", &format!("met no operation: did you mean {PATH}?"))]
#[case::capitals("POST /API/external/authentication/Validation HTTP/1.1", &format!("met no operation: did you mean {PATH}?"))]
#[case::console("POST /external/authentication/validation HTTP/1.1", &format!("this is the console's path of validation; this appliance is a sensor: ask {PATH}"))]
#[case::method(&format!("GET {PATH} HTTP/1.1"), "validation was refused: the method is not POST (sensor:18")]
#[case::put(&format!("PUT {PATH} HTTP/1.1"), "validation was refused: the method is not POST (sensor:18")]
#[case::credentials_in_url(&format!("POST {PATH}?username=test&password=Canary-1 HTTP/1.1\r\ncontent-type: application/json"), "validation was refused: the URL has a query: send name and password in the JSON body")]
#[case::no_type(&format!("POST {PATH} HTTP/1.1"), "validation was refused: the request names no content type: add Content-Type: application/json")]
fn a_request_line_that_is_not_right(#[case] head: &str, #[case] expected: &str) {
    let body = if head.contains('?') { "" } else { GOOD };
    let notes = notes(&["--http"], &request(head, body.as_bytes()), expected);
    assert!(
        notes.starts_with("note: sensor: ") && notes.contains(expected),
        "{notes}"
    );
    assert_eq!(notes.lines().count(), 1, "{notes}");
}

#[rstest]
#[case::curls_default(
    "content-type: application/x-www-form-urlencoded",
    GOOD,
    "JSON was sent as application/x-www-form-urlencoded, which curl does by default: add -H 'Content-Type: application/json'"
)]
#[case::form(
    "content-type: application/x-www-form-urlencoded",
    "username=test&password=Canary-1",
    "the body is a form: send a JSON object"
)]
#[case::text(
    "content-type: text/plain",
    GOOD,
    "the content type is not application/json: send JSON"
)]
#[case::two_types(
    "content-type: text/plain\r\ncontent-type: application/json",
    GOOD,
    "the request has Content-Type more than once"
)]
#[case::gzip(
    "content-type: application/json\r\ncontent-encoding: gzip",
    "\u{1f}\u{8b}",
    "the body is compressed: send it without Content-Encoding"
)]
#[case::byte_order_mark(
    "content-type: application/json",
    "\u{feff}{}",
    "the body begins with a byte order mark"
)]
#[case::no_json(
    "content-type: application/json",
    "{'username': 'test'}",
    "the body is not JSON: names and texts need double quotes"
)]
#[case::shell_escape(
    "content-type: application/json",
    r#"{"username":"a","password":"Canary\?"}"#,
    "a backslash before a character that JSON does not escape"
)]
#[case::list(
    "content-type: application/json",
    "[1]",
    "the body is JSON, but not an object"
)]
#[case::text_value(
    "content-type: application/json",
    "\"a\"",
    "the body is JSON, but not an object"
)]
#[case::empty(
    "content-type: application/json",
    "",
    "the body is missing: every operation takes a JSON object"
)]
#[case::no_password(
    "content-type: application/json",
    r#"{"username":"test"}"#,
    "a required field is missing: `password`"
)]
#[case::no_username(
    "content-type: application/json",
    r#"{"user":"test","password":"Canary-1"}"#,
    "a required field is missing: `username`"
)]
#[case::null(
    "content-type: application/json",
    r#"{"username":"test","password":null}"#,
    "a required field is null: `password`"
)]
#[case::number(
    "content-type: application/json",
    r#"{"username":7,"password":"Canary-1"}"#,
    "a field is not a string: `username`"
)]
#[case::no_value(
    "content-type: application/json",
    r#"{"username":"test","password":""}"#,
    "a required field is an empty string: `password`"
)]
fn a_body_that_is_not_right(#[case] head: &str, #[case] body: &str, #[case] expected: &str) {
    let notes = notes(&["--http"], &post(head, body.as_bytes()), expected);
    let start = "note: sensor: validation was refused: ";
    assert!(
        notes.starts_with(start) && notes.contains(expected),
        "{notes}"
    );
    assert!(
        notes.lines().count() == 1 && !notes.contains("Canary"),
        "{notes}"
    );
}

#[test]
fn a_body_that_is_not_utf8() {
    let notes = notes(
        &["--http"],
        &json(b"{\"username\":\"\xff\"}"),
        "refused: the body is not UTF-8",
    );
    assert_eq!(notes.lines().count(), 1, "{notes}");
}

#[rstest]
#[case::admin_user(r#"{"admin_user":"admin","admin_password":"Canary-1","username":"test","new_password":"Canary-2"}"#, ADMIN_USER)]
#[case::own_change(
    r#"{"username":"test","password":"Canary-1","new_password":"Canary-2"}"#,
    "refused: the body has the fields of set_password: ask that operation, or add admin_username"
)]
fn the_fields_of_another_request(#[case] body: &str, #[case] expected: &str) {
    let head = "POST /api/external/authentication/set_password_by_admin HTTP/1.1\r\ncontent-type: application/json";
    let notes = notes(&["--http"], &request(head, body.as_bytes()), expected);
    assert!(
        notes.contains(expected) && !notes.contains("Canary"),
        "{notes}"
    );
}

#[rstest]
#[case::no_host(format!("POST {PATH} HTTP/1.1\r\n\r\n"), "breaks a rule of HTTP: no Host or several")]
#[case::two_hosts(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"), "breaks a rule of HTTP: no Host or several")]
#[case::coding(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "a transfer coding that is not valid")]
#[case::half_a_body(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{{"), "or a body that ends early")]
#[case::large_body(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 70000\r\n\r\n"), "the body is larger than an appliance reads")]
#[case::large_head(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\nx-big: {}\r\n\r\n", "a".repeat(40_000)), "its header lines are longer than an appliance reads")]
#[case::http2("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), "sent HTTP/2 with prior knowledge: make it speak HTTP/1.1")]
#[case::words("hello there\r\n\r\n".into(), "sent what is not HTTP/1.1")]
#[case::ssh("SSH-2.0-OpenSSH_9.6\r\n".into(), "sent what is not HTTP/1.1")]
#[case::http3("GET / HTTP/3.0\r\nhost: a\r\n\r\n".into(), "sent what is not HTTP/1.1")]
#[case::folded(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n"), "sent what is not HTTP/1.1")]
#[case::two_lengths(format!("POST {PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"), "sent what is not HTTP/1.1")]
fn what_is_refused_before_it_is_a_request(#[case] bytes: String, #[case] expected: &str) {
    let notes = notes(&["--http"], bytes.as_bytes(), expected);
    assert!(
        notes.contains(expected) && notes.lines().count() == 1,
        "{notes}"
    );
}

#[rstest]
#[case::plain_http(&format!("GET {PATH} HTTP/1.1\r\n\r\n"), "the client does not speak TLS: plain HTTP needs --http")]
#[case::words("hello there, who are you?", "the client does not speak TLS")]
fn what_is_not_tls(#[case] text: &str, #[case] expected: &str) {
    let notes = notes(&[], text.as_bytes(), expected);
    assert!(
        notes.contains(expected) && notes.lines().count() == 1,
        "{notes}"
    );
}

#[rstest]
#[case::to_plain_http(&["--http"], &["-k"], true, "sent TLS to a port of plain HTTP: leave out --http")]
#[case::untrusted(&[], &[], false, "the client does not trust the certificate: unless a failure mode has changed it, give it the CA that --ca-out writes")]
#[case::old(&[], &["-k", "--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"], false, "it must offer TLS 1.2 or 1.3")]
#[case::rsa(&[], &["-k", "--tls-max", "1.2", "--ciphers", "AES128-SHA"], false, "have no cipher in common")]
#[case::http2(&["--http"], &["--http2-prior-knowledge"], false, "sent HTTP/2 with prior knowledge: make it speak HTTP/1.1")]
fn curl_that_is_used_wrongly(
    #[case] args: &[&str],
    #[case] options: &[&str],
    #[case] is_https: bool,
    #[case] expected: &str,
) {
    let args: Vec<&str> = ["--kind", "sensor"].iter().chain(args).copied().collect();
    let (mut process, lines) = Process::serve(1, &args);
    let url = match is_https {
        true => lines[0].url.replace("http://", "https://"),
        false => lines[0].url.clone(),
    };
    let mut curl = Command::new("curl");
    let curl = curl.args(["-sS", "--noproxy", "*", "-o", "/dev/null"]);
    let status = curl.args(options).arg(&url).status().unwrap();
    assert!(!status.success());
    process.says(expected);
    process.signal(Signal::TERM);
    let end = process.end();
    assert!(end.err.contains(expected), "{}", end.err);
}

#[test]
fn equal_notes_are_counted() {
    let twelve = request("GET /favicon.ico HTTP/1.1", b"").repeat(12);
    let notes = notes(&["--http"], &twelve, "(10 times so far)");
    let lines: Vec<&str> = notes.lines().collect();
    assert!(
        lines.len() == 2 && lines[1].ends_with("(10 times so far)"),
        "{notes}"
    );
}

/// A run in which no request was one is no success.
#[rstest]
#[case::no_host(
    "POST / HTTP/1.1\r\n\r\n",
    "POST / was refused",
    "POST / (bad_request)"
)]
#[case::no_http("hello\r\n\r\n", "sent what is not", "not HTTP/1.1")]
fn strict_counts_what_is_refused_early(
    #[case] bytes: &str,
    #[case] note: &str,
    #[case] expected: &str,
) {
    let (mut process, lines) = Process::serve(1, &["--kind", "sensor", "--http", "--strict"]);
    let mut stream = TcpStream::connect(lines[0].url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    process.says(note);
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(1), "{}", end.err);
    assert!(
        end.err
            .contains(&format!("1 request hit no operation: {expected}")),
        "{}",
        end.err
    );
}

#[test]
fn a_password_in_a_path_is_not_shown() {
    // One of the documentation's own, which other messages may show.
    let path = format!("GET {PATH}/myUser/1234%40abcd HTTP/1.1");
    let notes = notes(
        &["--http"],
        &request(&path, b""),
        "GET on a path with a password in it",
    );
    assert!(!notes.contains("1234"), "{notes}");
}

/// What our own failure mode does is not the client's mistake.
#[test]
fn plain_http_in_place_of_tls_is_not_a_mistake() {
    let args = ["--kind", "sensor", "--strict", "--fail", "plain_http"];
    let (process, lines) = Process::serve(1, &args);
    let curl = Command::new("curl")
        .args(["-sk", "--noproxy", "*", &lines[0].url])
        .status();
    assert!(!curl.unwrap().success());
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
}

#[test]
fn a_head_of_too_many_lines_has_a_note_of_its_own() {
    let head = format!("POST {PATH} HTTP/1.1\r\n{}", "a: b\r\n".repeat(120));
    notes(
        &["--http"],
        &request(head.trim_end(), b""),
        "or of more than 100 lines",
    );
}

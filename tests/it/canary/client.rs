//! What a client could send with a password in it, and how it is sent.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{
    ADMIN, BEARER, LATER, NOBODYS, TEST, quoted,
    search::{base64, percent},
};
use crate::process;

/// Path and query, headers, body.
pub(super) type Sent = (String, Vec<(&'static str, String)>, String);

/// What a client could send, and where it could put a password: path and query, headers, body.
pub(super) fn requests(prefix: &str) -> Vec<Sent> {
    let json = || ("content-type", "application/json".to_owned());
    let validation = |password: &str| {
        format!(
            r#"{{"username": "test", "password": {}}}"#,
            quoted(password)
        )
    };
    let by_user = |old: &str, new: &str| {
        format!(
            r#"{{"username": "test", "password": {}, "new_password": {}}}"#,
            quoted(old),
            quoted(new)
        )
    };
    let by_admin = |name: &str, new: &str| {
        format!(
            r#"{{"{name}": "admin", "admin_password": {}, "username": "test", "new_password": {}}}"#,
            quoted(ADMIN),
            quoted(new)
        )
    };
    let of = |operation: &str| format!("{prefix}/{operation}");
    vec![
        (of("validation"), vec![json()], validation(TEST)),
        (of("validation"), vec![json()], validation(NOBODYS)),
        (of("set_password"), vec![json()], by_user(TEST, LATER)),
        (of("set_password"), vec![json()], by_user(LATER, TEST)),
        (of("set_password"), vec![json()], by_user(TEST, "short")),
        (
            of("set_password_by_admin"),
            vec![json()],
            by_admin("admin_username", LATER),
        ),
        (
            of("set_password_by_admin"),
            vec![json()],
            by_admin("admin_user", NOBODYS),
        ),
        (
            of("set_password_by_admin"),
            vec![json()],
            by_admin("admin_username", TEST),
        ),
        // A password for a name, as who swaps the two sends it: it is echoed by no answer that is not meant to.
        (
            of("validation"),
            vec![json()],
            format!(r#"{{"username": {}, "password": "test"}}"#, quoted(TEST)),
        ),
        (
            of("validation"),
            vec![json()],
            format!(r#"{{"username": "test", "pasword": {}}}"#, quoted(NOBODYS)),
        ),
        (
            of("validation"),
            vec![json()],
            format!("{{\"username\": \"test\", \"password\": {}", quoted(TEST)),
        ),
        (
            of("validation"),
            vec![json()],
            format!("[{}]", quoted(TEST)),
        ),
        (
            of("validation"),
            vec![("content-type", "application/x-www-form-urlencoded".into())],
            format!("username=test&password={}", percent(TEST)),
        ),
        (
            format!(
                "{}?username=test&password={}",
                of("validation"),
                percent(TEST)
            ),
            vec![],
            String::new(),
        ),
        (
            format!("/elsewhere/{}", percent(TEST)),
            vec![json()],
            validation(TEST),
        ),
        (
            of("validation"),
            vec![json(), ("authorization", format!("Bearer {BEARER}"))],
            validation(TEST),
        ),
        (
            of("validation"),
            vec![
                json(),
                (
                    "authorization",
                    format!("Basic {}", base64(format!("test:{TEST}").as_bytes())),
                ),
            ],
            validation(TEST),
        ),
        (
            of("validation"),
            vec![json(), ("x-trace", format!("sent {} again", percent(TEST)))],
            validation(TEST),
        ),
        (
            of("validation"),
            vec![json(), ("cookie", format!("session={BEARER}"))],
            validation(TEST),
        ),
    ]
}

/// Asks once on a connection of its own, and returns all that comes back.
pub(super) fn ask(
    url: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<u8> {
    let answer = ask_within(process::SOON, url, method, target, headers, body);
    assert!(!answer.is_empty(), "{method} {target}");
    answer
}

/// Does the same, and returns what has come by then; nothing where the port is closed.
pub(super) fn ask_within(
    time: Duration,
    url: &str,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Vec<u8> {
    let address = url.strip_prefix("http://").unwrap();
    let Ok(mut stream) = TcpStream::connect(address) else {
        return Vec::new();
    };
    stream.set_read_timeout(Some(time)).unwrap();
    let mut request =
        format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    if !headers.iter().any(|(name, _)| *name == "content-type") && !body.is_empty() {
        request.push_str(if body.starts_with('{') {
            "content-type: application/json\r\n"
        } else {
            "content-type: application/yaml\r\n"
        });
    }
    request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    // A failure mode may end the connection before all is sent.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

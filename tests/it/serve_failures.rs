//! `serve` as its users run it: failure modes by name, what a strict run tells at its end, fixtures that change beneath it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

const SENSOR: &str = "appliance: sensor\nname: a\n";

#[test]
fn a_strict_run_in_which_all_was_hit_and_fired_ends_well() {
    let mut serve = Serve::start(&[
        "-q",
        "--kind",
        "sensor",
        "--http",
        "--strict",
        "--fail",
        "commit_then_reset",
        "--seed",
        "7",
    ]);
    let url = serve.ready();
    assert_eq!(ask(&url, "set_password", &change()), None, "reset");
    assert_eq!(
        ask(&url, "validation", &right("test", "Test12345!")),
        Some(401)
    );
    assert_eq!(
        ask(&url, "validation", &right("test", "Later12345!")),
        Some(200)
    );
    assert_eq!(serve.end(), (0, String::new()));
}

#[test]
fn a_file_of_modes_is_added_to_every_appliance() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("modes.yaml");
    fs::write(
        &file,
        "failures: [{ name: own, when: { times: 1 }, do: { status: 418 } }]",
    )
    .unwrap();
    let shown = file.to_str().unwrap();
    let mut serve = Serve::start(&[
        "-q",
        "--kind",
        "sensor",
        "--http",
        "--strict",
        "--failures",
        shown,
    ]);
    let url = serve.ready();
    let body = right("test", "Test12345!");
    assert_eq!(ask(&url, "validation", &body), Some(418));
    assert_eq!(ask(&url, "validation", &body), Some(200));
    assert_eq!(serve.end(), (0, String::new()));
}

#[test]
fn a_strict_run_tells_what_was_not_hit_and_did_not_fire() {
    let mut serve = Serve::start(&[
        "--kind",
        "sensor",
        "--http",
        "--strict",
        "--fail",
        "commit_then_reset",
        "--seed",
        "7",
    ]);
    let url = serve.ready();
    assert_eq!(ask(&url, "nowhere", "{}"), Some(404));
    let (code, said) = serve.end();
    assert_eq!(code, 1);
    assert!(
        said.contains(
            "error: sensor: 1 request hit no operation: POST /api/external/authentication/nowhere\n"
        ),
        "{said}"
    );
    assert!(
        said.contains("error: sensor: the armed failure mode commit_then_reset never fired"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_is_refused_before_anything_listens() {
    for (arguments, said) in [
        (
            ["--http", "--fail", "expired_certificate"],
            "cannot happen over plain HTTP",
        ),
        (["--http", "--fail", "slo"], "unknown failure mode `slo`"),
        (["--http", "--fail", "slow,"], "unknown failure mode"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
            .arg("serve")
            .args(arguments)
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(said) && output.stdout.is_empty(), "{err}");
    }
}

#[test]
fn watched_folder_reloads_only_changed_fixtures() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| replace(&folder.path().join(name), text);
    write("a.yaml", SENSOR);
    write("b.yaml", "appliance: sensor\nname: b\n");
    let path = folder.path().to_str().unwrap();
    let mut serve = Serve::start(&[path, "--http", "--watch", "--seed", "7"]);
    let (a, b) = (serve.ready(), serve.ready());
    for url in [&a, &b] {
        assert_eq!(ask(url, "set_password", &change()), Some(200));
    }
    // What does not load leaves all in force.
    write("a.yaml", "appliance: sensor\nname: a\nbogus: 1\n");
    serve.says("unknown key `bogus`");
    serve.says("the previous fixtures are still served");
    assert_eq!(
        ask(&a, "validation", &right("test", "Later12345!")),
        Some(200)
    );
    // What changed restarts, on the same port; its neighbour keeps its state.
    write("a.yaml", &format!("{SENSOR}use: [html_instead_of_json]\n"));
    serve.says("a restarts, changed: failures");
    let _ = ask(&a, "validation", &right("test", "Test12345!"));
    assert_eq!(
        ask(&b, "validation", &right("test", "Later12345!")),
        Some(200)
    );
    write("a.yaml", &format!("{SENSOR}policy: product_16\n"));
    serve.says("a restarts, changed: policy, failures");
    assert_eq!(
        ask(&a, "validation", &right("test", "Test12345!")),
        Some(200)
    );
    // Files that come and go.
    write("c.yaml", "appliance: sensor\nname: c\n");
    serve.says("added sensor c");
    let c = serve.ready();
    assert_eq!(
        ask(&c, "validation", &right("test", "Test12345!")),
        Some(200)
    );
    fs::remove_file(folder.path().join("b.yaml")).unwrap();
    serve.says("removed b");
    assert_eq!(serve.end().0, 0);
}

#[test]
fn files_of_failure_modes_are_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mode = |name: &str, status: u16| {
        format!("failures: [{{ name: {name}, on: validation, do: {{ status: {status} }} }}]\n")
    };
    let write = |name: &str, text: &str| replace(&folder.path().join(name), text);
    write("a.yaml", &format!("{SENSOR}use: [./used.yaml]\n"));
    write("used.yaml", &mode("used", 500));
    write("more.yaml", &mode("more", 501));
    let (fixture, more) = (path("a.yaml"), path("more.yaml"));
    let args = [
        &fixture,
        "--failures",
        &more,
        "--http",
        "--watch",
        "--seed",
        "7",
    ];
    let mut serve = Serve::start(&args);
    let url = serve.ready();
    let status = || ask(&url, "validation", &right("test", "Test12345!"));
    assert_eq!(status(), Some(500));
    write("used.yaml", &mode("used", 502));
    serve.says("a restarts, changed: failures");
    assert_eq!(status(), Some(502));
    write("a.yaml", SENSOR);
    serve.says("a restarts, changed: failures");
    assert_eq!(status(), Some(501));
    write("more.yaml", &mode("more", 503));
    serve.says("a restarts, changed: failures");
    assert_eq!(status(), Some(503));
    assert_eq!(serve.end().0, 0);
}

/// A running `serve` on any free port.
struct Serve {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Serve {
    fn start(arguments: &[&str]) -> Serve {
        let mut child = Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
            .arg("serve")
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Serve {
            child,
            out: BufReader::new(out),
            err: BufReader::new(err),
        }
    }

    /// Returns the address of the next appliance that is told to be ready.
    fn ready(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().rsplit("http://").next().unwrap().to_owned()
    }

    /// Reads what is said until it says this.
    fn says(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                self.err.read_line(&mut line).unwrap(),
                0,
                "it ended before it said {text}"
            );
        }
    }

    /// Ends it, and returns its exit code and what it still said.
    fn end(mut self) -> (i32, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let mut said = String::new();
        self.err.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code().unwrap(), said)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks on a connection of its own; no status where the connection was reset.
fn ask(address: &str, operation: &str, body: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let length = body.len();
    let request = format!(
        "POST /api/external/authentication/{operation} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).ok()?;
    String::from_utf8_lossy(&received).get(9..12)?.parse().ok()
}

fn change() -> String {
    r#"{"username":"test","password":"Test12345!","new_password":"Later12345!"}"#.to_owned()
}

fn right(username: &str, password: &str) -> String {
    format!(r#"{{"username":"{username}","password":"{password}"}}"#)
}

/// Writes a file so that nobody reads half of it.
fn replace(path: &Path, text: &str) {
    let beside = path.with_extension("tmp");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, path).unwrap();
}

//! The five clients people really use, and what each makes of what a failure mode sends: one line for every client and mode.
//!
//! The scripts under `tests/clients` make one request each. A client that is not installed is left out, and the test says so; with
//! `D4IOT_CLIENTS=all` that is an error. `.ci/run` installs the Python packages into `target/clients`.

use std::{
    env, fs, io,
    io::Write,
    path::Path,
    process::{Command, Output},
    sync::LazyLock,
    thread,
};

use d4iot_double::{
    contract::Kind,
    fixture,
    server::{MockAppliance, RunningAppliance, tls::Identity},
};
use rstest::rstest;
use rustix::process::Signal;

use crate::process::Process;

#[rstest]
#[case::well(None, None, all("ok 200"))]
#[case::reset(Some("commit_then_reset"), None, all("reset"))]
#[case::truncated(Some("truncated"), None, all("truncated"))]
#[case::hanging(Some("hanging"), None, all("timeout"))]
#[case::hanging_body(Some("hanging_body"), None, all("timeout"))]
#[case::html(Some("html_instead_of_json"), None, all("not-json"))]
#[ignore = "the clients tier: .ci/run runs it"]
fn over_http(#[case] mode: Option<&str>, #[case] said: Option<&str>, #[case] expected: Expected) {
    check("http", mode, said, expected);
}

// Over TLS a reset is not a reset to all: the system says ECONNRESET, Python's `ssl` then tells requests of an end, and Node's libuv
// may do so where bytes arrived just before.
#[rstest]
#[case::well(None, None, all("ok 200"))]
#[case::reset(Some("commit_then_reset"), None, Expected { requests: &["reset", "closed"], node: &["reset", "closed"], ..all("reset") })]
#[case::truncated(Some("truncated"), None, all("truncated"))]
#[case::hanging(Some("hanging"), None, all("timeout"))]
#[case::hanging_body(Some("hanging_body"), None, all("timeout"))]
#[case::html(Some("html_instead_of_json"), None, all("not-json"))]
#[case::expired(Some("expired_certificate"), Some("xpired"), all("certificate"))]
#[case::unknown_ca(Some("unknown_ca"), None, all("certificate"))]
#[case::wrong_name(Some("wrong_name"), None, all("certificate"))]
fn over_verified_tls(
    #[case] mode: Option<&str>,
    #[case] said: Option<&str>,
    #[case] expected: Expected,
) {
    check("https", mode, said, expected);
}

#[ignore = "the clients tier: .ci/run runs it"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_reset_is_made_all_the_same() {
    let mut sensor = fixture::built_in(Kind::Sensor);
    sensor.arm("commit_then_reset").unwrap();
    let double = RunningAppliance::open(
        MockAppliance::new(sensor.appliance(), sensor.schedule(7)),
        None,
    )
    .unwrap();
    let Some(curl) = INSTALLED.iter().find(|client| client.name == "curl") else {
        return;
    };
    let url = double.url();
    let ask = async |operation: &'static str, body: &'static str| {
        let url = url.clone();
        let asked = tokio::task::spawn_blocking(move || {
            curl.ask(&url, operation, body, Path::new("/dev/null"), LONG)
        });
        line(&asked.await.unwrap())
    };
    assert_eq!(ask("set_password", CHANGE).await, "reset");
    assert_eq!(
        ask(
            "validation",
            r#"{"username":"test","password":"Test12345!"}"#
        )
        .await,
        "ok 401",
        "the old password"
    );
    assert_eq!(
        ask(
            "validation",
            r#"{"username":"test","password":"Later12345!"}"#
        )
        .await,
        "ok 200",
        "the new password"
    );
    assert_eq!(ask("set_password", CHANGE).await, "ok 401", "a retry");
    double.stop().await;
}

/// Serves one appliance for each client, asks each with its client, and holds what they print against what is expected.
fn check(scheme: &str, mode: Option<&str>, said: Option<&str>, expected: Expected) {
    let clients = &*INSTALLED;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    let fixtures = folder.path().join("fixtures");
    fs::create_dir(&fixtures).unwrap();
    for client in clients {
        fs::write(
            fixtures.join(format!("{}.yaml", client.name)),
            format!("appliance: sensor\nname: {}\n", client.name),
        )
        .unwrap();
    }
    // Over plain HTTP any will do: the clients are given one all the same.
    fs::write(&ca, Identity::generate(&[]).unwrap().ca_pem().unwrap()).unwrap();
    let transport = if scheme == "http" {
        vec!["--http"]
    } else {
        vec!["--ca-out", ca.to_str().unwrap()]
    };
    let fail = mode.map_or_else(Vec::new, |mode| vec!["--fail", mode]);
    let arguments = [
        vec![fixtures.to_str().unwrap(), "--strict", "--seed", "7"],
        transport,
        fail,
    ]
    .concat();
    let (process, ready) = Process::serve(clients.len(), &arguments);
    let seconds = if mode.is_some_and(|mode| mode.starts_with("hanging")) {
        SHORT
    } else {
        LONG
    };
    thread::scope(|scope| {
        let running: Vec<_> = clients
            .iter()
            .map(|client| {
                let url = &ready
                    .iter()
                    .find(|line| line.name == client.name)
                    .unwrap()
                    .url;
                let ca = &ca;
                (
                    client,
                    scope.spawn(move || client.ask(url, "set_password", CHANGE, ca, seconds)),
                )
            })
            .collect();
        for (client, asked) in running {
            let output = asked.join().unwrap();
            let (printed, err) = (
                line(&output),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            );
            eprintln!(
                "| {scheme} | {} | {} | {printed} |",
                mode.unwrap_or("none"),
                client.name
            );
            assert!(
                expected.of(client.name).contains(&printed.as_str()),
                "{} printed {printed}: {err}",
                client.name
            );
            assert!(
                said.is_none_or(|said| err.contains(said)),
                "{} said no {said:?}: {err}",
                client.name
            );
        }
    });
    process.signal(Signal::TERM);
    // Strict: whatever was asked reached an operation, and the mode fired every client.
    let end = process.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
}

/// What each client may print.
#[derive(Clone, Copy, Debug)]
struct Expected {
    node: &'static [&'static str],
    requests: &'static [&'static str],
    others: &'static str,
}

fn all(line: &'static str) -> Expected {
    Expected {
        node: &[],
        requests: &[],
        others: line,
    }
}

impl Expected {
    fn of(&self, client: &str) -> Vec<&'static str> {
        match client {
            "node" if !self.node.is_empty() => self.node.to_vec(),
            "requests" if !self.requests.is_empty() => self.requests.to_vec(),
            _ => vec![self.others],
        }
    }
}

/// A client that is installed.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) name: &'static str,
    pub(crate) command: Vec<String>,
}

impl Client {
    /// Asks once, by environment alone.
    pub(crate) fn ask(
        &self,
        url: &str,
        operation: &str,
        body: &str,
        ca: &Path,
        seconds: &str,
    ) -> Output {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]);
        command.env(
            "URL",
            format!("{url}/api/external/authentication/{operation}"),
        );
        command
            .env("CA_FILE", ca)
            .env("BODY", body)
            .env("TIMEOUT", seconds);
        // Node takes it only from here.
        command.env("NODE_EXTRA_CA_CERTS", ca);
        // A proxy has no part in what is tested.
        command
            .env("NO_PROXY", "127.0.0.1,double")
            .env("no_proxy", "127.0.0.1,double");
        command.output().unwrap()
    }
}

/// The clients that are installed; which are left out is said once.
pub(crate) static INSTALLED: LazyLock<Vec<Client>> = LazyLock::new(|| {
    let root = env!("CARGO_MANIFEST_DIR");
    let own = format!("{root}/target/clients/bin/python");
    let python = if Path::new(&own).exists() {
        own
    } else {
        "python3".to_owned()
    };
    let script = |name: &str| format!("{root}/tests/clients/{name}");
    let known: [(&'static str, Vec<String>, Vec<&str>); 5] = [
        (
            "curl",
            vec!["bash".into(), script("client.sh")],
            vec!["curl", "--version"],
        ),
        (
            "requests",
            vec![python.clone(), script("client.py")],
            vec![&python, "-c", "import requests"],
        ),
        (
            "aiohttp",
            vec![python.clone(), script("client_aiohttp.py")],
            vec![&python, "-c", "import aiohttp"],
        ),
        (
            "node",
            vec!["node".into(), script("client.mjs")],
            vec![
                "node",
                "--eval",
                "process.exit(typeof fetch === 'function' ? 0 : 1)",
            ],
        ),
        // A Java without its compiler cannot start a source file.
        (
            "java",
            vec![
                "java".into(),
                "-XX:TieredStopAtLevel=1".into(),
                script("Client.java"),
            ],
            vec!["java", "--describe-module", "jdk.compiler"],
        ),
    ];
    let mut clients = Vec::new();
    for (name, command, probe) in known {
        if Command::new(probe[0])
            .args(&probe[1..])
            .output()
            .is_ok_and(|output| output.status.success())
        {
            clients.push(Client { name, command });
        } else {
            assert!(
                env::var_os("D4IOT_CLIENTS").is_none_or(|clients| clients != "all"),
                "{name} is not installed"
            );
            // Past the capture of a test's own output, so that it is seen where the test passes.
            io::stderr()
                .write_all(format!("left out, as it is not installed: {name}\n").as_bytes())
                .unwrap();
        }
    }
    clients
});

pub(crate) fn line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned()
}

const CHANGE: &str = r#"{"username":"test","password":"Test12345!","new_password":"Later12345!"}"#;

/// Seconds a client waits where nothing is to come, and where something is.
const SHORT: &str = "3";
pub(crate) const LONG: &str = "30";

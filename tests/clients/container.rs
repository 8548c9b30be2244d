//! The container of `deploy/`, as clients in another one meet it: two network namespaces, and `serve` as the first process of its own.
//!
//! `deploy/Containerfile` and `deploy/compose.yaml` say with which variables. It takes root and `ip`; elsewhere the test says that it is
//! left out.

use std::{
    fs, io,
    io::Write,
    path::Path,
    process::{self, Command, Output},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::{
    languages::{Client, INSTALLED, LONG, line},
    process::{PROGRAM, Process},
};

const TOKEN: &str = "token-of-the-container";
/// Addresses in the two namespaces alone.
const SERVER: &str = "10.77.0.2";
const CLIENT: &str = "10.77.0.3";

#[test]
#[ignore = "the clients tier: .ci/run runs it"]
fn clients_in_another_container_trust_it_and_are_answered() {
    let has_ip = Command::new("ip").arg("netns").output().is_ok();
    if !geteuid().is_root() || !has_ip {
        let text = "left out: the container, which takes root and `ip`\n";
        io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    }
    let network = Network::new();
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());

    let mut serve = network.within(&network.server, "unshare");
    serve.args(["--pid", "--fork", "--mount-proc", PROGRAM, "serve"]);
    let mut container = Process::spawn(serve.envs(settings.clone()));
    let ready = container.ready(2);
    assert_eq!(ready[0].url, "https://double:8443");
    let mut health = network.within(&network.server, PROGRAM);
    let healthy = health.arg("healthcheck").envs(settings).output().unwrap();
    assert!(healthy.status.success(), "{healthy:?}");

    let ca = folder.path().join("ca.pem");
    let curl = |arguments: &[&str]| {
        let mut curl = network.within(&network.client, "curl");
        curl.args(["-sS", "--noproxy", "*", "--max-time", LONG]);
        text(&curl.args(arguments).output().unwrap())
    };
    fs::write(&ca, curl(&["http://double:9443/v1/ca.pem"])).unwrap();
    let clients: Vec<Client> = INSTALLED.iter().cloned().chain(go(folder.path())).collect();
    for client in &clients {
        let within = ["ip", "netns", "exec", &network.client].map(str::to_owned);
        let client = Client {
            command: [&within[..], &client.command].concat(),
            ..client.clone()
        };
        let body = r#"{"username":"test","password":"Test12345!"}"#;
        let output = client.ask(&ready[0].url, "validation", body, &ca, LONG);
        assert_eq!(line(&output), "ok 200", "{}: {output:?}", client.name);
        eprintln!("| container | {} | ok 200 |", client.name);
    }
    let journal = "http://double:9443/v1/appliances/sensor/journal";
    assert!(curl(&[journal]).contains("unauthorized"));
    let header = format!("authorization: Bearer {TOKEN}");
    let entries = curl(&["-H", &header, journal]);
    let count = format!("\"count\":{}", clients.len());
    assert!(entries.contains(&count), "{count}: {entries}");

    let start = Instant::now();
    let id = container.id();
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
    let first = Pid::from_raw(children.trim().parse().unwrap()).unwrap();
    kill_process(first, Signal::TERM).unwrap();
    let end = container.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

/// The variables of the image and of the compose file; the token is where a secret that all can read is mounted.
fn settings(folder: &Path) -> Vec<(String, String)> {
    let token = folder.join("token");
    fs::write(&token, format!("{TOKEN}\n")).unwrap();
    let (image, compose) = (
        include_str!("../../deploy/Containerfile"),
        include_str!("../../deploy/compose.yaml"),
    );
    let setting = |text: &str| {
        let text = text.trim().trim_end_matches('\\');
        let (name, value) = text.split_once('=').or_else(|| text.split_once(": "))?;
        let value = value.split(" #").next()?.trim().to_owned();
        let value = match value.starts_with("/run/secrets/") {
            true => token.display().to_string(),
            false => value,
        };
        (name.starts_with("D4IOT_DOUBLE_")).then(|| (name.to_owned(), value))
    };
    let lines = image.lines().chain(compose.lines());
    let settings: Vec<_> = lines.filter_map(setting).collect();
    assert!(settings.len() >= 6, "{settings:?}");
    settings
}

/// The client in Go, where there is a `go`.
fn go(folder: &Path) -> Option<Client> {
    let root = env!("CARGO_MANIFEST_DIR");
    let own = format!("{root}/target/go/bin/go");
    let go = if Path::new(&own).exists() { &own } else { "go" };
    let program = folder.join("client").display().to_string();
    let source = format!("{root}/tests/clients/client.go");
    let built = Command::new(go)
        .args(["build", "-o", &program, &source])
        .output();
    built
        .is_ok_and(|built| built.status.success())
        .then(|| Client {
            name: "go",
            command: vec![program],
        })
}

/// Two network namespaces with a line between them, in both of which `double` is the server.
struct Network {
    server: String,
    client: String,
}

impl Network {
    fn new() -> Network {
        let name = |end: &str| format!("d4{end}{}", process::id());
        let network = Network {
            server: name("s"),
            client: name("c"),
        };
        let (server, client) = (&network.server, &network.client);
        let ends = [(server, SERVER), (client, CLIENT)];
        for (name, _) in ends {
            ip(&format!("netns add {name}"));
            let folder = format!("/etc/netns/{name}");
            fs::create_dir_all(&folder).unwrap();
            let hosts = format!("127.0.0.1 localhost\n{SERVER} double\n");
            fs::write(format!("{folder}/hosts"), hosts).unwrap();
        }
        ip(&format!(
            "link add {server} netns {server} type veth peer name {client} netns {client}"
        ));
        for (name, address) in ends {
            ip(&format!("-n {name} addr add {address}/24 dev {name}"));
            ip(&format!("-n {name} link set {name} up"));
            ip(&format!("-n {name} link set lo up"));
        }
        network
    }

    fn within(&self, name: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", name, program]);
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.server, &self.client] {
            drop(Command::new("ip").args(["netns", "del", name]).status());
            drop(fs::remove_dir_all(format!("/etc/netns/{name}")));
        }
    }
}

fn ip(arguments: &str) {
    let output = Command::new("ip")
        .args(arguments.split(' '))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments}: {}", text(&output));
}

fn text(output: &Output) -> String {
    let streams = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&streams).into_owned()
}

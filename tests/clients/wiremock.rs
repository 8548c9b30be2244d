//! WireMock with the mappings of `export wiremock`: `check` runs at it, and every request of the suite is answered as a double does, but
//! for those that `docs/development/wiremock.md` lists. `D4IOT_BLESS=1` writes that page.

use std::{
    collections::BTreeMap,
    env,
    fmt::Write,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use bytes::Bytes;
use d4iot_double::{
    Double, Kind,
    client::{Target, TargetOptions},
    contract,
    contract::Readings,
    fixture,
    runner::{Accounts, Seed},
    suite::{Case, Need, cases, request},
};
use http::{Request, Response, header};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::{
    exports::{export, in_target, run},
    openapi::leave_out,
    process::PROGRAM,
};

#[test]
#[ignore = "the clients tier: .ci/run runs it"]
fn wiremock_answers_as_a_double_does() {
    let jar = Path::new("exports/node_modules/wiremock/build");
    let Ok(folder) = fs::read_dir(in_target(jar.to_str().unwrap())) else {
        return leave_out("wiremock");
    };
    if Command::new("java").arg("-version").output().is_err() {
        return leave_out("java");
    }
    let jar = folder
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|it| it == "jar"));
    let mut page = HEAD.to_owned();
    for kind in [Kind::Sensor, Kind::Console] {
        let accounts = Accounts::for_mock(&Seed::read(&"07".repeat(32)).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let text = fixture_of(kind, &accounts);
        let file = folder.path().join("fixture.yaml");
        fs::write(&file, &text).unwrap();
        fs::create_dir(folder.path().join("mappings")).unwrap();
        export(
            &["wiremock", file.to_str().unwrap()],
            &folder.path().join("mappings/mock.json"),
        );
        let mock = WireMock::start(jar.as_deref().unwrap(), folder.path());

        check(kind, &mock, &accounts, folder.path());
        let double = Double::from_yaml(text).http().start_blocking().unwrap();
        page.push_str(&Comparison::new(kind, &mock, &double, accounts).page());
    }

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/development/wiremock.md");
    if env::var_os("D4IOT_BLESS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert_eq!(
        page,
        fs::read_to_string(&file).unwrap_or_default(),
        "D4IOT_BLESS=1 writes the page"
    );
}

/// Returns a fixture with the users of the suite and those of the pages.
fn fixture_of(kind: Kind, accounts: &Accounts) -> String {
    let examples = fixture::built_in(kind).state.directory;
    let mut users = accounts.users();
    users.extend(examples.users().cloned());
    let users = users.iter().map(|user| json!({ "username": user.username, "password": user.password.expose(), "role": user.role.name(), "state": user.state.name() }));
    json!({ "appliance": kind.name(), "users": users.collect::<Vec<_>>() }).to_string()
}

/// Without consent to change passwords, `check` finds no deviation.
fn check(kind: Kind, mock: &WireMock, accounts: &Accounts, folder: &Path) {
    let named = [
        "admin",
        "user",
        "bystander",
        "read_only",
        "security_analyst",
    ]
    .map(|name| {
        let value = |property: &str| {
            accounts
                .text(format!("«{name}.{property}»").parse().unwrap())
                .unwrap()
        };
        (
            name,
            json!({ "username": value("username"), "password": value("password") }),
        )
    });
    let file = folder.join("accounts.yaml");
    fs::write(&file, json!(BTreeMap::from(named)).to_string()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let output = run(Command::new(PROGRAM)
        .args([
            "check",
            &mock.url,
            "--kind",
            kind.name(),
            "--max-auth-failures",
            "1000",
            "--accounts",
        ])
        .arg(&file)
        .current_dir(folder));
    let summary = output
        .lines()
        .find(|line| line.contains("cases judged, none fails"));
    eprintln!(
        "check at WireMock, {kind}: {}",
        summary.unwrap_or_else(|| panic!("{output}"))
    );
}

/// WireMock's process, and where it listens.
struct WireMock {
    process: Child,
    url: String,
}

impl WireMock {
    fn start(jar: &Path, folder: &Path) -> WireMock {
        let mut process = Command::new("java")
            .arg("-jar")
            .arg(jar)
            .args([
                "--port",
                "0",
                "--bind-address",
                "127.0.0.1",
                "--disable-banner",
                "--root-dir",
            ])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ports = lines
            .map_while(Result::ok)
            .filter_map(|line| Some(line.strip_prefix("port:")?.trim().to_owned()));
        let url = format!(
            "http://127.0.0.1:{}",
            ports.next().expect("it says its port")
        );
        WireMock { process, url }
    }
}

impl Drop for WireMock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks WireMock and a double the same.
struct Comparison<'a> {
    kind: Kind,
    runtime: Runtime,
    mock: Target,
    real: Target,
    double: &'a Double,
    accounts: Accounts,
}

impl<'a> Comparison<'a> {
    fn new(kind: Kind, mock: &WireMock, double: &'a Double, accounts: Accounts) -> Comparison<'a> {
        let target = |url: &str| Target::new(url, &TargetOptions::default()).unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        Comparison {
            kind,
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            mock: target(&mock.url),
            real: target(double.url()),
            double,
            accounts,
        }
    }

    /// Returns a part of the page: the cases that are not answered alike, by the reason.
    fn page(&self) -> String {
        let cases = cases::all()
            .iter()
            .map(|located| &located.case)
            .filter(|case| case.kinds.contains(&self.kind));
        let (mut reasons, mut count): (BTreeMap<String, Vec<&str>>, usize) = Default::default();
        for case in cases {
            count += 1;
            if let Some(reason) = self.difference(case) {
                reasons.entry(reason).or_default().push(&case.id);
            }
        }
        let different: usize = reasons.values().map(Vec::len).sum();
        eprintln!(
            "WireMock, {}: {} of {count} cases are answered as a double answers them",
            self.kind,
            count - different
        );
        let mut page = format!(
            "\n## {}\n\n{} of {count} cases are answered alike.\n\n| why not | cases |\n| --- | --- |\n",
            self.kind,
            count - different
        );
        for (reason, cases) in reasons {
            let _ = writeln!(page, "| {reason} | `{}` |", cases.join("` `"));
        }
        page
    }

    /// Returns why a case is not answered alike, if it is not.
    fn difference(&self, case: &Case) -> Option<String> {
        if case
            .needs
            .iter()
            .any(|need| matches!(need, Need::Lockout | Need::AccountLockout))
        {
            return Some("state: failed sign-ins lock".to_owned());
        }
        let steps = case.steps.iter().map(|step| {
            let fill = |placeholder| self.accounts.text(placeholder);
            request::build(step, contract::of(self.kind), &Readings::default(), &fill).unwrap()
        });
        let steps: Vec<Request<Bytes>> = steps.collect();
        self.double.reset();
        self.differing(&steps, false)?;
        // With the state of the start before each request.
        let reason = self.differing(&steps, true);
        Some(reason.unwrap_or_else(|| "state: a password was changed".to_owned()))
    }

    /// Returns why the double answers the first step that is not answered alike as it does.
    fn differing(&self, steps: &[Request<Bytes>], resets: bool) -> Option<String> {
        steps.iter().find_map(|step| {
            if resets {
                self.double.reset();
            }
            let ask = |target: &Target| self.runtime.block_on(target.send(step));
            let (real, mock) = (ask(&self.real), ask(&self.mock));
            let reason = || {
                self.double
                    .journal()
                    .entries()
                    .last()
                    .map_or("it is no request".to_owned(), |entry| entry.reason.clone())
            };
            match (real, mock) {
                (Ok(real), Ok(mock)) if said(&real) == said(&mock) => None,
                (Err(_), Err(_)) => None,
                _ => Some(reason()),
            }
        })
    }
}

/// Returns what counts of an answer.
fn said(answer: &Response<Bytes>) -> (u16, Option<&[u8]>, &Bytes) {
    let content_type = answer.headers().get(header::CONTENT_TYPE);
    (
        answer.status().as_u16(),
        content_type.map(|value| value.as_bytes()),
        answer.body(),
    )
}

const HEAD: &str = "# WireMock and a double

Generated by `tests/clients/wiremock.rs`; do not edit it. Every request of the suite is sent to WireMock with the mappings of
[`export wiremock`](../export.md) and to a double. These cases are not answered alike: same status, content type and body.
";

//! Fleets: replicas that start together, and a night in which a client rotates their passwords.

mod targets;

use std::{
    env, fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rstest::rstest;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{End, PROGRAM, Process, ReadyLine};

/// Ten times the measured 0.2 s and 46 MB, with the dev profile, are the limits: 2 s and 460 MB.
#[cfg(target_os = "linux")]
#[test]
fn a_thousand_replicas_start_at_once() {
    let dir = Dir::new();
    dir.write("fleet.yaml", FLEET);
    let start = Instant::now();
    let (process, ready) = dir.serve(1000, &["fleet.yaml", "--seed", "7"]);
    let took = start.elapsed();
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let memory = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: u64 = memory.split_whitespace().nth(1).unwrap().parse().unwrap();
    eprintln!("1,000 replicas in {took:?} and {kib} KiB");
    assert!(
        took < Duration::from_secs(10) && kib < 460_000,
        "{took:?}, {kib} KiB"
    );
    assert_eq!(
        (&*ready[0].name, &*ready[999].name),
        ("site-1", "site-1000")
    );
}

/// Which replicas differ is asked of them, in another order each time.
#[test]
fn one_seed_is_one_fleet_whatever_the_order_of_requests() {
    let dir = Dir::new();
    dir.write(
        "fleet.yaml",
        &FLEET.replace("1000", "20").replace("0.05", "0.25"),
    );
    let table = |seed: &str, backwards: bool| -> Vec<String> {
        let (_process, mut ready) = dir.serve(20, &["fleet.yaml", "--http", "--seed", seed]);
        if backwards {
            ready.reverse();
        }
        let says = |site: &ReadyLine| post(&site.url).contains("succeeded\"}");
        let mut names: Vec<String> = ready
            .iter()
            .filter(|site| says(site))
            .map(|site| site.name.clone())
            .collect();
        names.sort();
        names
    };
    let found = table("7", false);
    assert_eq!(found.len(), 5);
    assert_eq!(found, table("7", true));
    assert_ne!(found, table("8", false));
}

/// What a night costs a client that asks, and one that does not. `D4IOT_SITES=1000` has a whole one.
#[test]
fn a_naive_client_loses_passwords_and_a_careful_one_none() {
    let sites = env::var("D4IOT_SITES").map_or(150, |sites| sites.parse().unwrap());
    let naive = rotation_night("naive", sites);
    eprintln!("{}", naive.out);
    assert_eq!(naive, rotation_night("naive", sites));
    assert!(
        naive.code == Some(1) && naive.out.starts_with("lost "),
        "{naive:?}"
    );
    assert!(!naive.out.starts_with("lost 0"), "{naive:?}");
    let careful = rotation_night("careful", sites);
    assert_eq!(
        (careful.code, &*careful.out),
        (Some(0), &*format!("lost 0 of {sites}\n"))
    );
    for end in [naive, careful] {
        let text = format!("{}{}", end.out, end.err);
        assert!(
            !text.contains("Night-shift") && !text.contains("Test12345"),
            "{text}"
        );
    }
}

fn rotation_night(client: &str, sites: usize) -> End {
    let dir = Dir::new();
    let night = fs::read_to_string(format!("{PROJECT}/fixtures/scenarios/rotation-night.yaml"));
    dir.write(
        "night.yaml",
        &night
            .unwrap()
            .replace("replicas: 1000", &format!("replicas: {sites}")),
    );
    let options = [
        "night.yaml",
        "-q",
        "--http",
        "--ready-file",
        "ready.json",
        "--believes",
        "believes.txt",
    ];
    let (process, _) = dir.serve(sites, &options);
    let script = format!("{PROJECT}/examples/rotation_night.py");
    let mut rotate = Command::new("python3");
    rotate
        .args([&script, client, "ready.json", "believes.txt"])
        .current_dir(dir.path());
    assert!(rotate.status().unwrap().success());
    process.signal(Signal::TERM);
    process.end()
}

#[rstest]
#[case::no_site(
    "site-9 test x\n",
    "believes.txt:1: no appliance is named `site-9`\n",
    ""
)]
#[case::comment("# my notes\n", "believes.txt:1: no appliance is named `#`\n", "")]
#[case::commas("site-1,test,Hunter22!\n", "1: no appliance is named `site-1`\n", "")]
#[case::password_first("Hunter22! test\n", "1: its first word is the name of no", "")]
#[case::json(
    r#"{"site-1":"Hunter22!","a":1}"#,
    "1: its first word is the name of no",
    ""
)]
#[case::no_user(
    "site-1 nobody x\nsite-2 test Hunter22!\n",
    "believes.txt:1: site-1 has no user of the next word\n",
    ""
)]
#[case::alone("site-1\n", "believes.txt:1: site-1 stands alone\n", "")]
#[case::no_password("\nsite-1 test\n", "believes.txt:2: no password of test at site-1", "")]
#[case::last_line("site-1 test x\nsite-1 test Test12345!\r\n", "", "lost 0 of 2\n")]
#[case::blanks("site-1 test Test12345! \n", "", "lost 1 of 2: site-1 (drift 1)\n")]
#[case::tabs("\u{feff}site-1\ttest\tx y\n", "", "lost 1 of 2: site-1 (drift 1)\n")]
#[case::blank_in_name("site-1 test two Test12345!\n", "", "lost 0 of 2\n")]
#[case::drift(
    "site-1 test two x\nsite-2 test x\n",
    "",
    "lost 2 of 2: site-1 (drift 1) site-2\n"
)]
#[case::several(
    "a\nb\n",
    "; 1 other line is wrong\n  hint: expected SITE USER PASSWORD",
    ""
)]
fn what_a_client_believes_is_read_line_by_line(
    #[case] lines: &str,
    #[case] error: &str,
    #[case] out: &str,
) {
    let dir = Dir::new();
    dir.write(
        "two.yaml",
        "appliance: sensor\nname: site-{n}\nreplicas: 2\nseed: 1\nusers: [{ username: test, password: Test12345!, role: admin }, { username: test two, password: Test12345!, role: admin }]\n\
         drift: [{ share: 0.5, policy: product_16 }]\n",
    );
    dir.write("believes.txt", lines);
    let (process, _) = dir.serve(
        2,
        &["two.yaml", "-q", "--http", "--believes", "believes.txt"],
    );
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.out, out);
    assert!(
        end.err.contains(error) && end.err.is_empty() == error.is_empty(),
        "{}",
        end.err
    );
    assert!(
        !end.err.contains("nobody") && !end.err.contains("Hunter"),
        "{}",
        end.err
    );
}

#[rstest]
#[case::folder("here", "here is a folder")]
#[case::no_folder("there/believes.txt", "the folder there does not exist")]
fn a_file_that_cannot_be_written_is_found_at_the_start(#[case] path: &str, #[case] says: &str) {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("here")).unwrap();
    let words = ["serve", "--listen", "127.0.0.1:0", "--believes", path];
    let end = dir.run(&words);
    assert!(
        end.code == Some(2) && end.out.is_empty() && end.err.contains(says),
        "{}",
        end.err
    );
}

/// The note, the details and the ready file tell what repeats a run.
#[rstest]
#[case::drift(&["drift"], "; --seed NUMBER repeats everything random\n", true)]
#[case::own(&["own"], "", false)]
#[case::plain(&["plain"], "", true)]
#[case::both(&["drift", "own"], " where a fixture names none; `seed: NUMBER` in each", true)]
fn the_seed_that_repeats_a_run_is_noted(
    #[case] files: &[&str],
    #[case] note: &str,
    #[case] has_seed: bool,
) {
    let dir = Dir::new();
    let drift = "replicas: 2\ndrift: [{ share: 0.5, policy: product_16 }]\n";
    dir.write(
        "drift",
        &format!("appliance: sensor\nname: 'a-{{n}}'\n{drift}"),
    );
    dir.write(
        "own",
        &format!("appliance: sensor\nname: 'b-{{n}}'\nseed: 7\n{drift}"),
    );
    dir.write("plain", "appliance: sensor\nname: 'c-{n}'\nreplicas: 2\n");
    let words = [files, &["-v", "--http", "--ready-file", "ready.json"]].concat();
    let (process, _) = dir.serve(2 * files.len(), &words);
    let ready: serde_json::Value = serde_json::from_str(&dir.read("ready.json")).unwrap();
    process.signal(Signal::TERM);
    let err = process.end().err;
    assert_eq!(ready["seed"].is_u64(), has_seed, "{ready}");
    let note = note.replace("NUMBER", &ready["seed"].to_string());
    assert!(
        err.contains(&note) && err.contains("note: seed") != note.is_empty(),
        "{err}"
    );
    let has_drift = |file: &&str| err.contains(&format!("drift 1 of {file} (1): "));
    assert_eq!(files.iter().all(has_drift), files[0] != "plain", "{err}");
}

/// Returns the answer to a validation of the built-in user.
fn post(url: &str) -> String {
    let body = r#"{"username":"test","password":"Test12345!"}"#;
    let path = format!("{url}/api/external/authentication/validation");
    let curl = Command::new("curl")
        .args([
            "-sS",
            "--noproxy",
            "*",
            "-H",
            "content-type: application/json",
            "-d",
            body,
            &path,
        ])
        .output();
    String::from_utf8(curl.unwrap().stdout).unwrap()
}

/// A folder in which the program is run, with a state folder of its own.
struct Dir(TempDir);

impl Dir {
    fn new() -> Dir {
        Dir(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn private(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        self.write(name, text);
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn command(&self, words: &[&str], state: &str) -> Process {
        let mut command = Command::new(PROGRAM);
        command.args(words).current_dir(self.path());
        command
            .env("XDG_STATE_HOME", self.path().join(state))
            .env_remove("CI");
        Process::spawn(&mut command)
    }

    fn run(&self, words: &[&str]) -> End {
        self.command(words, "state").end()
    }

    fn serve(&self, count: usize, words: &[&str]) -> (Process, Vec<ReadyLine>) {
        let mut process = self.command(
            &[&["serve", "--listen", "127.0.0.1:0"], words].concat(),
            "state",
        );
        let ready = process.ready(count);
        (process, ready)
    }

    /// Checks the list, and writes the report `NAME.json`. No run knows of another's failed sign-ins.
    fn check(&self, name: &str, more: &[&str]) -> End {
        let (json, words) = (
            format!("json={name}.json"),
            "check --targets targets.txt --kind sensor --accounts accounts.yaml --case validation.a* --timeout 2s",
        );
        let words: Vec<&str> = words.split(' ').collect();
        let report = ["--report", &*json, "--report", "text"];
        self.command(&[&words[..], more, &report].concat(), name)
            .end()
    }
}

const FLEET: &str = "appliance: sensor\nname: site-{n}\nreplicas: 1000\ndrift:\n  - { share: 0.05, readings: { X11: table } }\n";
const ACCOUNTS: &str = "admin: { username: adminUser, password: 1234@abcd }\nuser: { username: test, password: Test12345! }\n";
/// Nothing listens there.
const DEAD: &str = "http://127.0.0.1:9";
const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

//! `check --targets`: a list that is checked whole and in parts, by the rules of a single target.

use std::{env, fs, net::TcpListener};

use rstest::rstest;
use serde_json::Value;

use super::{ACCOUNTS, DEAD, Dir, FLEET, PROJECT, post};
use crate::json_schema::violations;

/// Two dead targets, and one that hangs, among others: the whole list, and its four parts merged. `D4IOT_TARGETS=200` has more.
#[test]
fn four_parts_merged_are_the_report_of_the_whole_list() {
    let dir = Dir::new();
    let count = env::var("D4IOT_TARGETS").map_or(24, |count| count.parse().unwrap());
    dir.write(
        "fleet.yaml",
        &FLEET
            .replace("1000", &count.to_string())
            .replace("0.05", "0.25"),
    );
    let (_process, ready) = dir.serve(count - 3, &["fleet.yaml", "--http", "--seed", "7"]);
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut urls: Vec<String> = ready.into_iter().map(|site| site.url).collect();
    urls.push(format!("http://{}", hanging.local_addr().unwrap()));
    urls.extend([DEAD, "http://127.0.0.2:9"].map(str::to_owned));
    dir.write("targets.txt", &urls.join("\n"));
    dir.private("accounts.yaml", ACCOUNTS);

    let whole = dir.check("whole", &[]);
    assert_eq!(whole.code, Some(3), "{}", whole.err);
    let report: Value = serde_json::from_str(&dir.read("whole.json")).unwrap();
    let schema = fs::read_to_string(format!("{PROJECT}/conformance/report.schema.json")).unwrap();
    assert_eq!(
        violations(&serde_json::from_str(&schema).unwrap(), &report),
        [""; 0]
    );
    assert_eq!(report["targets"].as_array().unwrap().len(), count);
    assert_eq!(
        report["trouble"].as_array().unwrap().len(),
        3,
        "{}",
        report["trouble"]
    );
    assert!(whole.out.contains("  example  table *\n"), "{}", whole.out);

    let parts = ["1/4", "2/4", "3/4", "3+1/4"];
    let parts = parts.map(|part| (part.replace('/', "-"), part));
    for (name, part) in &parts {
        let end = dir.check(name, &["--shard", part]);
        assert!([Some(0), Some(3)].contains(&end.code), "{}", end.err);
    }
    let files = parts.map(|(name, _)| format!("{name}.json"));
    let merge = |files: &[&str]| {
        let words = [
            &[
                "report",
                "merge",
                "--report",
                "json=merged.json",
                "--report",
                "text",
            ],
            files,
        ];
        dir.run(&words.concat())
    };
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let merged = merge(&[names[2], names[0], names[3], names[1]]);
    assert_eq!(
        (merged.code, &merged.out),
        (whole.code, &whole.out),
        "{}",
        merged.err
    );
    assert_eq!(
        timeless(&dir.read("merged.json")),
        timeless(&dir.read("whole.json"))
    );

    for (files, says) in [
        (&names[1..], "part 1 of 4 is missing"),
        (
            &[names[0], names[1], names[2], names[3], names[0]],
            "are both part 1",
        ),
        (
            &["whole.json"],
            "whole.json is the report of a whole list already",
        ),
        (&["fleet.yaml"], "not a JSON report of check"),
    ] {
        let end = merge(files);
        assert!(end.code == Some(2) && end.err.contains(says), "{}", end.err);
    }
    for (name, from, to, says) in [
        (
            "other.json",
            "\"list\": \"",
            "\"list\": \"0",
            "are not of one list of targets",
        ),
        (
            "later.json",
            "\"tool\": \"d4iot-double ",
            "\"tool\": \"d4iot-double 9",
            "are not of one version of the tool",
        ),
        (
            "fives.json",
            "\"of\": 4",
            "\"of\": 5",
            "are not of one number of parts",
        ),
        (
            "two.json",
            "\"version\": 1",
            "\"version\": 2",
            "is a report of version 2, expected 1",
        ),
    ] {
        dir.write(name, &dir.read(names[1]).replacen(from, to, 1));
        let end = merge(&[names[0], name, names[2], names[3]]);
        assert!(end.code == Some(2) && end.err.contains(says), "{}", end.err);
    }
}

/// Returns a report without the lines that tell times.
fn timeless(report: &str) -> String {
    let is_time = |line: &&str| {
        line.trim_start().starts_with("\"micros\":") || line.starts_with("  \"date\":")
    };
    report
        .lines()
        .filter(|line| !is_time(line))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn a_bad_line_leaves_the_other_targets_alone() {
    let dir = Dir::new();
    let (_process, ready) = dir.serve(1, &["--kind", "sensor", "--http"]);
    let url = &ready[0].url;
    let named = url.replace("127.0.0.1", "LOCALHOST");
    let mut list =
        format!("\u{feff}# a list\r\n\r\n{url} # the first\r\n{named}\r\n{url}/\r\n").into_bytes();
    list.extend(
        b"https://boss:hunter22@10.0.0.5\nboss:hunter22@10.0.0.6\n\xff\xfe\nnot a url\n10.0.0.7\n",
    );
    list.extend([b'x'; 100_000]);
    fs::write(dir.path().join("targets.txt"), list).unwrap();
    dir.private("accounts.yaml", ACCOUNTS);
    let end = dir.check("whole", &[]);
    assert_eq!(end.code, Some(2), "{}", end.err);
    let report: Value = serde_json::from_str(&dir.read("whole.json")).unwrap();
    let codes: Vec<(&str, u64)> = report["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            (
                target["target"].as_str().unwrap(),
                target["end"]["exit_code"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        codes
            .iter()
            .filter(|(_, code)| *code == 0)
            .collect::<Vec<_>>(),
        [&(url.as_str(), 0)]
    );
    assert_eq!(
        codes.iter().filter(|(_, code)| *code == 2).count(),
        6,
        "{codes:?}"
    );
    for says in [
        "targets.txt:5: ",
        "is the appliance of ",
        "did you mean https://10.0.0.7?",
    ] {
        assert!(
            end.err.contains(says) || end.out.contains(says),
            "{says}: {}{}",
            end.err,
            end.out
        );
    }
    let all = end.err + &end.out + &dir.read("whole.json");
    assert!(!all.contains("hunter22"), "{all}");
}

/// What is the same of all targets stands once in the report and on stderr, with what the cases wait for.
#[test]
fn what_is_the_same_of_all_targets_is_said_once() {
    let dir = Dir::new();
    let fleet = "appliance: sensor\nname: 'site-{n}'\nreplicas: 5\n";
    dir.write("fleet.yaml", fleet);
    let (_process, ready) = dir.serve(5, &["fleet.yaml", "--http"]);
    let urls: Vec<String> = ready.into_iter().map(|site| site.url).collect();
    dir.write("targets.txt", &urls.join("\n"));
    dir.write("accounts.yaml", ACCOUNTS);
    let open = dir.check("open", &[]);
    let all = open.out.matches("problem: ").count();
    assert!(
        all == 1 && open.out.contains("problem: all 5 targets: "),
        "{}",
        open.out
    );
    dir.private("accounts.yaml", ACCOUNTS);
    let none = dir.check("none", &["--max-auth-failures", "0"]);
    assert!(
        none.err.contains("4 more targets: the target has no TLS"),
        "{}",
        none.err
    );
    let line = "--max-auth-failures N (15 cases)\n";
    assert!(none.out.contains(line), "{}", none.out);
    dir.private(
        "accounts.yaml",
        "user: { username: test, password: Test12345! }\n",
    );
    let words = "check --targets targets.txt --kind sensor --case set_password.p* --accounts accounts.yaml --report text";
    let end = dir.run(&words.split(' ').collect::<Vec<_>>());
    let line = "problem: all 5 targets: nothing was judged: ";
    assert!(
        end.code == Some(4) && end.out.contains(line),
        "{}{}",
        end.out,
        end.err
    );
}

#[rstest]
#[case::empty("targets.txt", "\n# nothing\n", "targets.txt names no target")]
#[case::empty_list("targets.yaml", "[]", "targets.yaml names no target")]
#[case::key(
    "targets.yaml",
    "- { target: https://a, acounts: x }",
    "did you mean `accounts`?"
)]
#[case::kind(
    "targets.yaml",
    "- { target: https://a, kind: senor }",
    "--> targets.yaml:1:"
)]
#[case::no_yaml("targets.yaml", "- [", "--> targets.yaml:")]
#[case::many("targets.txt", "MANY", "names 10001 targets, expected at most 10000")]
fn a_list_that_is_none_is_refused(#[case] file: &str, #[case] text: &str, #[case] says: &str) {
    let dir = Dir::new();
    let many = || {
        (0..10_001)
            .map(|number| format!("https://a{number}\n"))
            .collect()
    };
    dir.write(
        file,
        &if text == "MANY" {
            many()
        } else {
            text.to_owned()
        },
    );
    let end = dir.run(&["check", "--targets", file, "--kind", "sensor"]);
    assert!(end.code == Some(2) && end.err.contains(says), "{}", end.err);
}

#[rstest]
#[case::kind("check --targets t.txt", 2, "needs --kind sensor or --kind console")]
#[case::both("check --targets t.txt https://a", 2, "cannot be used with")]
#[case::consent(
    "check --targets t.txt --kind sensor --change-passwords-on a",
    2,
    "change_passwords_on: HOST"
)]
#[case::snapshots(
    "check --targets t.txt --kind sensor --update all",
    2,
    "none is written"
)]
#[case::shard("check --targets t.txt --kind sensor --shard 5/4", 2, "expected I/N")]
#[case::zero("check --targets t.txt --kind sensor --shard 0/4", 2, "expected I/N")]
#[case::plan(
    "plan --targets t.txt --kind sensor",
    2,
    "plan shows what is sent to one target"
)]
#[case::no_list("check --shard 1/4", 2, "--targets")]
#[case::jobs("check --targets t.txt --kind sensor --jobs 0", 2, "1..=64")]
fn options_that_do_not_suit_a_list_are_refused(
    #[case] line: &str,
    #[case] code: i32,
    #[case] says: &str,
) {
    let dir = Dir::new();
    dir.write("t.txt", DEAD);
    let end = dir.run(&line.split(' ').collect::<Vec<_>>());
    assert!(
        end.code == Some(code) && end.err.contains(says),
        "{}",
        end.err
    );
}

/// Each entry has its own accounts, consent and lock, and what is changed is restored.
#[test]
fn each_target_of_a_list_keeps_the_rules_of_one() {
    let dir = Dir::new();
    dir.write(
        "fleet.yaml",
        "appliance: sensor\nname: site-{n}\nreplicas: 3\n",
    );
    let (_process, ready) = dir.serve(3, &["fleet.yaml", "--http"]);
    dir.private("accounts.yaml", ACCOUNTS);
    dir.private(
        "wrong.yaml",
        "user: { username: test, password: Hunter22! }\n",
    );
    let [one, two, three] = [0, 1, 2].map(|index| &*ready[index].url);
    dir.write("targets.yaml", &format!(
        "- {{ target: '{one}', change_passwords_on: 127.0.0.1 }}\n- {{ target: '{two}', change_passwords_on: 127.0.0.9 }}\n- {{ target: '{three}', accounts: wrong.yaml }}\n"
    ));
    let words = "check --targets targets.yaml --kind sensor --accounts accounts.yaml --case set_password.password_replaced --case validation.authenticated --report json=r.json";
    let end = dir.run(&words.split(' ').collect::<Vec<_>>());
    assert_eq!(end.code, Some(6), "{}", end.err);
    let report: Value = serde_json::from_str(&dir.read("r.json")).unwrap();
    let of = |url: &str| {
        let target = report["targets"]
            .as_array()
            .unwrap()
            .iter()
            .find(|target| target["target"] == url);
        let target = target.unwrap();
        (
            target["end"]["exit_code"].as_u64().unwrap(),
            target["counts"]["documented"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        (of(one), of(two).0, of(three).0),
        ((0, 2), 6, 6),
        "{}",
        end.err
    );
    assert!(post(one).contains("succeeded"), "its password is restored");
    let journals: Vec<_> = fs::read_dir(dir.path().join("state/d4iot-double/journals"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.to_string_lossy().ends_with(".failures"))
        .collect();
    assert!(journals.is_empty(), "{journals:?}");
    assert!(
        !format!("{}{}", end.err, end.out).contains("Hunter22"),
        "{}",
        end.err
    );
}

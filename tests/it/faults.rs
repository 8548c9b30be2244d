//! The suite's own faults: each is put into a copy of the sources, which is built, and the test that is named for it must go red.
//!
//! `cargo test` sees to it that the list is not stale. The long mode tries it, some minutes for all of them:
//! `cargo test --test it faults -- --ignored --nocapture`. No released binary has a door to any of these faults.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A fault: what stands in the sources, what stands there instead, and the test that must see it.
struct Fault {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The target of cargo's, `lib` or the name of a file in `tests`.
    target: &'static str,
    test: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "the comparator is always content",
        file: "src/snapshot.rs",
        from: "left == right || comparable(left) == comparable(right)",
        to: "left == right || comparable(left) == comparable(right) || true",
        target: "it",
        test: "check::snapshots::one_changed_character_fails_and_touches_nothing",
    },
    Fault {
        name: "a filter selects nothing, and that is a success",
        file: "src/cli/check.rs",
        from: "        return Err(options.selection.nothing());\n    }\n    let stop = ",
        to: "        return Ok(code::SUCCESS);\n    }\n    let stop = ",
        target: "it",
        test: "check::selection::what_cannot_be_run_is_refused_in_words",
    },
    Fault {
        name: "a change that was not answered is sent again",
        file: "src/client.rs",
        from: "            return self.exchange(request).await;\n",
        to: "            return match self.exchange(request).await {\n                Err(ClientError::Broken(_)) => self.exchange(request).await,\n                other => other,\n            };\n",
        target: "live",
        test: "target::wrong::lost_answer_to_any_change_loses_and_repeats_nothing",
    },
    Fault {
        name: "redirects are followed",
        file: "src/client.rs",
        from: ".redirect(redirect::Policy::none())",
        to: ".redirect(redirect::Policy::limited(5))",
        target: "live",
        test: "target::wrong::a_redirect_is_not_followed",
    },
    Fault {
        name: "the report of an answer's body is not redacted",
        file: "src/runner/case_runner.rs",
        from: "body: report::cut_body(accounts.redact(&body)),",
        to: "body: report::cut_body(body),",
        target: "selftest",
        test: "an_echoed_password_is_shown_nowhere",
    },
    Fault {
        name: "the snapshot of an answer's body is not redacted",
        file: "src/runner/transcript.rs",
        from: "body: accounts.redact_bytes(answer.body()),",
        to: "body: answer.body().to_vec(),",
        target: "selftest",
        test: "an_echoed_password_is_shown_nowhere",
    },
    Fault {
        name: "the undo is skipped",
        file: "src/runner/live/guard/end_case.rs",
        from: "let open: Vec<Account> = journal.state.at_risk.keys().copied().collect();",
        to: "let open: Vec<Account> = journal.state.at_risk.keys().copied().take(0).collect();",
        target: "live",
        test: "target::changes::run_with_changes_restores_all_below_the_lockout",
    },
    Fault {
        name: "a known difference never expires",
        file: "src/suite/known.rs",
        from: "until.is_some_and(|until| until < today)",
        to: "until.is_some_and(|until| until < today) && false",
        target: "lib",
        test: "suite::known::tests::an_expired_entry_is_reported_whatever_it_matches",
    },
    Fault {
        name: "a missed mutant fails nothing",
        file: "selftest/src/checks.rs",
        from: "    problems.extend(missed(mutants, &trials));\n",
        to: "    drop(missed(mutants, &trials));\n",
        target: "selftest",
        test: "a_missed_mutant_fails_the_run",
    },
];

#[test]
fn every_fault_has_its_place_and_its_test() {
    for fault in FAULTS {
        let text = fs::read_to_string(root().join(fault.file)).unwrap();
        assert_eq!(
            text.matches(fault.from).count(),
            1,
            "{}: {} has this once: {}",
            fault.name,
            fault.file,
            fault.from
        );
        let name = fault.test.rsplit("::").next().unwrap();
        assert!(
            sources_of(fault)
                .iter()
                .any(|text| text.contains(&format!("fn {name}("))),
            "{}: {} has no test {name}",
            fault.name,
            fault.target
        );
    }
}

#[test]
#[ignore = "builds the project once for each fault: minutes"]
fn every_fault_of_the_suite_is_caught_by_its_named_test() {
    let copy = Copy::new();
    let tests: BTreeSet<(&str, &str)> = FAULTS
        .iter()
        .map(|fault| (fault.target, fault.test))
        .collect();
    for (target, test) in tests {
        assert_eq!(
            copy.run(target, test),
            Went::Green,
            "{test} is green without a fault"
        );
    }
    let mut missed = Vec::new();
    for fault in FAULTS {
        copy.put(fault);
        let went = copy.run(fault.target, fault.test);
        copy.put_right(fault);
        println!(
            "{:?}: {}, by {} {}",
            went, fault.name, fault.target, fault.test
        );
        if went != Went::Red {
            missed.push(fault.name);
        }
    }
    assert_eq!(missed, Vec::<&str>::new());
}

/// How a test went. A build that fails is no red test.
#[derive(Debug, PartialEq, Eq)]
enum Went {
    Green,
    NotBuilt,
    Red,
}

/// A copy of the project, with a build folder of its own.
struct Copy {
    folder: PathBuf,
}

impl Copy {
    fn new() -> Copy {
        let folder = root().join("target/faults");
        let sources = folder.join("sources");
        if sources.exists() {
            fs::remove_dir_all(&sources).unwrap();
        }
        for part in [
            "Cargo.toml",
            "Cargo.lock",
            "README.md",
            "build.rs",
            "clippy.toml",
        ] {
            copy(&root().join(part), &sources.join(part));
        }
        for part in [
            "benches",
            "conformance",
            "deploy",
            "fixtures",
            "selftest",
            "snapshots",
            "src",
            "tests",
        ] {
            copy(&root().join(part), &sources.join(part));
        }
        Copy { folder }
    }

    fn put(&self, fault: &Fault) {
        self.replace(fault, fault.from, fault.to);
    }

    fn put_right(&self, fault: &Fault) {
        self.replace(fault, fault.to, fault.from);
    }

    fn replace(&self, fault: &Fault, from: &str, to: &str) {
        let path = self.folder.join("sources").join(fault.file);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{}", fault.name);
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
    }

    fn run(&self, target: &str, test: &str) -> Went {
        let cargo = |run: bool| {
            let mut command = Command::new(env!("CARGO"));
            command
                .args(["test", "--quiet", "--locked"])
                .current_dir(self.folder.join("sources"));
            command
                .env("CARGO_TARGET_DIR", self.folder.join("target"))
                .env_remove("CI")
                .env_remove("RUSTFLAGS");
            match target {
                "lib" => command.arg("--lib"),
                "selftest" => command.args(["--package", "selftest"]),
                other => command.args(["--test", other]),
            };
            if !run {
                command.arg("--no-run");
            }
            command
                .args(["--", test])
                .stdout(Stdio::piped())
                .stderr(Stdio::null());
            command.output().unwrap()
        };
        if !cargo(false).status.success() {
            return Went::NotBuilt;
        }
        let output = cargo(true);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(
            !printed.contains("running 0 tests"),
            "there is no test {test}"
        );
        if output.status.success() {
            Went::Green
        } else {
            Went::Red
        }
    }
}

fn sources_of(fault: &Fault) -> Vec<String> {
    let tests = root().join("tests");
    let mut open = match fault.target {
        "lib" => vec![root().join("src")],
        "selftest" => vec![root().join("selftest")],
        other => vec![tests.join(other), tests.join(other).with_extension("rs")],
    };
    let mut texts = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|ending| ending == "rs") && path.exists() {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    texts
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! Clients that are closures, and what a sweep sees of each.

use std::{
    fs,
    io::Write,
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use d4iot_double::{
    Attempt, Kind, MarkName, ScenarioResult, Sweep, SweepReport, Task, Verdict, sweep,
};
use rstest::rstest;
use serde_json::json;

use crate::clients::{Http, careful, naive};

/// A client that is the naive one in the clean run, and another one in a scenario.
fn in_scenarios(
    client: fn(&Attempt) -> Result<(), String>,
) -> impl Fn(&Attempt) -> Result<(), String> {
    move |attempt| match attempt.scenario() {
        "clean" => naive(attempt),
        _ => client(attempt),
    }
}

fn of(failure: &str) -> Sweep {
    sweep(Kind::Sensor).failures(failure)
}

/// The client gets its answers as they are.
const HARMLESS: &str = "tls_1_2_only";

fn only(report: &SweepReport) -> &ScenarioResult {
    assert_eq!(report.scenarios.len(), 1, "{report}");
    &report.scenarios[0]
}

fn marks(scenario: &ScenarioResult) -> Vec<MarkName> {
    scenario.marks.iter().map(|mark| mark.name).collect()
}

/// Sets a password of its own, and says which one it believes in.
fn set_its_own(attempt: &Attempt, believes: &str) -> Result<(), String> {
    let old = attempt.password().unwrap_or_default();
    let http = Http::new(attempt);
    let body = json!({ "username": "test", "password": old, "new_password": "Own-Made-Passw0rd" });
    let (status, _) = http.post("set_password", &body)?;
    attempt.believe(believes);
    (status == 200)
        .then_some(())
        .ok_or_else(|| status.to_string())
}

#[rstest]
#[case::known(
    "Own-Made-Passw0rd",
    Verdict::Rotated,
    "A password of the client's own making"
)]
#[case::another(
    "0ther-Made-Passw0rd",
    Verdict::Lost,
    "holds another password than the one"
)]
fn a_password_of_its_own_making(
    #[case] believes: &'static str,
    #[case] verdict: Verdict,
    #[case] sentence: &str,
) {
    let client = move |attempt: &Attempt| match attempt.scenario() {
        "clean" => naive(attempt),
        _ => set_its_own(attempt, believes),
    };
    let report = of(HARMLESS).run(client).unwrap();
    let scenario = only(&report);
    assert_eq!(scenario.verdict, verdict, "{report}");
    assert!(scenario.what.contains(sentence), "{}", scenario.what);
}

#[test]
fn a_wrong_belief_after_a_success_has_another_run() {
    let client = in_scenarios(|attempt| {
        let changed = naive(attempt);
        if changed.is_ok() {
            attempt.believe("Mistaken-Passw0rd");
        } else {
            let new = attempt.new_password().unwrap_or_default();
            attempt.believe(new);
        }
        changed
    });
    let report = of(HARMLESS).run(client).unwrap();
    let scenario = only(&report);
    assert_eq!(
        (scenario.verdict, scenario.runs.len()),
        (Verdict::Recovered, 2),
        "{report}"
    );
}

#[test]
fn a_verification_of_another_user_says_nothing() {
    let client = |attempt: &Attempt| {
        let (user, password) = match attempt.scenario() {
            "clean" => (attempt.username(), attempt.password().unwrap_or_default()),
            _ => ("myUser", "1234@abcd"),
        };
        let body = json!({ "username": user, "password": password });
        Http::new(attempt).post("validation", &body).map(drop)
    };
    let report = of(HARMLESS).task(Task::Verify).run(client).unwrap();
    assert_eq!(only(&report).verdict, Verdict::FalseSuccess, "{report}");
}

#[test]
fn another_users_change_fails_what_was_not_reached() {
    let client = |attempt: &Attempt| {
        if attempt.scenario() == "clean" {
            return careful(attempt);
        }
        let body = json!({ "username": "myUser", "password": "1234@abcd", "new_password": "Own-Made-Passw0rd" });
        let _ = Http::new(attempt).post("set_password", &body);
        Err("gives up".to_owned())
    };
    // At its third call, which does not come.
    let report = sweep(Kind::Sensor)
        .scenario("change/flaky@3")
        .run(client)
        .unwrap();
    let scenario = only(&report);
    assert_eq!(scenario.verdict, Verdict::NotReached, "{report}");
    assert_eq!(
        scenario.what,
        "The client changed the password of `myUser`, which it was not asked to."
    );
    assert_eq!(marks(scenario), [MarkName::OtherUserChanged]);
    assert!(scenario.failed && !report.passed(), "{report}");
}

/// What comes before the last requests that a report shows counts, too.
#[test]
fn marks_are_of_all_requests() {
    let client = in_scenarios(|attempt| {
        let http = Http::new(attempt);
        let _ = (http.change(), http.change());
        for _ in 0..210 {
            let _ = http.is_valid("no password");
        }
        Err("gives up".to_owned())
    });
    let report = of("commit_then_reset").run(client).unwrap();
    let scenario = only(&report);
    assert_eq!(
        marks(scenario),
        [MarkName::ChangeRepeated, MarkName::FailedSignIns]
    );
    let run = &scenario.runs[0];
    assert_eq!((run.exchange_count, run.exchanges.len()), (212, 200));
    assert_eq!(run.exchanges[199].number, 212);
}

#[test]
fn a_panic_keeps_its_text_without_passwords() {
    let client = in_scenarios(|attempt| {
        let old = attempt.password().unwrap_or_default();
        panic!("it broke with {old}")
    });
    let report = of("flaky").run(client).unwrap();
    let scenario = only(&report);
    assert_eq!(scenario.verdict, Verdict::Crashed);
    assert_eq!(scenario.runs[0].stderr, "it broke with «secret»");
}

/// Where more run at a time than there are processors, this client gets no answer in time.
#[rstest]
#[case::fails(Duration::ZERO, Duration::from_millis(50))]
#[case::hangs(Duration::from_millis(300), Duration::from_secs(10))]
fn load_makes_no_failure(#[case] start: Duration, #[case] overload: Duration) {
    let processors = thread::available_parallelism().unwrap().get();
    let running = AtomicUsize::new(0);
    let client = move |attempt: &Attempt| {
        let others = running.fetch_add(1, Ordering::SeqCst);
        // So long that others come.
        thread::sleep(start.max(Duration::from_millis(100)));
        let result = if others < processors {
            Some(careful(attempt))
        } else {
            None
        };
        running.fetch_sub(1, Ordering::SeqCst);
        result.unwrap_or_else(|| {
            thread::sleep(overload);
            naive(attempt).and(Err("load".to_owned()))
        })
    };
    let sweep = of("{flaky,maintenance,rebooting,commit_then_reset}").jobs(4 * processors);
    let report = sweep.time(Duration::from_secs(1)).run(client).unwrap();
    report.assert_passed();
}

#[test]
fn the_next_night_is_after_the_longest_lockout() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("locked.yaml");
    let text = "appliance: sensor\nlockout: { after: 5, scope: source, for: 40h }\nusers:\n  - { username: test, password: Test12345!, role: security_analyst }\n";
    fs::write(&fixture, text).unwrap();
    let client = in_scenarios(|attempt| {
        let http = Http::new(attempt);
        let changed = http.change();
        if changed.is_err() {
            (0..5).for_each(|_| assert_ne!(http.is_valid("no password"), Some(true)));
        }
        match http.is_valid(attempt.new_password().unwrap_or_default()) {
            Some(true) => Ok(()),
            _ => Err("not known".to_owned()),
        }
    });
    let report = of("commit_then_reset").fixture(&fixture).run(client);
    let report = report.unwrap();
    assert_eq!(only(&report).verdict, Verdict::Recovered, "{report}");
}

#[test]
fn a_seed_holds_whatever_is_said_after_it() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/sensor.yaml");
    let report = of("flaky").seed(7).fixture(fixture).run(naive).unwrap();
    assert_eq!(report.seed, 7);
}

#[test]
fn a_reading_that_no_answer_showed_was_not_reached() {
    let client = in_scenarios(|_| Err("asks nothing".to_owned()));
    let sweep = sweep(Kind::Sensor).readings("set_password.password_replaced.body");
    let report = sweep.run(client).unwrap();
    let is_open = |one: &ScenarioResult| one.verdict == Verdict::NotReached;
    assert!(report.scenarios.iter().all(is_open), "{report}");
    assert_eq!(report.judged(), 0);
}

#[rstest]
#[case::garbled("garbled", false, true)]
#[case::empty("empty_body", false, true)]
#[case::something_else_between("commit_then_reset", true, true)]
#[case::readable("bom", false, false)]
fn a_change_is_repeated_without_a_readable_answer(
    #[case] mode: &str,
    #[case] asks_between: bool,
    #[case] is_repeated: bool,
) {
    let client = move |attempt: &Attempt| {
        let http = Http::new(attempt);
        let changed = http.change();
        if attempt.scenario() == "clean" {
            return changed.map(drop);
        }
        if asks_between {
            let _ = http.post("nothing", &json!({}));
        }
        http.change().map(drop)
    };
    let report = of(mode).run(client).unwrap();
    let marks = marks(only(&report));
    assert_eq!(
        marks.contains(&MarkName::ChangeRepeated),
        is_repeated,
        "{report}"
    );
}

#[test]
fn failed_sign_ins_are_in_a_row_whatever_is_between() {
    let client = in_scenarios(|attempt| {
        let http = Http::new(attempt);
        for _ in 0..3 {
            let _ = (
                http.is_valid("no password"),
                http.post("nothing", &json!({})),
            );
        }
        naive(attempt)
    });
    let report = of(HARMLESS).run(client).unwrap();
    let marks = marks(only(&report));
    assert!(marks.contains(&MarkName::FailedSignIns), "{report}");
}

#[test]
fn a_bad_certificate_shown_several_times_is_accepted_at_any() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("bad.yaml");
    let text = "appliance: sensor\nusers:\n  - { username: test, password: Test12345!, role: security_analyst }\nfailures:\n  - { name: bad, armed: false, when: { times: 3 }, do: { certificate: expired } }\n";
    fs::write(&fixture, text).unwrap();
    // It tries as it should, and then trusts anybody.
    let client = |attempt: &Attempt| {
        naive(attempt).or_else(|_| {
            let http = Http::trusting_anybody(attempt);
            http.change().map(drop)
        })
    };
    let report = of("bad").fixture(&fixture).run(client).unwrap();
    let scenario = only(&report);
    assert!(
        marks(scenario).contains(&MarkName::CertificateAccepted),
        "{report}"
    );
    assert_eq!(scenario.cause, Some("certificate_accepted"));
    assert!(
        scenario
            .what
            .starts_with("The client sent a request although"),
        "{}",
        scenario.what
    );
}

/// It trusts anybody in its first run alone: that is no matter of load.
#[test]
fn a_mark_that_fails_is_not_forgiven() {
    let runs = AtomicUsize::new(0);
    let client =
        move |attempt: &Attempt| match (attempt.scenario(), runs.fetch_add(1, Ordering::SeqCst)) {
            ("clean", _) => naive(attempt),
            (_, 1) => Http::trusting_anybody(attempt).change().map(drop),
            _ => naive(attempt),
        };
    let report = of("expired_certificate").run(client).unwrap();
    let scenario = only(&report);
    assert!(scenario.failed, "{report}");
    assert_eq!(marks(scenario), [MarkName::CertificateAccepted]);
}

/// It ends before the port may have taken its connection.
#[test]
fn a_client_that_only_connects_is_seen() {
    for _ in 0..30 {
        let client = |attempt: &Attempt| {
            let address = attempt.url().trim_start_matches("https://");
            let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
            let sent = stream.write_all(b"\x16\x03\x01");
            sent.map_err(|error| error.to_string())
        };
        let error = of(HARMLESS).run(client).unwrap_err().to_string();
        assert!(error.contains("but 1 connection:"), "{error}");
    }
}

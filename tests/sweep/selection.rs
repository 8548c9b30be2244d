//! Which scenarios are run: of which tasks, failures and readings.

use d4iot_double::{At, Attempt, Kind, Task, sweep};
use rstest::rstest;

use crate::clients::{naive, verify};

/// What it changes, it does not verify.
fn change_or_verify(attempt: &Attempt) -> Result<(), String> {
    match attempt.task() {
        Task::Verify => verify(attempt),
        _ => naive(attempt),
    }
}

#[test]
fn a_reading_is_of_any_task() {
    let sweep = sweep(Kind::Sensor).task(Task::Change).task(Task::Verify);
    let report = sweep
        .readings("validation.*")
        .run(change_or_verify)
        .unwrap();
    assert!(!report.scenarios.is_empty(), "{report}");
    let mut tasks = report.scenarios.iter().map(|one| one.task);
    assert!(tasks.all(|task| task == Task::Verify), "{report}");
}

/// After a change whose answer is lost, a client asks; a failure of another change says nothing of it.
#[test]
fn the_second_of_a_pair_is_one_of_a_question() {
    let failures = "{truncated,not_replaced,flaky}";
    let sweep = sweep(Kind::Sensor).failures(failures).pairs();
    let report = sweep.run(change_or_verify).unwrap();
    let names = report.scenarios.iter().map(|one| &*one.name);
    let pairs: Vec<&str> = names.filter(|name| name.contains(',')).collect();
    assert_eq!(pairs, ["change/truncated@1,flaky"]);
}

#[test]
fn pairs_that_cannot_be_are_left_out() {
    let sweep = sweep(Kind::Sensor)
        .failures("flaky")
        .task(Task::Verify)
        .pairs();
    let report = sweep.run(change_or_verify).unwrap();
    let left: Vec<&str> = report.left_out.iter().map(|left| &*left.mode).collect();
    assert_eq!(left, ["pairs"]);
}

#[rstest]
#[case::one("change/flaky@1", At::Each, &["change/flaky@1"])]
#[case::one_that_lasts("change/flaky@1..", At::Each, &["change/flaky@1.."])]
#[case::one_that_does_not("change/flaky@1", At::Always, &["change/flaky@1"])]
#[case::glob("change/flaky@*", At::Each, &["change/flaky@1"])]
#[case::glob_of_those_that_last("change/flaky@*", At::Always, &["change/flaky@1.."])]
#[case::alternatives("{change/flaky,verify/flaky}@1", At::Each, &["change/flaky@1", "verify/flaky@1"])]
#[case::alternative_tasks("{change,verify}/flaky@1", At::Each, &["change/flaky@1", "verify/flaky@1"])]
#[case::pair("change/truncated@1,flaky", At::Each, &["change/truncated@1,flaky"])]
fn a_scenario_is_chosen(#[case] name: &str, #[case] at: At, #[case] expected: &[&str]) {
    let sweep = sweep(Kind::Sensor).scenario(name).at(at);
    let report = sweep.run(change_or_verify).unwrap();
    let mut names: Vec<&str> = report.scenarios.iter().map(|one| &*one.name).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
}

#[rstest]
#[case::both(&[Task::Change], "*/flaky@1", &["change/flaky@1"])]
#[case::none(&[Task::Verify], "change/flaky@1", &[])]
fn a_scenario_is_one_of_the_chosen_tasks(
    #[case] tasks: &[Task],
    #[case] name: &str,
    #[case] expected: &[&str],
) {
    let sweep = tasks
        .iter()
        .fold(sweep(Kind::Sensor).scenario(name), |sweep, task| {
            sweep.task(*task)
        });
    match sweep.run(change_or_verify) {
        Ok(report) => {
            let names: Vec<&str> = report.scenarios.iter().map(|one| &*one.name).collect();
            assert_eq!(names, expected);
        }
        Err(error) => {
            assert!(expected.is_empty(), "{error}");
            let text = "--scenario `change/flaky@1` matches no scenario of the chosen operations";
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }
}

#[test]
fn a_report_says_when_failures_happened() {
    let sweep = sweep(Kind::Sensor).scenario("change/flaky@1..");
    let report = sweep.run(naive).unwrap();
    assert_eq!((report.at, report.scenarios.len()), (At::Always, 1));
}

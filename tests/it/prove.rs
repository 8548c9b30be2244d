//! `prove`, with small files of mutants and controls: what fails a proof, and what is said of it. The whole is a step of `.ci/run`.

use std::{process::Command, sync::Arc};

use d4iot_double::{
    appliance::{Quirk, Rules},
    conformance::{Account, Placeholder, Property, suite, suite::Located},
    contract,
    contract::{Kind, Readings},
    fixture, runner,
    runner::{Lab, Memory},
    server::tls::Identity,
};
use rstest::rstest;

/// A mutant of the sensor that one case kills, and a twin that is lawful: with them alone nothing but the gaps is told.
const MUTANT: &str = "{ id: a, what: b, kinds: [sensor], quirk: names_without_case, by: validation.characters.name_in_capitals, verdict: deviation, facts: [validation.credentials_rejected.body] }";
const CONTROL: &str =
    "- { id: c, what: d, kinds: [sensor], fixture: { readings: { X11: table } } }";

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn prove(mutants: &str, controls: &str) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("m.yaml"),
        format!("mutants:\n  - {mutants}\n"),
    )
    .unwrap();
    std::fs::write(folder.path().join("c.yaml"), controls).unwrap();
    let arguments = [
        "prove",
        "-q",
        "--mutants",
        "m.yaml",
        "--controls",
        "c.yaml",
        "--report",
        "json=p.json",
        "--report",
        "html=p.html",
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let code = output.status.code().unwrap();
    if code < 2 {
        let proof: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("p.json")).unwrap()).unwrap();
        assert_eq!(proof["problems"].as_array().unwrap().is_empty(), code == 0);
        assert!(
            std::fs::read_to_string(folder.path().join("p.html"))
                .unwrap()
                .contains("<svg class=\"matrix\"")
        );
    }
    Ran {
        code,
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_mutant_that_dies_as_declared_and_a_twin_that_is_accepted_leave_the_gaps_to_tell() {
    let ran = prove(MUTANT, CONTROL);
    assert_eq!(ran.code, 1, "{}", ran.out);
    for line in [
        "references  2 of 2 clean",
        "mutants     1 of 1 killed as declared: 1 mutant over both kinds",
        "controls    1 of 1 accepted, their readings named",
        "✗ fact set_password.path (console) has no mutant that is noticed",
        "✗ case validation.repeated (sensor) kills no mutant",
        "✗ no control serves X14 set_password_by_admin.user_unknown.body: table (sensor)",
        "c  X11 validation.authenticated.body: table",
    ] {
        assert!(ran.out.contains(line), "{line}\n{}", ran.out);
    }
    assert!(
        !ran.out.contains("✗ mutant") && !ran.out.contains("✗ control"),
        "{}",
        ran.out
    );
    assert!(
        !ran.out
            .contains("✗ case validation.characters.name_in_capitals (sensor)"),
        "{}",
        ran.out
    );
}

#[rstest]
#[case::another_case_kills(
    ("validation.characters.name_in_capitals", "validation.repeated"),
    "is to die of deviation by validation.repeated: its case found it documented and same"
)]
#[case::by_another_verdict(("verdict: deviation", "verdict: changed"), "without the snapshots it is noticed too, by validation.characters.name_in_capitals")]
#[case::an_idle_claim(("rejected.body]", "rejected.body, validation.token]"), "no case that covers validation.token notices it")]
#[case::lawful(
    ("quirk: names_without_case", "quirk: chunked"),
    "is to die of deviation by validation.characters.name_in_capitals: its case found it documented and same"
)]
fn a_mutant_that_survives_fails_the_proof(#[case] (from, to): (&str, &str), #[case] says: &str) {
    assert!(MUTANT.contains(from));
    let ran = prove(&MUTANT.replace(from, to), CONTROL);
    assert!(
        ran.code == 1 && ran.out.contains("✗ mutant a (sensor)") && ran.out.contains(says),
        "{}",
        ran.out
    );
}

#[rstest]
#[case::not_lawful(("fixture: { readings: { X11: table } }", "quirk: capitals"), "✗ control c (sensor): not accepted by validation.authenticated")]
#[case::not_named(
    ("fixture: { readings: { X11: table } }", "quirk: failures_400"),
    "is the ruling and told as 400"
)]
#[case::nothing_told(
    ("} }", "} }, told: { any.request_timeout.body: invented }"),
    "✗ control c (sensor): nothing is told of any.request_timeout.body"
)]
fn a_control_that_is_not_accepted_or_not_named_fails_the_proof(
    #[case] (from, to): (&str, &str),
    #[case] says: &str,
) {
    assert!(CONTROL.contains(from));
    let ran = prove(MUTANT, &CONTROL.replacen(from, to, 1));
    assert!(ran.code == 1 && ran.out.contains(says), "{}", ran.out);
}

#[test]
fn a_file_that_does_not_hold_is_shown_by_line_and_column() {
    let ran = prove(
        &MUTANT.replace("names_without_case", "name_without_case"),
        CONTROL,
    );
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("unknown quirk `name_without_case`")
            && ran.err.contains("--> m.yaml:2:47"),
        "{}",
        ran.err
    );
}

/// An appliance that repeats passwords is what redaction is for.
#[tokio::test]
async fn a_password_that_is_echoed_is_shown_nowhere() {
    let fixture = fixture::built_in(Kind::Sensor);
    let mut appliance = fixture.appliance();
    let quirk = Quirk {
        way: "password_echoed".parse().unwrap(),
        on: None,
    };
    appliance.rules =
        Arc::new(Rules::new(contract::of(Kind::Sensor), &Readings::default()).with_quirk(quirk));
    let identity = Identity::generate(&[]).unwrap();
    let (double, lab) = Lab::mock_with(&fixture, appliance, "mock".into(), &identity).unwrap();
    let wanted = |located: &&Located| {
        located.case.kinds.contains(&Kind::Sensor) && located.case.id.contains("wrong_password")
    };
    let cases: Vec<&Located> = suite::all().iter().filter(wanted).collect();
    let run = runner::run(&lab, &cases, &Memory::Nothing, &|_| ())
        .await
        .unwrap();
    let report = serde_json::to_string(&run.summary).unwrap();
    let snapshots: String = run
        .cases
        .iter()
        .filter_map(|case| case.snapshot.clone())
        .collect();
    assert!(
        report.contains("«user.wrong_password»") && snapshots.contains("«user.wrong_password»"),
        "the appliance repeats what it was sent"
    );
    for (_, account) in Account::NAMES {
        for property in [
            Property::Password,
            Property::WrongPassword,
            Property::NewPassword,
        ] {
            let password = lab
                .accounts
                .value(Placeholder { account, property })
                .unwrap();
            assert!(
                !report.contains(&password),
                "a report shows {account:?} {property:?}"
            );
            assert!(
                !snapshots.contains(&password),
                "a snapshot shows {account:?} {property:?}"
            );
        }
    }
    drop(lab);
    double.end().await;
}

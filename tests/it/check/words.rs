//! The commands that tell what is known: explain, documents, and what is no command at all.

use std::fs;

use d4iot_double::{
    contract,
    contract::{Kind, Operation, Outcome},
};
use rstest::rstest;

use crate::check::test_dir::{TestDir, project};

#[rstest]
#[case::everything("explain", "=== Disputed: ")]
#[case::number("explain X11", "X11  ")]
#[case::one_kind("explain X11 --kind sensor", "validation.authenticated.body [sensor]")]
#[case::outcome("explain locked_out", "any.on_locked_source")]
fn explain_tells(#[case] line: &str, #[case] expected: &str) {
    let run = TestDir::new().run(line).ends_with(0);
    assert!(run.out.contains(expected), "{}", run.out);
    assert_eq!(run.err, "");
}

#[rstest]
#[case::nonsense(
    "explain nonsense",
    "error: unknown name `nonsense`, expected a fact, a glob of facts, "
)]
#[case::a_case(
    "explain validation.repeated",
    "  hint: it is a case: `d4iot-double plan --case validation.repeated` lists its requests"
)]
#[case::command("chek", "a similar subcommand exists: 'check'")]
#[case::nothing("", "Usage: d4iot-double [OPTIONS] <COMMAND>")]
#[case::option("check --kinds sensor", "a similar argument exists: '--kind'")]
#[case::plan_of_nothing("plan --case [", "invalid glob `[`")]
#[case::folder_of_documents("documents --sensor . --console .", "is a folder\n  hint: ")]
#[case::no_snapshots("accept", "error: no such folder: snapshots\n  hint: ")]
#[case::no_terminal(
    "review",
    "error: review asks questions, but stdin is not a terminal\n  hint: "
)]
fn usage_is_refused_in_words(#[case] line: &str, #[case] expected: &str) {
    let run = TestDir::new().run(line).ends_with(2);
    assert!(run.err.contains(expected), "{}", run.err);
    assert_eq!(run.out, "");
}

#[test]
fn the_documents_hold_and_a_changed_word_is_named() {
    let pages = project("../shared/documents");
    if !pages.is_dir() {
        println!("skipped: no copy of the documents in {}", pages.display());
        return;
    }
    let dir = TestDir::new();
    for name in ["sensor.md", "console.md"] {
        fs::copy(pages.join(name), dir.path(name)).unwrap();
    }
    const LINE: &str = "documents --sensor sensor.md --console console.md";
    dir.run(LINE).ends_with(0);

    let said = contract::of(Kind::Sensor)
        .response_spec(Some(Operation::Validation), Outcome::Authenticated)
        .unwrap()
        .1
        .body
        .default_reading()
        .is
        .text();
    let page = dir.read("sensor.md");
    let number = page.lines().position(|line| line.contains(said)).unwrap() + 1;
    dir.write(
        "sensor.md",
        &page.replace(said, &said.replacen(' ', " never ", 1)),
    );
    let run = dir.run(LINE).ends_with(1);
    assert!(
        run.out
            .contains(&format!("sensor:{number} validation.authenticated.body")),
        "{}",
        run.out
    );
}

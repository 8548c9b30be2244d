//! The command that tells what is known, explain, and what is no command at all.

use rstest::rstest;

use crate::check::test_dir::TestDir;

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

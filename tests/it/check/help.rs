//! The command line itself: a change of it is a change one can see.

use rstest::rstest;

use crate::check::desk::{Desk, told};

#[rstest]
#[case::all("")]
#[case::accept("accept")]
#[case::check("check")]
#[case::diff("diff")]
#[case::documents("documents")]
#[case::explain("explain")]
#[case::fixture("fixture")]
#[case::fixture_check("fixture check")]
#[case::fixture_init("fixture init")]
#[case::fixture_schedule("fixture schedule")]
#[case::fixture_schema("fixture schema")]
#[case::healthcheck("healthcheck")]
#[case::pending("pending")]
#[case::plan("plan")]
#[case::recover("recover")]
#[case::reject("reject")]
#[case::review("review")]
#[case::serve("serve")]
fn help_is_as_it_was(#[case] command: &str) {
    let desk = Desk::new();
    let help = told(
        desk.command(&format!("{command} --help"))
            .env("COLUMNS", "100"),
    )
    .ends_with(0);
    assert_eq!(help.err, "");
    let name = if command.is_empty() {
        "help".to_owned()
    } else {
        format!("help_{}", command.replace(' ', "_"))
    };
    let mut settings = insta::Settings::new();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(format!(
        "d4iot-double {}",
        format!("{command} --help").trim_start()
    ));
    settings.bind(|| insta::assert_snapshot!(name, help.out));
}

#[test]
fn every_command_is_told_here() {
    let help = Desk::new().run("--help").ends_with(0).out;
    let commands = help
        .split("Commands:\n")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap();
    let names = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        assert!(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/it/check/snapshots/help_{name}.snap"))
                .exists(),
            "{name}"
        );
    }
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(
        Desk::new().run("--version").ends_with(0).out,
        concat!("d4iot-double ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

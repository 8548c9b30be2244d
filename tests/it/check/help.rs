//! The help of every command is `docs/cli.md`: a change of the command line is a change one can see.

use std::{env, fs};

use crate::check::test_dir::{TestDir, project, run_command};

/// `D4IOT_BLESS=1 cargo test` rewrites the page.
#[test]
#[expect(clippy::disallowed_methods, reason = "the page is a file")]
fn docs_cli_md_is_the_help_of_every_command() {
    let page = page();

    let path = project("docs/cli.md");
    if env::var_os("D4IOT_BLESS").is_some() {
        fs::write(path, page).unwrap();
    } else {
        assert_eq!(fs::read_to_string(path).unwrap(), page);
    }
}

#[test]
fn docs_cli_md_has_every_command() {
    for command in ["", "fixture", "report"] {
        let help = help(command);
        let (_, commands) = help.split_once("Commands:\n").unwrap();
        let (commands, _) = commands.split_once("\n\n").unwrap();
        // A name stands two columns to the right, what continues its text further.
        let names = commands
            .lines()
            .filter(|line| !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help");
        for name in names {
            let command = format!("{command} {name}");
            assert!(COMMANDS.contains(&command.trim()), "{command}");
        }
    }
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(
        TestDir::new().run("--version").ends_with(0).out,
        concat!("d4iot-double ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

fn page() -> String {
    let mut page =
        String::from("# Command line\n\nThis page is generated from `--help`; do not edit it.\n");
    for command in COMMANDS {
        let name = format!("d4iot-double {command}");
        page.push_str(&format!("\n## {}\n\n```text\n", name.trim_end()));
        for line in help(command).lines() {
            page.push_str(line.trim_end());
            page.push('\n');
        }
        page.push_str("```\n");
    }
    page
}

fn help(command: &str) -> String {
    let dir = TestDir::new();
    let help = run_command(
        dir.command(&format!("{command} --help"))
            .env("COLUMNS", "100"),
    )
    .ends_with(0);
    assert_eq!(help.err, "");
    help.out
}

/// Every command that has a help text, in the order of the page.
const COMMANDS: &[&str] = &[
    "",
    "serve",
    "sweep",
    "check",
    "plan",
    "recover",
    "pending",
    "review",
    "accept",
    "reject",
    "diff",
    "report",
    "report merge",
    "explain",
    "documents",
    "export",
    "fixture",
    "fixture check",
    "fixture schema",
    "fixture init",
    "fixture modes",
    "fixture schedule",
    "healthcheck",
    "judge",
];

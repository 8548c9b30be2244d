//! Runs the commands of README.md and `docs/*.md` and compares their output with what the pages show.
//!
//! `D4IOT_DOCS=write cargo test --test docs` writes the differences into the pages; read them with `git diff`.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests read the pages and prepare folders"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]
#![expect(
    clippy::duplicate_mod,
    reason = "each example is a program with the same helper"
)]

mod deploy;
mod examples;
mod links;
mod page;
mod register;
mod stage;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use d4iot_double::{cli::code, contract, contract::Kind};
use page::{Page, Part, Role};
use rstest::rstest;
use stage::Stage;

#[rstest]
fn commands_print_what_the_page_shows(
    #[files("README.md")]
    #[files("docs/*.md")]
    path: PathBuf,
) {
    let page = Page::new(fs::read_to_string(&path).unwrap());
    let mut stage = Stage::new();
    let differences: Vec<(&Part, String)> = page
        .parts
        .iter()
        .filter_map(|part| Some((part, difference(part, &page, &mut stage)?)))
        .collect();

    let writes = env::var("D4IOT_DOCS").is_ok_and(|word| word == "write");
    if writes && !differences.is_empty() {
        fs::write(&path, page.with(&differences)).unwrap();
    }

    // Only a person can shorten an output.
    let report: Vec<String> = differences
        .iter()
        .filter(|(part, _)| !writes || page.is_shortened(part))
        .map(|(part, now)| format!("--- {}\n{}\n--- is now\n{now}", part.code, page.shown(part)))
        .collect();
    assert!(report.is_empty(), "{}", report.join("\n\n"));
}

#[test]
fn the_readme_lists_every_exit_code() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let listed: BTreeSet<u8> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let ours = [
        code::SUCCESS,
        code::DEVIATION,
        code::USAGE,
        code::UNREACHABLE,
        code::NOTHING_JUDGED,
        code::NO_SNAPSHOT,
        code::SAFETY_RULE,
        code::UNRESTORED,
        code::INTERNAL,
        code::INTERRUPTED,
    ];
    assert_eq!(listed, BTreeSet::from(ours));
}

#[test]
fn the_readme_is_short() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(page.lines().count() <= 250);
    assert!(page.split_whitespace().count() <= 2_200);
}

/// Runs one part of a page. Returns the text to show, if it differs from the text shown.
fn difference(part: &Part, page: &Page, stage: &mut Stage) -> Option<String> {
    let now = match &part.role {
        Role::File(name) => {
            stage.put(name, &part.code);
            return None;
        }
        Role::From(name) => {
            let source = fs::read_to_string(root().join(name)).unwrap();
            let source = source.replace("pub(crate) ", "");
            assert!(
                source.contains(&part.code),
                "{name} has not:\n{}",
                part.code
            );
            return None;
        }
        Role::Unmet => examples::expectations::unmet()
            .unwrap()
            .replace("tests/docs/../../", ""),
        Role::Serves => stage.serve(&part.code, page.shown(part).lines().count()),
        Role::Client { exit } => stage.ask(&part.code, *exit)?,
        Role::Tested { exit, stderr } => stage.run(&part.code, *exit, *stderr),
        Role::Table(name) => {
            assert_eq!(name, "register", "unknown table");
            register::table(&[Kind::Sensor, Kind::Console].map(contract::of))
        }
    };
    let now = now.trim_end().to_owned();
    (!page::agrees(page.shown(part), &now)).then_some(now)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

//! The README: its commands are run and what they print is compared, its tables are made anew from the contract.
//!
//! `D4IOT_README=write cargo test --test readme` writes what differs into the README, for a person to read.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests read the README and prepare folders"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod page;
mod register;
mod stage;

use std::{collections::BTreeSet, env, fs, path::Path};

use d4iot_double::{cli::code, contract, contract::Kind};
use page::{Page, Part, Role};
use stage::Stage;

#[test]
fn every_tested_command_prints_what_is_shown_and_every_table_is_today_s() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = Page::new(fs::read_to_string(&path).unwrap());
    assert!(
        page.parts.len() > 10,
        "the README has marked blocks: {:?}",
        page.parts
    );
    let mut stage = Stage::new();
    let differences: Vec<(&Part, String)> = page
        .parts
        .iter()
        .filter_map(|part| Some((part, played(part, &page, &mut stage)?)))
        .collect();
    if env::var("D4IOT_README").is_ok_and(|word| word == "write") {
        fs::write(&path, page.with(&differences)).unwrap();
        return;
    }
    let told: Vec<String> = differences
        .iter()
        .map(|(part, now)| format!("--- {}\n{}\n--- is now\n{now}", part.code, page.shown(part)))
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}

#[test]
fn every_exit_code_is_listed() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let listed: BTreeSet<u8> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next()?.parse().ok())
        .collect();
    let ours = [
        code::GOOD,
        code::WRONG,
        code::USAGE,
        code::UNREACHABLE,
        code::NOTHING,
        code::NO_SNAPSHOT,
        code::REFUSED,
        code::LOST,
        code::INTERNAL,
        code::INTERRUPTED,
    ];
    assert_eq!(listed, BTreeSet::from(ours));
}

/// Plays a part of the page, and returns what it should show where it shows something else.
fn played(part: &Part, page: &Page, stage: &mut Stage) -> Option<String> {
    let now = match &part.role {
        Role::File(name) => {
            stage.put(name, &part.code);
            return None;
        }
        Role::Serves => stage.serve(&part.code, page.shown(part).lines().count()),
        Role::Client => stage.ask(&part.code)?,
        Role::Tested { exit, stderr } => stage.run(&part.code, *exit, *stderr),
        Role::Table(name) => {
            assert_eq!(name, "register", "no other table is known");
            register::table(&[Kind::Sensor, Kind::Console].map(contract::of))
        }
    };
    let now = now.trim_end().to_owned();
    (!page::agrees(page.shown(part), &now)).then_some(now)
}

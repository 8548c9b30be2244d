//! The house: rooms stand on floors, sentences stand in the contract, and every exception has its reason. A test walks the stairs.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests read the project's own files"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod circles;
mod floors;
mod furniture;
mod source;
mod wording;

use std::{collections::BTreeSet, fs, path::Path};

use d4iot_double::{contract, contract::Kind};
use source::Source;

#[test]
fn no_room_looks_up() {
    let order = floors::order(&read("src/lib.rs"));
    assert!(order.len() > 10, "lib.rs lists the rooms: {order:?}");
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|source| floors::looks_up(&order, source))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn lib_rs_lists_every_room_and_no_other() {
    let listed: BTreeSet<String> = floors::order(&read("src/lib.rs")).into_iter().collect();
    let rooms: BTreeSet<String> = sources()
        .iter()
        .filter_map(|source| source.module.first().cloned())
        .collect();
    assert_eq!(listed, rooms);
}

#[test]
fn no_files_of_a_room_go_in_a_circle() {
    assert_eq!(circles::circles(&sources()), [""; 0]);
}

#[test]
fn no_sentence_stands_in_rust() {
    let sentences: BTreeSet<String> = [Kind::Sensor, Kind::Console]
        .iter()
        .flat_map(|kind| wording::sentences(contract::of(*kind)))
        .collect();
    assert!(sentences.len() > 20, "{sentences:?}");
    let found: Vec<String> = sources()
        .iter()
        .flat_map(|source| wording::spoken(&sentences, source))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn no_file_is_too_long_without_a_reason() {
    let lengths: Vec<(String, usize)> = sources()
        .iter()
        .map(|source| (source.path.clone(), source.length))
        .collect();
    assert_eq!(furniture::too_long(&lengths, LONG_FILES), [""; 0]);
}

#[test]
fn every_dependency_says_what_it_spares_us() {
    assert_eq!(furniture::without_comment(&read("Cargo.toml")), [""; 0]);
}

#[test]
fn every_fixture_names_its_schema() {
    let schema = |path: &str| match path.split('/').nth(1) {
        Some("failures") => "./modes.schema.json",
        Some("scenarios") => "../fixture.schema.json",
        _ => "./fixture.schema.json",
    };
    let names = |path: &String| {
        read(path).starts_with(&format!(
            "# yaml-language-server: $schema={}\n",
            schema(path)
        ))
    };
    let fixtures: Vec<String> = files("fixtures", ".yaml")
        .into_iter()
        .filter(|path| !names(path))
        .collect();
    assert_eq!(fixtures, [""; 0]);
}

#[test]
fn nothing_is_unsafe() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    let found: Vec<String> = files("src", ".rs")
        .into_iter()
        .filter(|path| furniture::is_unsafe(&read(path)))
        .collect();
    assert_eq!(found, [""; 0]);
}

/// The files over 300 lines, each with its reason. One that has become shorter leaves this list.
const LONG_FILES: &[(&str, &str)] = &[
    (
        "src/appliance/rules.rs",
        "the way from a request to its answer reads better whole",
    ),
    (
        "src/contract.rs",
        "the law's types stand on one page, and half of the file holds both laws against them",
    ),
    (
        "src/fixture/mode/act.rs",
        "what each key of `do` means, one after the other",
    ),
    (
        "src/fixture/mode/tests.rs",
        "a table of refusals, one block each",
    ),
    (
        "src/fixture/mode/written.rs",
        "every key of a failure mode, with what an editor tells of it",
    ),
    (
        "src/fixture/tests.rs",
        "a table of refusals, one block each",
    ),
];

fn sources() -> Vec<Source> {
    source::gather(
        files("src", ".rs")
            .into_iter()
            .map(|path| (read(&path), path))
            .map(|(text, path)| (path, text))
            .collect(),
    )
}

/// Returns the files below a folder of the project that end so, as paths from its root, sorted.
fn files(folder: &str, ending: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                found.push(
                    path.strip_prefix(root)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace('\\', "/"),
                );
            }
        }
    }
    found.sort();
    found
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

//! The targets of `fuzz/`, on stable: what the project has of each kind, whole and damaged in ways that a seed decides.
//!
//! cargo-fuzz on nightly looks for new ways through the code, this loop does not: it keeps the targets compiled, holds what they once found, and
//! is there where nightly is not. `D4IOT_FUZZ_SECONDS` says for how long each runs, 1 when not given; `D4IOT_FUZZ_SEED` where to begin.

mod answer;
mod case;
mod contract;
mod documents;
mod fixture;
mod given;
mod journal;
mod recover;
mod redact;
mod request;
mod snapshot;
mod spoil;
mod wire;

use std::{
    collections::BTreeSet,
    env, fs, panic,
    path::Path,
    time::{Duration, Instant},
};

use rstest::rstest;
use spoil::Spoil;

#[rstest]
#[case::answer(answer::run, "answer", &["snapshots/sensor"])]
#[case::case(case::run, "case", &["conformance/cases"])]
#[case::contract(contract::run, "contract", &["conformance/contract"])]
#[case::documents(documents::run, "documents", &["../shared/documents"])]
#[case::fixture(fixture::run, "fixture", &["fixtures", "fixtures/failures", "fixtures/scenarios"])]
#[case::given(given::run, "given", &["conformance"])]
#[case::journal(journal::run, "journal", &[])]
#[case::recover(recover::run, "recover", &[])]
#[case::redact(redact::run, "redact", &[])]
#[case::request(request::run, "request", &["fuzz/corpus/wire"])]
#[case::snapshot(snapshot::run, "snapshot", &["snapshots/sensor", "snapshots/console"])]
#[case::wire(wire::run, "wire", &["fuzz/corpus/request"])]
fn nothing_breaks_it(#[case] run: fn(&[u8]), #[case] name: &str, #[case] folders: &[&str]) {
    let corpus = format!("fuzz/corpus/{name}");
    let seeds: Vec<Vec<u8>> = folders
        .iter()
        .copied()
        .chain([corpus.as_str()])
        .flat_map(files)
        .collect();
    assert!(!seeds.is_empty(), "there is something to begin with");
    let number =
        |name: &str, otherwise: u64| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let (time, seed) = (
        Duration::from_secs(number("D4IOT_FUZZ_SECONDS", 1)),
        number("D4IOT_FUZZ_SEED", 7),
    );
    let began = Instant::now();
    let mut inputs = 0_u64;
    let mut one = |bytes: &[u8]| {
        inputs += 1;
        if panic::catch_unwind(|| run(bytes)).is_err() {
            let path = format!("{}/{name}.found", env!("CARGO_TARGET_TMPDIR"));
            fs::write(&path, bytes).unwrap();
            panic!(
                "input {inputs} of seed {seed} breaks {name}, and is kept in {path}: {:.300}",
                bytes.escape_ascii().to_string()
            );
        }
    };
    seeds.iter().for_each(|bytes| one(bytes));
    let mut spoil = Spoil::new(seed);
    while began.elapsed() < time {
        one(&spoil.one_of(&seeds));
    }
    println!(
        "{name}: {inputs} inputs from {} seeds in {:.0?}",
        seeds.len(),
        began.elapsed()
    );
}

/// `cargo fuzz list`, by which `.ci/long` goes, tells what the manifest names.
#[test]
fn every_target_is_fuzzed_here_as_well() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = |text: &str, before: &str, behind: &str| -> BTreeSet<String> {
        let lines = text.lines().filter_map(|line| {
            Some(
                line.trim()
                    .strip_prefix(before)?
                    .strip_suffix(behind)?
                    .to_owned(),
            )
        });
        lines.collect()
    };
    let mut listed = named(
        &fs::read_to_string(root.join("fuzz/Cargo.toml")).unwrap(),
        "name = \"",
        "\"",
    );
    assert!(listed.remove("d4iot-double-fuzz"));
    let here = named(include_str!("fuzz.rs"), "mod ", ";")
        .into_iter()
        .filter(|module| module != "spoil");
    assert_eq!(listed, here.collect());
    let tried: BTreeSet<&str> = include_str!("fuzz.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("#[case::")?.split('(').next())
        .collect();
    assert_eq!(tried, listed.iter().map(String::as_str).collect());
}

/// Reads the files of a folder, in order; none where there is no such folder.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

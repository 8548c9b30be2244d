//! What holds for the code as a whole: layers, lengths, names and words. Figures are printed with `--nocapture`.
//!
//! A ceiling is today's figure where the goal is not reached yet. It may go down, never up.

#![expect(
    clippy::disallowed_methods,
    reason = "the tests read the project's own files"
)]
#![expect(clippy::print_stderr, reason = "figures can be read with --nocapture")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod files;
mod layers;
mod measures;
mod source;
mod tokens;
mod versions;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use d4iot_double::{contract, contract::Kind};
use files::{below, read};
use source::Source;

/// A figure that must come down to its goal, and never goes up.
struct Ceiling {
    of: &'static str,
    max: usize,
    goal: usize,
}

impl Ceiling {
    /// Prints the figure and holds it. `places` says where each one is.
    fn hold(&self, figure: usize, places: &[String]) {
        let Ceiling { of, max, goal } = self;
        eprintln!("{of}: {figure}, at most {max}, goal {goal}");
        for place in places {
            eprintln!("    {place}");
        }
        assert!(figure <= *max, "{of}: {figure}, at most {max}: {places:#?}");
    }
}

const STRING_ERRORS: Ceiling = Ceiling {
    of: "Result<_, String>",
    max: 2,
    goal: 20,
};
const CODE_LINES: Ceiling = Ceiling {
    of: "lines of code",
    max: 34_700,
    goal: 20_000,
};

/// The four layers from the bottom, with the modules of each. A module uses its own layer and those below.
const LAYERS: &[&[&str]] = &[
    // Data and the pure core.
    &[
        "contract",
        "redact",
        "appliance",
        "failure",
        "fixture",
        "journal",
        "suite",
        "report",
        "snapshot",
        "export",
    ],
    // What talks: server and client.
    &["system", "clock", "server", "client"],
    // What runs: cases, the control API, doubles in tests.
    &["runner", "control", "testing", "sweep"],
    // The program.
    &["cli"],
];

#[test]
fn no_module_uses_a_layer_above() {
    let found: Vec<String> = of_crate()
        .flat_map(|source| layers::uses_above(LAYERS, source))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn no_modules_use_one_another_in_a_circle() {
    assert_eq!(layers::module_circles(of_crate()), [""; 0]);
    assert_eq!(layers::file_circles(of_crate()), [""; 0]);
}

#[test]
fn top_level_modules_are_few() {
    let modules: BTreeSet<String> = of_crate()
        .filter_map(|source| source.module.first().cloned())
        .collect();
    assert!(modules.len() <= 19, "{modules:?}");
}

#[test]
fn no_two_types_share_a_name() {
    // Of each type that differs between systems only one is ever compiled.
    let of_one_system = of_crate().filter(|source| !source.path.starts_with("src/system/windows"));
    assert_eq!(measures::shared_names(of_one_system), [""; 0]);
}

#[test]
fn errors_are_types_and_not_strings() {
    let mut found = Vec::new();
    for source in SOURCES.iter() {
        let lines = source.string_errors.iter();
        found.extend(lines.map(|line| format!("{}:{line}", source.path)));
    }
    STRING_ERRORS.hold(found.len(), &found);
}

#[test]
fn the_code_is_small() {
    let mut by_module: BTreeMap<String, usize> = BTreeMap::new();
    for source in SOURCES.iter() {
        let module = match source.path.strip_prefix("src/") {
            Some(inner) => inner.split(['/', '.']).next(),
            None => source.path.split('/').next(),
        };
        *by_module
            .entry(module.unwrap_or_default().to_owned())
            .or_default() += source.code_lines;
    }
    let mut lines: Vec<_> = by_module.iter().collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let places: Vec<String> = lines
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(name, count)| format!("{count:>6} {name}"))
        .collect();
    CODE_LINES.hold(by_module.values().sum(), &places);
}

#[test]
fn names_of_tests_are_short() {
    let mut found = Vec::new();
    for source in SOURCES.iter() {
        let long = source.tests.iter().filter(|name| name.len() > 60);
        found.extend(long.map(|name| format!("{}: {name}", source.path)));
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn files_are_short() {
    let long = SOURCES.iter().filter(|source| source.length > 400);
    let found: Vec<String> = long
        .map(|source| format!("{}: {} lines", source.path, source.length))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn texts_that_users_see_have_no_retired_terms() {
    let folders = [
        "docs",
        "conformance",
        "fixtures",
        "examples",
        "tests/it/check/snapshots",
    ];
    let endings = [".md", ".yaml", ".json", ".snap"];
    let mut paths: Vec<String> = folders
        .iter()
        .flat_map(|folder| endings.iter().flat_map(|ending| below(folder, ending)))
        .collect();
    paths.extend(["README.md".to_owned()]);
    let mut found = Vec::new();
    for path in paths {
        for (index, line) in read(&path).lines().enumerate() {
            // The titles of the cases stand in the snapshots too, which a change of words alone leaves as they are.
            if path.starts_with("conformance/cases/") && line.starts_with("  title: ") {
                continue;
            }
            let terms = words::retired(line);
            found.extend(
                terms
                    .iter()
                    .map(|term| format!("{path}:{}: {term}", index + 1)),
            );
        }
    }
    for source in SOURCES.iter() {
        for (line, text) in &source.literals {
            let terms = words::retired(text);
            found.extend(
                terms
                    .iter()
                    .map(|term| format!("{}:{line}: {term}", source.path)),
            );
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn names_have_no_retired_terms() {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for source in SOURCES.iter() {
        for name in &source.names {
            if !words::retired_in_name(name).is_empty() {
                places.entry(name.clone()).or_default().push(&source.path);
            }
        }
    }
    let found: Vec<String> = places
        .iter()
        .map(|(name, paths)| format!("{name}: {}", paths.join(", ")))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn documented_sentences_stand_in_the_contract_alone() {
    let sentences: BTreeSet<String> = [Kind::Sensor, Kind::Console]
        .iter()
        .flat_map(|kind| words::sentences(contract::of(*kind)))
        .collect();
    assert!(sentences.len() > 20, "{sentences:?}");
    let found: Vec<String> = of_crate()
        .flat_map(|source| words::quoted(&sentences, source))
        .collect();
    assert_eq!(found, [""; 0]);
}

#[test]
fn every_dependency_says_what_it_is_for() {
    assert_eq!(files::without_comment(&read("Cargo.toml")), [""; 0]);
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
    let fixtures: Vec<String> = below("fixtures", ".yaml")
        .into_iter()
        .filter(|path| !names(path))
        .collect();
    assert_eq!(fixtures, [""; 0]);
}

#[test]
fn no_code_is_unsafe() {
    assert!(read("Cargo.toml").contains("unsafe_code = \"forbid\""));
    let found: Vec<&str> = SOURCES
        .iter()
        .filter(|source| source.names.contains("unsafe"))
        .map(|source| source.path.as_str())
        .collect();
    assert_eq!(found, [""; 0]);
}

/// Every Rust file of all crates but `selftest`, tests included.
static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| source::gather(rust_files()));

/// The files of the crate itself.
fn of_crate() -> impl Iterator<Item = &'static Source> {
    SOURCES
        .iter()
        .filter(|source| source.path.starts_with("src/"))
}

fn rust_files() -> Vec<(String, String)> {
    let folders = ["src", "benches", "fuzz", "examples", "tests"];
    let mut paths: Vec<String> = folders
        .iter()
        .flat_map(|folder| below(folder, ".rs"))
        .collect();
    paths.push("build.rs".to_owned());
    paths
        .into_iter()
        .map(|path| (read(&path), path))
        .map(|(text, path)| (path, text))
        .collect()
}

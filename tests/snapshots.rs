//! The snapshots that `check` holds answers against, asserted by insta's macro: `cargo test` and `check` share one store.
//!
//! A change shows as a `.snap.new` beside the snapshot: `cargo insta review`, or `d4iot-double review`.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

use std::{
    collections::BTreeSet,
    fs, panic,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use d4iot_double::{
    contract::Kind,
    fixture, runner,
    runner::{CaseRun, RunContext},
    server::tls::Identity,
    snapshot::{SnapshotFolder, SnapshotOwner, SnapshotStore, UpdateMode},
    suite::{cases, cases::CaseWithLocation},
};
use rstest::rstest;

#[rstest]
fn every_answer_is_as_its_snapshot_has_it(
    #[files("conformance/cases/*.yaml")] file: PathBuf,
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let cases: Vec<&CaseWithLocation> = cases(kind)
        .filter(|located| located.file.ends_with(&format!("/{name}")))
        .collect();
    let ran = run(kind, &cases, &SnapshotStore::None);
    assert_eq!(ran.len(), cases.len());
    // The macro panics at the first difference; all the cases of the file are to be told.
    let differing: Vec<&str> = cases
        .iter()
        .zip(&ran)
        .filter(|(located, ran)| {
            panic::catch_unwind(|| {
                assert_as_snapshot(kind, located, ran.snapshot.as_deref().unwrap())
            })
            .is_err()
        })
        .map(|(located, _)| located.case.id.as_str())
        .collect();
    assert!(
        differing.is_empty(),
        "{} of {} {kind} cases of {name} differ from their snapshots: {}",
        differing.len(),
        cases.len(),
        differing.join(", ")
    );
}

#[rstest]
fn every_case_has_a_snapshot_and_every_snapshot_a_case(
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("snapshots")
        .join(kind.name());
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let there: BTreeSet<String> = names.filter(|name| !name.ends_with(".snap.new")).collect();
    let wanted: BTreeSet<String> = cases(kind)
        .map(|located| format!("{}.snap", located.case.id))
        .collect();
    let missing: Vec<_> = wanted.difference(&there).collect();
    let gone: Vec<_> = there.difference(&wanted).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "{kind}: without a snapshot {missing:?}, without a case {gone:?}"
    );
}

#[test]
fn accepted_macro_file_equals_ours() {
    let workspace = workspace();
    let by_macro = child(workspace.path(), "new");
    assert!(!by_macro, "a new snapshot fails the test that finds it");
    let theirs = SnapshotFolder::open(workspace.path().join("snapshots/sensor")).unwrap();
    let ours = SnapshotFolder::create(workspace.path().join("ours")).unwrap();
    run(
        Kind::Sensor,
        &[one()],
        &SnapshotStore::Folder(ours.clone(), UpdateMode::Pending, SnapshotOwner::Tests),
    );
    for snapshots in [&theirs, &ours] {
        assert_eq!(names(snapshots.folder()), [format!("{ONE}.snap.new")]);
        snapshots.accept(ONE).unwrap();
        assert_eq!(names(snapshots.folder()), [format!("{ONE}.snap")]);
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots/sensor");
    let bytes = |folder: &Path| fs::read_to_string(folder.join(format!("{ONE}.snap"))).unwrap();
    assert_eq!(bytes(theirs.folder()), bytes(ours.folder()));
    assert_eq!(bytes(ours.folder()), bytes(&project));
    assert!(
        child(workspace.path(), "no"),
        "the macro passes on what was accepted"
    );
}

#[rstest]
#[case::pending("new", &["validation.authenticated.snap", "validation.authenticated.snap.new"], false)]
#[case::ci("auto", &["validation.authenticated.snap"], false)]
#[case::nothing("no", &["validation.authenticated.snap"], false)]
#[case::always("always", &["validation.authenticated.snap"], true)]
fn the_environment_decides_what_a_change_leaves_behind(
    #[case] update: &str,
    #[case] files: &[&str],
    #[case] passes: bool,
) {
    let workspace = workspace();
    let folder = workspace.path().join("snapshots/sensor");
    fs::create_dir_all(&folder).unwrap();
    let changed = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("snapshots/sensor/{ONE}.snap")),
    )
    .unwrap()
    .replace("200", "201");
    fs::write(folder.join(format!("{ONE}.snap")), &changed).unwrap();
    assert_eq!(child(workspace.path(), update), passes);
    assert_eq!(names(&folder), files);
    assert_eq!(
        fs::read_to_string(folder.join(format!("{ONE}.snap"))).unwrap() == changed,
        !passes
    );
}

#[test]
#[ignore = "started by the others, as a child"]
fn the_child() {
    // A person who runs the ignored tests by hand has no workspace to write to.
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let ran = run(Kind::Sensor, &[one()], &SnapshotStore::None);
    assert_as_snapshot(Kind::Sensor, one(), ran[0].snapshot.as_deref().unwrap());
}

/// Runs cases at a mock of its own, over HTTPS.
fn run(kind: Kind, cases: &[&'static CaseWithLocation], store: &SnapshotStore) -> Vec<CaseRun> {
    static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&[]).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (double, lab) =
            RunContext::mock(&fixture::built_in(kind), "built-in mock".into(), &IDENTITY).unwrap();
        let run = runner::run(&lab, cases, store, &|_| {}).await;
        double.stop().await;
        run.cases
    })
}

fn assert_as_snapshot(kind: Kind, located: &CaseWithLocation, body: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(format!("../snapshots/{kind}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(located.case.title.clone());
    settings.set_input_file(located.file);
    settings.bind(|| insta::assert_snapshot!(located.case.id.as_str(), body));
}

fn cases(kind: Kind) -> impl Iterator<Item = &'static CaseWithLocation> {
    cases::all()
        .iter()
        .filter(move |located| located.case.kinds.contains(&kind))
}

fn one() -> &'static CaseWithLocation {
    cases(Kind::Sensor)
        .find(|located| located.case.id == ONE)
        .unwrap()
}

/// Asserts one case in a child whose workspace is another, because the macro reads its settings from the environment once per process.
fn child(workspace: &Path, update: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in [
        "INSTA_PENDING_DIR",
        "INSTA_FORCE_PASS",
        "INSTA_REQUIRE_FULL_MATCH",
        "INSTA_YAML_BLOCK_STYLE",
    ] {
        command.env_remove(name);
    }
    command
        .args(["--ignored", "--exact", "the_child"])
        .current_dir(workspace);
    command
        .env("CI", "true")
        .env("INSTA_WORKSPACE_ROOT", workspace)
        .env("INSTA_UPDATE", update)
        .env(CHILD, "1");
    command.output().unwrap().status.success()
}

/// A workspace with the files that insta looks for: the test's source and the case's.
fn workspace() -> tempfile::TempDir {
    let workspace = tempfile::tempdir().unwrap();
    for file in ["tests/snapshots.rs", one().file] {
        let path = workspace.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    workspace
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The case that is followed from end to end.
const ONE: &str = "validation.authenticated";

/// Tells a child that it is one.
const CHILD: &str = "SNAPSHOTS_CHILD";

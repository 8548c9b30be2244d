//! The snapshot folder: its files after each step, and what is refused.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use d4iot_double::{
    snapshot,
    snapshot::{Header, Snapshot, SnapshotError, SnapshotFolder},
};
use rstest::rstest;
use tempfile::TempDir;

#[test]
fn what_is_written_is_read_again() {
    let (_folder, snapshots) = snapshots();
    snapshots.write("validation.ok", &text("one")).unwrap();
    assert_eq!(
        snapshots.read("validation.ok").unwrap().unwrap().body,
        "one"
    );
    assert_eq!(snapshots.read("validation.wrong").unwrap(), None);
    snapshots.write("validation.ok", &text("two")).unwrap();
    assert_eq!(
        snapshots.read("validation.ok").unwrap().unwrap().body,
        "two"
    );
    assert_eq!(files(&snapshots), ["validation.ok.snap"]);
}

#[test]
fn ids_are_those_of_accepted_snapshots_in_order() {
    let (folder, snapshots) = snapshots();
    for id in ["b.two", "a", "b.one"] {
        snapshots.write(id, &text("x")).unwrap();
    }
    snapshots.write_pending("c", &text("x")).unwrap();
    for other in ["README.md", ".a.snap", ".snapshot.1.0.tmp"] {
        fs::write(folder.path().join(other), "").unwrap();
    }
    assert_eq!(snapshots.ids().unwrap(), ["a", "b.one", "b.two"]);
}

#[test]
fn pending_shows_old_new_and_what_differs() {
    let (_folder, snapshots) = snapshots();
    snapshots.write("a.changed", &text("200\nold")).unwrap();
    snapshots
        .write_pending("a.changed", &text("200\nnew"))
        .unwrap();
    snapshots.write_pending("b.new", &text("x")).unwrap();
    let pending = snapshots.pending().unwrap();
    let seen: Vec<_> = pending
        .iter()
        .map(|one| {
            (
                one.id.as_str(),
                one.old.as_ref().map(Snapshot::text),
                one.new.text(),
                one.diff.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                "a.changed",
                Some(text("200\nold")),
                text("200\nnew"),
                "@@ -1,2 +1,2 @@\n 200\n-old\n+new\n"
            ),
            ("b.new", None, text("x"), "@@ -0,0 +1 @@\n+x\n"),
        ]
    );
}

#[rstest]
#[case::ours(text("200\n\n\"ä\""))]
#[case::instas(text("200").replace("description:", "assertion_line: 12\ndescription:"))]
#[case::line_ends(text("200\nx").replace('\n', "\r\n"))]
fn accept_gives_the_bytes_that_instas_accept_gives(#[case] pending: String) {
    let (folder, snapshots) = snapshots();
    snapshots.write("a", &text("old")).unwrap();
    snapshots.write_pending("a", &pending).unwrap();
    let theirs = folder.path().join("theirs");
    insta::Snapshot::from_file(&folder.path().join("a.snap.new"))
        .unwrap()
        .save(&theirs)
        .unwrap();
    snapshots.accept("a").unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("a.snap")).unwrap(),
        fs::read_to_string(theirs).unwrap()
    );
    fs::remove_file(folder.path().join("theirs")).unwrap();
    assert_eq!(files(&snapshots), ["a.snap"]);
}

#[test]
fn a_broken_pending_file_is_never_accepted() {
    let (_folder, snapshots) = snapshots();
    snapshots.write_pending("a", "<<<<<<< HEAD").unwrap();
    assert!(says(snapshots.accept("a"), "line 1: expected `---`"));
    assert_eq!(files(&snapshots), ["a.snap.new"]);
}

#[test]
fn reject_leaves_the_accepted_snapshot() {
    let (_folder, snapshots) = snapshots();
    snapshots.write("a", &text("old")).unwrap();
    snapshots.write_pending("a", &text("new")).unwrap();
    snapshots.reject("a").unwrap();
    assert_eq!(files(&snapshots), ["a.snap"]);
    assert!(says(snapshots.reject("a"), "nothing is pending"));
    assert!(says(snapshots.accept("a"), "nothing is pending"));
    assert!(!snapshots.drop_pending("a").unwrap());
}

#[rstest]
fn what_is_no_case_id_is_refused(
    #[values(
        "", "a__b", "a/b", "../a", "..", "A", "a b", "a-b", "ä", ".a", "a.", "a\0", "a\n", "a\\b"
    )]
    id: &str,
    #[values(false, true)] pending: bool,
) {
    let (_folder, snapshots) = snapshots();
    let done = if pending {
        snapshots.write_pending(id, "")
    } else {
        snapshots.write(id, "")
    };
    assert!(says(done, "as a case id"));
    assert!(says(snapshots.read(id), "as a case id"));
    assert!(says(snapshots.accept(id), "as a case id"));
    assert!(says(snapshots.reject(id), "as a case id"));
    assert_eq!(files(&snapshots), [""; 0]);
}

#[rstest]
#[case::name("A.snap", "---\ndescription: a\n---\n", "its name is not a case id")]
#[case::text("a.snap", "no snapshot", "line 1: expected `---`")]
#[case::no_utf8("a.snap", b"\xff", "stream did not contain valid UTF-8")]
fn a_bad_file_is_named(#[case] name: &str, #[case] bytes: impl AsRef<[u8]>, #[case] why: &str) {
    let (folder, snapshots) = snapshots();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let error = snapshots
        .ids()
        .and_then(|ids| ids.iter().try_for_each(|id| snapshots.read(id).map(drop)))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&path.display().to_string()) && error.contains(why),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "").unwrap();
    symlink(folder.path(), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    for (name, why) in [
        ("missing", "No such file"),
        ("file", "not a folder"),
        ("link", "symbolic link"),
        ("link/", "symbolic link"),
        ("dangling", "symbolic link"),
    ] {
        let error = SnapshotFolder::open(at(name)).unwrap_err().to_string();
        assert!(
            error.contains(name.trim_end_matches('/')) && error.contains(why),
            "{error}"
        );
    }
    for name in ["file", "link/", "dangling"] {
        assert!(SnapshotFolder::create(at(name)).is_err(), "{name}");
    }
    SnapshotFolder::create(at("made/deep"))
        .unwrap()
        .write("a", "")
        .unwrap();
    assert!(!at("nowhere").exists());
}

#[test]
fn a_link_in_a_snapshots_place_is_neither_read_nor_replaced() {
    let (folder, snapshots) = snapshots();
    fs::write(folder.path().join("elsewhere"), text("secret")).unwrap();
    symlink(
        folder.path().join("elsewhere"),
        folder.path().join("a.snap"),
    )
    .unwrap();
    assert!(says(snapshots.read("a"), "it is a symbolic link"));
    assert!(says(snapshots.write("a", "x"), "it is a symbolic link"));
    assert_eq!(
        fs::read_to_string(folder.path().join("elsewhere")).unwrap(),
        text("secret")
    );
}

#[test]
fn unwritable_folder_gives_an_error_with_the_file_name() {
    let (folder, snapshots) = snapshots();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not bind root; a folder that is gone binds everybody.
    if fs::write(folder.path().join("probe"), "").is_ok() {
        fs::remove_dir_all(folder.path()).unwrap();
    }
    let error = snapshots.write("a", "x").unwrap_err().to_string();
    assert!(
        error.starts_with("write ") && error.contains("a.snap: "),
        "{error}"
    );
}

#[test]
fn a_write_that_fails_leaves_nothing_behind() {
    let (folder, snapshots) = snapshots();
    // A file cannot be renamed over a folder.
    fs::create_dir(folder.path().join("a.snap")).unwrap();
    assert!(snapshots.write("a", "x").is_err());
    assert_eq!(files(&snapshots), ["a.snap"]);
}

/// Tells whether something failed for this reason.
fn says<T>(done: Result<T, SnapshotError>, reason: &str) -> bool {
    done.is_err_and(|error| error.to_string().contains(reason))
}

fn snapshots() -> (TempDir, SnapshotFolder) {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = SnapshotFolder::open(folder.path()).unwrap();
    (folder, snapshots)
}

fn text(body: &str) -> String {
    let header = Header {
        source: Some("tests/snapshots.rs".into()),
        description: "a: b".into(),
        input_file: "conformance/cases/a.yaml".into(),
    };
    snapshot::file(&header, body)
}

/// Returns all names in the folder, hidden ones too.
fn files(snapshots: &SnapshotFolder) -> Vec<String> {
    let list = |folder: &Path| {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut names: Vec<String> = list(snapshots.folder());
    names.sort();
    names
}

//! What stands in a journal after each step, and after a crash.

use super::*;

fn begun() -> (tempfile::TempDir, PathBuf, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::in_folder(folder.path());
    let key = Key::of(&"https://10.0.0.5".parse().unwrap());
    let header = Header {
        version: VERSION,
        target: "https://10.0.0.5".into(),
        kind: "sensor".into(),
        client: serde_json::Value::Null,
        accounts: "/lab.yaml".into(),
        environment: Vec::new(),
    };
    let journal = Journal::begin(&shelf, &key, header, &Seed::random()).unwrap();
    (folder, shelf.journal(&key), journal)
}

fn open(path: &Path) -> Journal {
    Journal::open(path).unwrap().unwrap().0
}

#[test]
fn what_was_noted_is_at_risk_until_it_is_proven() {
    let (_folder, path, mut journal) = begun();
    journal.sending("one", 1, [Account::User, Account::ReadOnly], &["«user.new_password»".to_owned()]).unwrap();
    journal.sending("two", 1, [Account::User], &["«user.newer_password»".to_owned()]).unwrap();
    journal.restored(Account::ReadOnly).unwrap();
    drop(journal);
    let at_risk = open(&path).at_risk().clone();
    assert_eq!(at_risk, [(Account::User, vec!["«user.new_password»".to_owned(), "«user.newer_password»".to_owned()])].into());
}

#[test]
fn a_torn_last_line_is_a_request_that_never_left() {
    let (_folder, path, mut journal) = begun();
    journal.sending("one", 1, [Account::User], &[]).unwrap();
    journal.file.write_all(br#"{"sending":{"case":"two","st"#).unwrap();
    drop(journal);
    let mut journal = open(&path);
    assert_eq!(journal.at_risk().len(), 1);
    journal.restored(Account::User).unwrap();
    drop(journal);
    assert!(open(&path).at_risk().is_empty());
}

#[test]
fn a_journal_that_was_closed_is_removed_with_its_seed() {
    let (_folder, path, mut journal) = begun();
    journal.write(Line::Closed).unwrap();
    drop(journal);
    assert!(Journal::open(&path).unwrap().is_none());
    assert!(!path.exists() && !seed_of(&path).exists());
}

#[test]
fn journal_and_seed_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path, _journal) = begun();
    for file in [seed_of(&path), path] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_second_journal_of_one_target_is_refused() {
    let (folder, _path, journal) = begun();
    let key = Key::of(&"https://10.0.0.5".parse().unwrap());
    let again = Journal::begin(&Shelf::in_folder(folder.path()), &key, journal.header().clone(), &Seed::random());
    assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
}

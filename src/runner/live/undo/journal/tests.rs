//! What stands in a journal after each step, and after a crash.

#![expect(clippy::disallowed_methods, reason = "journals are files, with times")]

use std::collections::BTreeMap;

use rstest::rstest;

use super::*;
use crate::{
    client::TargetOptions,
    contract::Kind,
    runner::{
        TargetPolicy,
        live::undo::{JournalDir, TargetPlace},
    },
};

fn begun() -> (tempfile::TempDir, PathBuf, UndoJournal) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target.journal");
    let header = JournalHeader {
        version: JournalHeader::VERSION,
        target: "https://10.0.0.5".into(),
        place: TargetPlace::of(
            &"https://10.0.0.5".parse().unwrap(),
            &TargetOptions::default(),
        ),
        users: BTreeMap::new(),
        kind: Kind::Sensor,
        client: TargetOptions::default(),
        accounts: "/lab.yaml".into(),
        form: TargetPolicy::default().forms().remove(0),
    };
    let journal = UndoJournal::begin(path.clone(), header, &Seed::random()).unwrap();
    (folder, path, journal)
}

fn open(path: &Path) -> UndoJournal {
    UndoJournal::open(path).unwrap().unwrap().0
}

/// Writes what no method does, after the last whole line.
fn append(journal: &mut UndoJournal, bytes: &[u8]) {
    journal.file.seek(SeekFrom::Start(journal.end)).unwrap();
    journal.file.write_all(bytes).unwrap();
}

#[test]
fn what_was_noted_is_at_risk_until_it_is_proven() {
    let (_folder, path, mut journal) = begun();
    journal
        .sending(
            "one",
            1,
            [Account::User, Account::ReadOnly],
            &["«user.new_password»".to_owned()],
        )
        .unwrap();
    journal
        .sending(
            "two",
            1,
            [Account::User],
            &["«user.newer_password»".to_owned()],
        )
        .unwrap();
    journal.note(JournalLine::Restored {
        account: Account::ReadOnly,
    });
    drop(journal);
    let at_risk = open(&path).state.at_risk.clone();
    assert_eq!(
        at_risk,
        [(
            Account::User,
            vec![
                "«user.new_password»".to_owned(),
                "«user.newer_password»".to_owned()
            ]
        )]
        .into()
    );
}

#[test]
fn the_paths_that_a_target_serves_are_kept() {
    let (_folder, path, mut journal) = begun();
    let (fact, reading) = ("set_password.path".to_owned(), "curl".to_owned());
    journal.note(JournalLine::Served { fact, reading });
    drop(journal);
    assert_eq!(
        open(&path).state.served,
        [("set_password.path".to_owned(), "curl".to_owned())]
    );
}

#[test]
fn a_torn_last_line_is_a_request_that_never_left() {
    let (_folder, path, mut journal) = begun();
    journal.sending("one", 1, [Account::User], &[]).unwrap();
    append(&mut journal, br#"{"sending":{"case":"two","st"#);
    drop(journal);
    let mut journal = open(&path);
    assert_eq!(journal.state.at_risk.len(), 1);
    journal.note(JournalLine::Restored {
        account: Account::User,
    });
    drop(journal);
    assert!(open(&path).state.at_risk.is_empty());
}

/// Every passwords' template has letters of two bytes, so a crash may leave half of one.
#[test]
fn a_journal_torn_at_any_byte_can_be_read() {
    let (_folder, path, mut journal) = begun();
    journal
        .sending(
            "one",
            1,
            [Account::User],
            &["«user.new_password»".to_owned()],
        )
        .unwrap();
    journal
        .sending(
            "two",
            1,
            [Account::ReadOnly],
            &["«read_only.new_password»".to_owned()],
        )
        .unwrap();
    drop(journal);
    let whole = state::whole_lines(&fs::read(&path).unwrap()).to_vec();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for end in first..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let journal = open(&path);
        let lines = whole[..end].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(journal.state.at_risk.len(), lines - 1, "{end} bytes");
        assert_eq!(fs::read(&path).unwrap(), state::whole_lines(&whole[..end]));
    }
    for end in 0..first {
        let read = JournalState::read(&whole[..end]);
        assert!(matches!(read, Ok(None)), "{end} bytes: {read:?}");
    }
}

#[rstest]
#[case::nobody(
    r#"{"restored":{"account":"usr"}}"#,
    "line 2: unknown account `usr`, expected one of"
)]
#[case::nobody_s_password(
    r#"{"sending":{"case":"a","step":1,"accounts":["user","usr"],"passwords":[]}}"#,
    "line 2: unknown account `usr`, expected one of"
)]
#[case::no_line("{}", "line 2: expected value at line 1 column 2")]
#[case::behind_the_end("\"closed\"\n\"closed\"", "line 3: it follows the end")]
fn meaningless_line_is_refused_and_entries_are_kept(#[case] line: &str, #[case] expected: &str) {
    let (_folder, path, mut journal) = begun();
    append(&mut journal, format!("{line}\n").as_bytes());
    drop(journal);
    let error = UndoJournal::open(&path).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert!(path.exists() && seed_path(&path).exists());
}

#[rstest]
#[case::a_word(b"hunter22")]
#[case::lines(b"a\nb\n")]
#[case::no_text(b"\xff\xfe")]
#[case::another_version(b"{\"begun\":{\"version\":1}}\n")]
fn another_file_is_no_journal_and_stays(#[case] bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    fs::write(&path, bytes).unwrap();
    assert!(
        UndoJournal::open(&path)
            .unwrap_err()
            .to_string()
            .ends_with("it is not a journal of this version")
    );
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_journal_that_was_closed_is_removed_with_its_seed() {
    let (_folder, path, mut journal) = begun();
    journal.note(JournalLine::Closed);
    drop(journal);
    assert!(UndoJournal::open(&path).unwrap().is_none());
    assert!(!path.exists() && !seed_path(&path).exists());
}

/// A change that had no answer may still take effect: its journal and its seed are kept under another name, and a day later removed.
#[test]
fn a_journal_with_a_doubt_is_kept_for_a_day() {
    let (folder, path, mut journal) = begun();
    let template = "«user.new_password»".to_owned();
    journal
        .sending("one", 1, [Account::User], &[template])
        .unwrap();
    journal.note(JournalLine::Doubt {
        account: Account::User,
    });
    journal.note(JournalLine::Restored {
        account: Account::User,
    });
    let kept = journal.close().0.unwrap();
    assert!(!path.exists() && seed_path(&kept).exists());
    let dir = JournalDir(folder.path().into());
    assert_eq!(dir.journals().unwrap(), Vec::<PathBuf>::new());
    let (journal, seed) = UndoJournal::open(&kept).unwrap().unwrap();
    assert_eq!(journal.state.open_accounts(), [Account::User].into());
    assert!(seed.is_some());
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_hours(25);
    journal.file.set_modified(yesterday).unwrap();
    dir.journals().unwrap();
    assert!(!kept.exists() && !seed_path(&kept).exists());
}

#[test]
fn a_kept_journal_is_not_replaced_by_that_of_a_later_run() {
    let (_folder, path, mut journal) = begun();
    let header = journal.state.header.clone();
    let mut kept = Vec::new();
    for account in [Account::User, Account::ReadOnly] {
        journal.sending("one", 1, [account], &[]).unwrap();
        journal.note(JournalLine::Doubt { account });
        kept.push(journal.close().0.unwrap());
        journal = UndoJournal::begin(path.clone(), header.clone(), &Seed::random()).unwrap();
    }
    let (first, second) = (UndoJournal::open(&kept[0]), UndoJournal::open(&kept[1]));
    let (first, second) = (first.unwrap().unwrap(), second.unwrap().unwrap());
    assert_eq!(first.0.state.open_accounts(), [Account::User].into());
    assert_eq!(second.0.state.open_accounts(), [Account::ReadOnly].into());
    assert!(first.1.is_some() && second.1.is_some());
}

/// A process that is killed while it keeps a journal may have renamed the seed alone.
#[test]
fn a_journal_that_was_nearly_kept_has_its_seed() {
    let (_folder, path, mut journal) = begun();
    journal.sending("one", 1, [Account::User], &[]).unwrap();
    let account = Account::User;
    journal.note(JournalLine::Doubt { account });
    let nearly = kept_path(&path);
    fs::rename(own_seed(&path), own_seed(&nearly)).unwrap();
    drop(journal);

    let (journal, seed) = UndoJournal::open(&path).unwrap().unwrap();

    assert!(seed.is_some());
    let (kept, trouble) = journal.close();
    assert_eq!((kept, trouble), (Some(nearly.clone()), None));
    assert!(!path.exists());
    let (_, seed) = UndoJournal::open(&nearly).unwrap().unwrap();
    assert!(seed.is_some());
}

/// The room for the undo of a change is on the disk before the change is sent.
#[test]
fn the_lines_of_an_undo_need_no_room_on_the_disk() {
    let (_folder, path, mut journal) = begun();
    journal.sending("one", 1, [Account::User], &[]).unwrap();
    let size = fs::metadata(&path).unwrap().len();
    for _ in 0..20 {
        let account = Account::User;
        journal.note(JournalLine::Restored { account });
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    assert!(open(&path).state.at_risk.is_empty());
}

#[test]
fn journal_and_seed_are_their_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path, _journal) = begun();
    for file in [seed_path(&path), path] {
        assert_eq!(
            fs::metadata(file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}

#[test]
fn a_second_journal_of_one_target_is_refused() {
    let (_folder, path, journal) = begun();
    let again = UndoJournal::begin(path, journal.state.header.clone(), &Seed::random());
    let error = again.unwrap_err();
    assert!(
        matches!(&error, JournalError::Io { error, .. } if error.kind() == io::ErrorKind::AlreadyExists),
        "{error}"
    );
}

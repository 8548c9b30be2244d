//! `INSTA_UPDATE` and `--update`: which snapshots a run writes.

use rstest::rstest;

use super::{CHECK, FILE, MISSING, changed_and_missing};
use crate::check::test_dir::TestDir;

/// A changed snapshot and a missing one: which files stand there afterwards, and whose bytes they have.
#[rstest]
#[case::no("no", "", Left::NOTHING)]
#[case::auto("auto", "", Left::PENDING)]
#[case::empty("", "", Left::PENDING)]
#[case::auto_in_ci("auto", "true", Left::NOTHING)]
#[case::new("new", "", Left::PENDING)]
#[case::new_in_ci("new", "true", Left::PENDING)]
#[case::always("always", "", Left::ALL)]
#[case::force("force", "", Left::ALL)]
fn insta_update_counts_where_the_option_is_absent(
    #[case] insta_update: &str,
    #[case] ci: &str,
    #[case] left: Left,
) {
    let code = i32::from(left != Left::ALL);
    let dir = changed_and_missing();
    let mut command = dir.command(CHECK);
    crate::check::test_dir::run_command(command.env("INSTA_UPDATE", insta_update).env("CI", ci))
        .ends_with(code);
    assert_eq!(Left::on(&dir), left);
}

#[rstest]
#[case::no("no", Left::NOTHING)]
#[case::pending("pending", Left::PENDING)]
#[case::new("new", Left { missing_written: true, ..Left::NOTHING })]
#[case::all("all", Left::ALL)]
fn the_option_counts_before_insta_update(#[case] update: &str, #[case] left: Left) {
    let dir = changed_and_missing();
    let other = if update == "no" { "always" } else { "no" };
    // What was changed fails the run that finds it, but for one that was run to write it down.
    let code = i32::from(left != Left::ALL);
    let run = dir
        .run_with(&format!("{CHECK} --update {update}"), "INSTA_UPDATE", other)
        .ends_with(code);
    assert_eq!(
        run.out.contains("1 changed snapshot written"),
        code == 0,
        "{}",
        run.out
    );
    assert_eq!(Left::on(&dir), left);
}

#[test]
fn nonsense_in_insta_update_is_refused_before_anything_runs() {
    let dir = changed_and_missing();
    let run = dir.run_with(CHECK, "INSTA_UPDATE", "nonsense").ends_with(2);
    assert_eq!(
        run.err,
        "error: INSTA_UPDATE is `nonsense`, expected one of no, auto, new, unseen, always, force\n"
    );
    assert_eq!(Left::on(&dir), Left::NOTHING);
    dir.run_with(&format!("{CHECK} --update no"), "INSTA_UPDATE", "nonsense")
        .ends_with(1);
}

#[derive(Debug, PartialEq, Eq)]
struct Left {
    changed_written: bool,
    missing_written: bool,
    pending: usize,
}

impl Left {
    const ALL: Left = Left {
        changed_written: true,
        missing_written: true,
        pending: 0,
    };
    const NOTHING: Left = Left {
        changed_written: false,
        missing_written: false,
        pending: 0,
    };
    const PENDING: Left = Left {
        changed_written: false,
        missing_written: false,
        pending: 2,
    };

    fn on(dir: &TestDir) -> Left {
        let files = dir.files("snapshots");
        Left {
            changed_written: !dir.read(&format!("snapshots/{FILE}")).contains("\n201\n"),
            missing_written: files.contains_key(MISSING),
            pending: files
                .keys()
                .filter(|name| name.ends_with(".snap.new"))
                .count(),
        }
    }
}

//! `documents` at other editions of the pages, made by edits of the true ones: what moved, changed, vanished or is new is told as that.
//!
//! Skipped, and said so, where nobody has copies of the pages in `../shared/documents`.

use std::{fs, path::Path, process::Command};

use rstest::rstest;

/// An edit of the sensor's page, given its lines.
type Edit = fn(&mut Vec<String>);

#[rstest]
#[case::vanished(
    |page: &mut Vec<String>| drop(page.remove(56)),
    &["sensor:57 set_password.policy_refused.body (does_not): expected such a line, found a page without it", "moved sensor:78 quote S79: expected it on 79, found it on 78"],
)]
#[case::changed(
    |page: &mut Vec<String>| page[212] = page[212].replace("Credentials validation", "Credentials Validation"),
    &["sensor:213 validation.credentials_rejected.body (table): expected `Credentials validation failed`, found `", "sensor: 2 differ and 0 moved"],
)]
#[case::a_full_stop_more(
    |page: &mut Vec<String>| page[54] = page[54].replace("replaced", "replaced."),
    &["sensor:55 set_password.password_replaced.body (table): expected `Password has been replaced`, found `"],
)]
#[case::new_message(
    |page: &mut Vec<String>| page.insert(57, "|**Failure – error**     |   Password was used before      |".into()),
    &["sensor:58 line: expected a fact, a quote or an excuse, found `|**Failure – error**     |   Password was used before      |`", "moved sensor:80 quote S79: expected it on 79, found it on 80"],
)]
#[case::new_section(
    |page: &mut Vec<String>| { page.splice(239..239, ["## unlock", "", "Use this API to unlock.", ""].map(String::from)); },
    &["sensor:240 line: expected a fact, a quote or an excuse, found `## unlock`", "sensor:242 line: expected a fact, a quote or an excuse, found `Use this API to unlock.`"],
)]
#[case::section_moved(
    |page: &mut Vec<String>| { let section: Vec<String> = page.drain(172..240).collect(); page.splice(11..11, section); },
    &["moved sensor:18 validation.path (heading): expected it on 179, 231, 237, found it on 18, 70, 76", "moved sensor:76 quote S237: expected it on 237, found it on 76", "sensor: 0 differ and "],
)]
#[case::section_gone(
    |page: &mut Vec<String>| drop(page.drain(89..172)),
    &["sensor:96 set_password_by_admin.path (heading): expected such a line, found a page without it", "sensor:167 quote S167: expected such a line, found a page without it", "moved sensor:148 quote S231: expected it on 231, found it on 148"],
)]
#[case::command_mended(
    |page: &mut Vec<String>| page[166] = page[166].replace("admin_user\"", "admin_username\""),
    &["sensor:167 quote S167: expected `", "sensor:167 set_password_by_admin.admin_username (curl): expected `admin_user`"],
)]
#[case::of_2020(
    |page: &mut Vec<String>| page.iter_mut().for_each(|line| *line = line.replace("Password has been replaced", "password has been replaced")),
    &["sensor:55 set_password.password_replaced.body (table): expected `Password has been replaced`", "sensor:134 set_password_by_admin.password_replaced.body (table): expected `Password has been replaced`", "sensor: 2 differ and 0 moved"],
)]
fn another_edition_is_reported_as_such(#[case] edit: Edit, #[case] expected: &[&str]) {
    let Some((sensor, console)) = pages() else {
        return;
    };
    let mut page: Vec<String> = sensor.lines().map(str::to_owned).collect();
    edit(&mut page);
    let (code, said) = documents(&page.join("\n"), &console);
    assert_eq!(code, 1, "{said}");
    for line in expected {
        assert!(
            said.lines().any(|said| said.starts_with(line)),
            "{line}\nis not in:\n{said}"
        );
    }
    assert!(
        said.contains("another edition: sha256 ")
            && said.contains(
                "console: 157 facts and 9 quotes hold on 290 lines (the edition transcribed)"
            ),
        "{said}"
    );
}

/// What says nothing else is another edition, and that alone changes no exit code.
#[rstest]
#[case::ends_of_lines(|page: &mut Vec<String>| page.iter_mut().for_each(|line| line.push('\r')))]
#[case::blanks_in_a_table(|page: &mut Vec<String>| page[56] = page[56].replace("   ", " "))]
#[case::a_mark(|page: &mut Vec<String>| page[0].insert(0, '\u{feff}'))]
#[case::empty_lines_at_the_end(|page: &mut Vec<String>| page.extend([String::new(), String::new()]))]
#[case::another_date(|page: &mut Vec<String>| page[3] = "ms.date: 01/01/2027".into())]
fn an_edition_that_says_the_same_holds(#[case] edit: Edit) {
    let Some((sensor, console)) = pages() else {
        return;
    };
    let mut page: Vec<String> = sensor.lines().map(str::to_owned).collect();
    edit(&mut page);
    let (code, said) = documents(&page.join("\n"), &console);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("another edition: sha256 "), "{said}");
}

/// A fault of the page that a later edition has mended is no longer told.
#[test]
fn a_fault_that_was_mended_is_not_reported() {
    let Some((sensor, console)) = pages() else {
        return;
    };
    let fault = "lint sensor:33 quote S31: expected JSON, found the escape";
    assert!(documents(&sensor, &console).1.contains(fault));
    let (_, said) = documents(&sensor.replacen("\\!", "!", 1), &console);
    assert!(
        !said.contains(fault) && said.contains("lint sensor:34 quote S31"),
        "{said}"
    );
}

/// Runs the command, and returns its exit code and what it says.
fn documents(sensor: &str, console: &str) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let paths = [
        folder.path().join("sensor.md"),
        folder.path().join("console.md"),
    ];
    fs::write(&paths[0], sensor).unwrap();
    fs::write(&paths[1], console).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let output = command
        .arg("documents")
        .arg("--sensor")
        .arg(&paths[0])
        .arg("--console")
        .arg(&paths[1])
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[expect(clippy::print_stderr, reason = "who skips says so")]
fn pages() -> Option<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/documents");
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let pages = read("sensor.md").zip(read("console.md"));
    if pages.is_none() {
        eprintln!("skipped: no copies of the pages in {}", folder.display());
    }
    pages
}

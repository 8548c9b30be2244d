//! Our snapshot files against insta's own: the macro's writer, insta's reader, its comparator.

mod reading;
mod text;

use std::{fs, path::Path, process::Command};

use d4iot_double::{snapshot, snapshot::Header};
use insta::{Comparator, DefaultComparator};
use rstest::rstest;
use tempfile::TempDir;

#[rstest]
#[case::plain("A user changes the own password", "POST /a\n\n\"{}\"\n\n200")]
#[case::colon("validation: the console's table", "body")]
#[case::quotes(r#"says "policy" and 'no' \ `x`"#, "body")]
#[case::beyond_ascii("Größe «user.password» 漢字 😀", "──── 2\nPaß")]
#[case::lines("one\ntwo\r\n\tthree", "body")]
#[case::number("12345", "body")]
#[case::float("1e3", "body")]
#[case::truth("yes", "body")]
#[case::nothing_word("~", "body")]
#[case::sign("- item", "body")]
#[case::placeholder("<token>", "body")]
#[case::dot(".5", "body")]
#[case::hexadecimal("0x1F", "body")]
#[case::blank_at_the_end("ends with a blank ", "body")]
#[case::comment("what # is this", "body")]
#[case::control("a\u{1b}[1mb\u{7f}\u{1}\u{8}\u{b}\u{c}", "body")]
#[case::empty("", "body")]
#[case::empty_body("d", "")]
#[case::newline_at_the_end("d", "body\n")]
#[case::newlines_at_the_end("d", "body \n\n\n")]
#[case::newlines_at_the_start("d", "\n\n body")]
#[case::carriage_returns("d", "one\r\ntwo\rthree\r\n")]
#[case::fences("d", "---\nbody\n---\n")]
fn the_macro_and_we_write_the_same_bytes(#[case] description: &str, #[case] body: &str) {
    let workspace = workspace();
    let accepted = by_macro(
        workspace.path(),
        "always",
        "set_password.policy.too_short",
        description,
        body,
    );
    assert!(accepted.success);
    let header = Header {
        source: Some(SOURCE.into()),
        description: description.into(),
        input_file: INPUT.into(),
    };
    let ours = snapshot::file(&header, body);
    // The dots of the id are no extension to the macro.
    let theirs = fs::read(
        workspace
            .path()
            .join("snapshots/sensor/set_password.policy.too_short.snap"),
    )
    .unwrap();
    assert_eq!(String::from_utf8(theirs).unwrap(), ours);
    // And the macro passes on a file of ours, in CI too, touching nothing.
    fs::write(
        workspace
            .path()
            .join("snapshots/sensor/set_password.policy.too_short.snap"),
        &ours,
    )
    .unwrap();
    assert!(
        by_macro(
            workspace.path(),
            "no",
            "set_password.policy.too_short",
            description,
            body
        )
        .success
    );
    assert_eq!(accepted.files, ["set_password.policy.too_short.snap"]);
}

#[test]
fn the_macros_pending_file_is_ours_but_for_the_assertion_line() {
    let workspace = workspace();
    let pending = by_macro(
        workspace.path(),
        "new",
        "validation.wrong",
        "a: b",
        "new body",
    );
    assert!(!pending.success);
    assert_eq!(pending.files, ["validation.wrong.snap.new"]);
    let theirs = fs::read_to_string(
        workspace
            .path()
            .join("snapshots/sensor/validation.wrong.snap.new"),
    )
    .unwrap();
    let header = Header {
        source: Some(SOURCE.into()),
        description: "a: b".into(),
        input_file: INPUT.into(),
    };
    let ours = snapshot::file(&header, "new body");
    let without: String = theirs
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("assertion_line: "))
        .collect();
    assert_ne!(theirs, ours);
    assert_eq!(without, ours);
    assert_eq!(snapshot::parse(&theirs).unwrap().text(), ours);
}

#[test]
fn the_macro_writes_nothing_in_ci() {
    let workspace = workspace();
    let run = by_macro(workspace.path(), "auto", "validation.wrong", "d", "body");
    assert!(!run.success);
    assert_eq!(run.files, [""; 0]);
}

/// Runs the macro in a child, because it reads its settings from the environment once per process.
fn by_macro(workspace: &Path, update: &str, id: &str, description: &str, body: &str) -> Run {
    let given = serde_json::json!([id, description, body]).to_string();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "snapshot_format::the_child"])
        .current_dir(workspace)
        .env_remove("INSTA_YAML_BLOCK_STYLE")
        .env_remove("INSTA_PENDING_DIR")
        .env_remove("INSTA_FORCE_PASS")
        .env_remove("INSTA_REQUIRE_FULL_MATCH")
        .env("CI", "true")
        .env("INSTA_WORKSPACE_ROOT", workspace)
        .env("INSTA_UPDATE", update)
        .env(GIVEN, given)
        .output()
        .unwrap();
    let mut files: Vec<String> = fs::read_dir(workspace.join("snapshots/sensor"))
        .map(|entries| {
            entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        })
        .unwrap_or_default();
    files.sort();
    Run {
        success: output.status.success(),
        files,
    }
}

struct Run {
    success: bool,
    files: Vec<String>,
}

#[test]
#[ignore = "started by the others, as a child"]
fn the_child() {
    let Ok(given) = std::env::var(GIVEN) else {
        return;
    };
    let [id, description, body]: [String; 3] = serde_json::from_str(&given).unwrap();
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path("../../snapshots/sensor");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(description);
    settings.set_input_file(INPUT);
    settings.bind(|| insta::assert_snapshot!(id, body));
}

/// A workspace with the files that insta looks for: the test's source and the case's.
fn workspace() -> TempDir {
    let workspace = tempfile::tempdir().unwrap();
    for file in [SOURCE, INPUT] {
        let path = workspace.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    workspace
}

#[test]
fn insta_reads_our_file_and_sees_what_we_see() {
    for (header, body) in oddities() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = read_by_insta(folder.path(), &snapshot::file(&header, &body));
        let ours = snapshot::parse(&snapshot::file(&header, &body)).unwrap();
        assert_eq!(theirs.metadata().source(), header.source.as_deref());
        assert_eq!(
            theirs.metadata().description().unwrap_or_default(),
            header.description
        );
        assert_eq!(
            theirs.metadata().input_file().unwrap_or_default(),
            header.input_file
        );
        assert_eq!(theirs.as_text().unwrap().to_string(), ours.body);
    }
}

#[rstest]
#[case::equal("a", "a", true)]
#[case::other("a", "b", false)]
#[case::line_ends("a\r\nb", "a\nb", true)]
#[case::blanks_at_the_end("a", "a \n\n", true)]
#[case::blanks_inside("a \nb", "a\nb", false)]
#[case::newlines_at_the_start("\n\na", "a", true)]
#[case::blanks_at_the_start(" a", "a", false)]
#[case::fence_at_the_start("---\na", "a", true)]
#[case::nothing("", "\n", true)]
fn same_is_what_instas_comparator_says(
    #[case] left: &str,
    #[case] right: &str,
    #[case] expected: bool,
) {
    let folder = tempfile::tempdir().unwrap();
    let [theirs, other] = [left, right]
        .map(|body| read_by_insta(folder.path(), &format!("---\ndescription: d\n---\n{body}")));
    assert_eq!(DefaultComparator.matches(&theirs, &other), expected);
    assert_eq!(snapshot::same(left, right), expected);
    assert_eq!(snapshot::same(right, left), expected);
}

fn read_by_insta(folder: &Path, text: &str) -> insta::Snapshot {
    let path = folder.join("a.snap");
    fs::write(&path, text).unwrap();
    insta::Snapshot::from_file(&path).unwrap()
}

/// Headers and bodies with whatever might trip a writer or a reader.
fn oddities() -> Vec<(Header, String)> {
    let mut chance = Chance(7);
    let mut text = |letters: &[char], most: usize| -> String {
        (0..chance.below(most + 1))
            .map(|_| letters[chance.below(letters.len())])
            .collect()
    };
    let of_header: Vec<char> =
        ":-#'\"\\{}[],&*?|<>=!%@`~. \n\r\tab0x1eé«漢😀\u{1}\u{7}\u{8}\u{b}\u{c}\u{1b}\u{7f}\u{85}\u{2028}\u{feff}".chars().collect();
    let of_body: Vec<char> = "-#:\" \n\tab«é\u{feff}\u{2028}".chars().collect();
    (0..500)
        .map(|index| {
            let header = Header {
                source: (index % 2 == 0).then(|| format!("s{}", text(&of_header, 8))),
                description: text(&of_header, 12),
                input_file: text(&of_header, 8),
            };
            (header, text(&of_body, 30))
        })
        .collect()
}

/// A small generator with a fixed seed (xorshift), so that a failure comes back on the next run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// What insta writes as `source:` for a test in this file.
const SOURCE: &str = "tests/it/snapshot_format.rs";

/// A case's file, as insta writes it as `input_file:`.
const INPUT: &str = "conformance/cases/set_password.yaml";

/// How the child is told what to assert.
const GIVEN: &str = "SNAPSHOT_FORMAT_GIVEN";

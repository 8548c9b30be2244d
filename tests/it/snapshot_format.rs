//! Our snapshot files against insta's own: the macro's writer, insta's reader, its comparator.

use std::{fs, path::Path, process::Command};

use d4iot_double::{
    snapshot,
    snapshot::{Exchange, Header, Request, ShownAnswer, Snapshot},
};
use insta::{Comparator, DefaultComparator};
use rstest::rstest;
use tempfile::TempDir;

// — insta's macro —

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

// — insta's reader and comparator —

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

// — reading —

#[test]
fn what_was_written_is_read_again() {
    for (header, body) in oddities() {
        let text = snapshot::file(&header, &body);
        let read = snapshot::parse(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(
            read,
            Snapshot {
                header,
                body: body.trim_end().to_owned()
            }
        );
        assert_eq!(read.text(), text);
        assert_eq!(snapshot::parse(&text.replace('\n', "\r\n")), Ok(read));
    }
}

/// Insta drops one CR before an LF each time; fuzzing came upon it.
#[test]
fn written_text_reads_back_with_any_number_of_cr_before_lf() {
    let read = snapshot::parse("---\ndescription: d\n---\na\r\r\r\nb\rc\r\r\n").unwrap();
    assert_eq!(read.body, "a\nb\rc");
    assert_eq!(snapshot::parse(&read.text()), Ok(read));
}

#[rstest]
#[case::empty("", "line 1: expected `---`, the start of insta's file format")]
#[case::mark(
    "\u{feff}---\n---\n",
    "line 1: expected `---`, the start of insta's file format"
)]
#[case::conflict(
    "<<<<<<< HEAD\n---\n---\n",
    "line 1: expected `---`, the start of insta's file format"
)]
#[case::open("---\ndescription: a\n", "no line `---` ends the header")]
fn what_is_no_snapshot_is_refused(#[case] text: &str, #[case] expected: &str) {
    let error = snapshot::parse(text).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[rstest]
#[case::unknown(
    "---\ndescription: a\nexpression: b\n---\n",
    "line 3: unknown field `expression`, expected one of source, assertion_line, description, input_file"
)]
#[case::binary(
    "---\nsnapshot_kind: binary\n---\n",
    "line 2: unknown field `snapshot_kind`"
)]
#[case::twice(
    "---\ndescription: a\ndescription: b\n---\n",
    "line 3: `description` occurs for the second time"
)]
#[case::broken("---\ndescription: \"a\n---\n", "line 2: the value of `description`")]
#[case::plain_but_should_not_be(
    "---\ndescription: yes\n---\n",
    "line 2: the value of `description`"
)]
#[case::no_line(
    "---\nassertion_line: -1\n---\n",
    "line 2: the value of `assertion_line`"
)]
#[case::body(
    "---\n{\"password\":\"p\", \"a\": 1}\n---\n",
    "line 2: expected `FIELD: VALUE`, FIELD being one of source"
)]
#[case::list("---\n- a\n---\n", "line 2: expected `FIELD: VALUE`")]
fn a_bad_header_is_named(#[case] text: &str, #[case] expected: &str) {
    let message = snapshot::parse(text).unwrap_err().to_string();
    assert!(message.starts_with(expected), "{message}");
}

#[test]
fn no_text_makes_the_reader_panic() {
    let seed = snapshot::file(
        &Header {
            source: Some("a".into()),
            description: "b: \"«c»".into(),
            input_file: "d".into(),
        },
        "e\n---\nf",
    )
    .into_bytes();
    let mut chance = Chance(0x5eed);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = seed.clone();
        for _ in 0..=chance.below(6) {
            let at = chance.below(bytes.len());
            match chance.below(if bytes.len() > 9 { 4 } else { 2 }) {
                0 => bytes[at] = chance.below(256) as u8,
                1 => bytes.insert(
                    at,
                    b"\n-:\"'{}[]&*!|>%@`~#\\ \r\t\x00\xff"[chance.below(25)],
                ),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at.max(9)),
            }
        }
        read += usize::from(snapshot::parse(&String::from_utf8_lossy(&bytes)).is_ok());
    }
    // The loop would prove nothing if all were refused at the door.
    assert!(read > 500, "{read}");
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

// — the text —

#[test]
fn a_sequence_reads_like_a_page() {
    let body = r#"{"username":"«user.username»","password":"«user.password»"}"#;
    let first = Exchange {
        request: request(Some(body.into())),
        answer: received(b"{\"msg\": \"ok\"}\r\n".to_vec()),
    };
    let second = Exchange {
        request: request(None),
        answer: ShownAnswer::Failed("connection closed without an answer".into()),
    };
    let expected = r#"POST /api/external/authentication/validation
content-type: application/json

"{\"username\":\"«user.username»\",\"password\":\"«user.password»\"}"
{
  "username": "«user.username»",
  "password": "«user.password»"
}

200
content-type: application/json
date: …

"{\"msg\": \"ok\"}\r\n"
{
  "msg": "ok"
}

──── 2
POST /api/external/authentication/validation
content-type: application/json

(no body)

failed: connection closed without an answer"#;
    assert_eq!(snapshot::render(&[first, second]), expected);
}

#[rstest]
#[case::line_end(b"{}", b"{}\n")]
#[case::carriage_return(b"a\nb", b"a\r\nb")]
#[case::blank(b"a", b"a ")]
#[case::newline_at_the_start(b"a", b"\na")]
#[case::mark(b"a", b"\xef\xbb\xbfa")]
#[case::broken_utf8(b"\xff", b"\xfe")]
#[case::replacement(b"\xff", "\u{fffd}".as_bytes())]
#[case::escape(b"\xff", br"\xff")]
#[case::composed("é".as_bytes(), "e\u{301}".as_bytes())]
#[case::long(&[b'a'; 70_000], &[b'a'; 70_001])]
#[case::in_the_middle(&[[b'a'; 3000], [b'b'; 3000]].concat(), &[[b'a'; 3000], [b'c'; 3000]].concat())]
#[case::long_and_written(b"\"a\" \xe2\x80\xa6 1 bytes", b"a")]
fn bodies_that_differ_look_different_to_insta(#[case] left: &[u8], #[case] right: &[u8]) {
    let as_answer = |body: &[u8]| {
        snapshot::render(&[Exchange {
            request: request(None),
            answer: received(body.to_vec()),
        }])
    };
    let as_request = |body: &[u8]| {
        snapshot::render(&[Exchange {
            request: request(Some(body.to_vec())),
            answer: ShownAnswer::Failed("f".into()),
        }])
    };
    assert!(!snapshot::same(&as_answer(left), &as_answer(right)));
    assert!(!snapshot::same(&as_request(left), &as_request(right)));
    assert!(snapshot::same(&as_answer(left), &as_answer(left)));
}

#[rstest]
#[case::no_body(request(None), request(Some(Vec::new())))]
#[case::no_body_in_words(request(None), request(Some(b"(no body)".to_vec())))]
#[case::query(with(|request| request.path = "/a?b".into()), with(|request| request.path = "/a?b ".into()))]
#[case::header_or_body(with(|request| request.headers = vec![("a".into(), "b\n\n\"{}\"".into())]), with(|request| request.headers = vec![("a".into(), "b".into())]))]
#[case::order(with(|request| request.headers = pairs(&["a", "b"])), with(|request| request.headers = pairs(&["b", "a"])))]
#[case::twice(with(|request| request.headers = pairs(&["a", "a"])), with(|request| request.headers = pairs(&["a"])))]
#[case::value_of_dots(with(|request| request.headers = vec![("a".into(), "…".into())]), with(|request| request.headers = vec![("a".into(), "\\u2026".into())]))]
#[case::value_blank(with(|request| request.headers = vec![("a".into(), String::new())]), with(|request| request.headers = vec![("a".into(), " ".into())]))]
fn requests_that_differ_look_different_to_insta(#[case] left: Request, #[case] right: Request) {
    let [left, right] = [left, right].map(|request| {
        snapshot::render(&[Exchange {
            request,
            answer: ShownAnswer::Failed("f".into()),
        }])
    });
    assert!(!snapshot::same(&left, &right), "{left}");
}

#[test]
fn an_answer_that_never_came_is_no_status() {
    let [words, status] = [
        ShownAnswer::Failed("200".into()),
        ShownAnswer::Received {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        },
    ]
    .map(|answer| {
        snapshot::render(&[Exchange {
            request: request(None),
            answer,
        }])
    });
    assert!(words.ends_with("\n\nfailed: 200"));
    assert!(status.ends_with("\n\n200\n\n\"\""));
}

#[test]
fn a_long_body_shows_its_ends_length_and_hash() {
    let body = [
        vec![b'a'; 255],
        "é".as_bytes().to_vec(),
        vec![b'{'; 69_000],
        b"\r\n".to_vec(),
    ]
    .concat();
    let text = snapshot::render(&[Exchange {
        request: request(None),
        answer: received(body),
    }]);
    let body = text.split("\n\n").nth(3).unwrap();
    assert!(
        body.starts_with(&format!("\"{}\" … 68876 bytes … \"{{", "a".repeat(255))),
        "{body}"
    );
    assert!(body.contains("{{\\r\\n\"\n(69259 bytes, sha256 "), "{body}");
    assert!(text.len() < 1_000);
}

#[test]
fn a_diff_shows_the_lines_that_differ() {
    assert_eq!(
        snapshot::diff("a\nb\nc", "a\nB\nc"),
        "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"
    );
    assert_eq!(snapshot::diff("", "a"), "@@ -0,0 +1 @@\n+a\n");
    assert_eq!(snapshot::diff("a", "a"), "");
}

fn request(body: Option<Vec<u8>>) -> Request {
    Request {
        method: "POST".into(),
        path: "/api/external/authentication/validation".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        body,
    }
}

fn with(change: impl FnOnce(&mut Request)) -> Request {
    let mut request = request(Some(b"{}".to_vec()));
    change(&mut request);
    request
}

fn pairs(names: &[&str]) -> Vec<(String, String)> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), "x".to_owned()))
        .collect()
}

fn received(body: Vec<u8>) -> ShownAnswer {
    ShownAnswer::Received {
        status: 200,
        headers: vec![
            ("content-type".into(), Some("application/json".into())),
            ("date".into(), None),
        ],
        body,
    }
}

/// What insta writes as `source:` for a test in this file.
const SOURCE: &str = "tests/it/snapshot_format.rs";

/// A case's file, as insta writes it as `input_file:`.
const INPUT: &str = "conformance/cases/set_password.yaml";

/// How the child is told what to assert.
const GIVEN: &str = "SNAPSHOT_FORMAT_GIVEN";

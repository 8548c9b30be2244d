//! Reading of our files: what was written, what is damaged, what is not a snapshot.

use d4iot_double::{
    snapshot,
    snapshot::{Header, Snapshot},
};
use rstest::rstest;

use super::{Chance, oddities};

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

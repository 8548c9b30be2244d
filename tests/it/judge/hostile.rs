//! Captures that are made to hurt: huge, deep, cut, of other forms.

use std::{io, io::Read, time::Instant};

use d4iot_double::runner::capture::{self, Capture};
use rstest::rstest;

/// Text that is repeated until it is this long.
struct Endless {
    start: Vec<u8>,
    part: Vec<u8>,
    end: Vec<u8>,
    at: usize,
    length: usize,
}

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let all = self.start.len() + self.length + self.end.len();
        let count = out.len().min(all - self.at);
        for byte in &mut out[..count] {
            let (first, behind) = (self.start.len(), self.start.len() + self.length);
            *byte = match self.at {
                at if at < first => self.start[at],
                at if at < behind => self.part[(at - first) % self.part.len()],
                at => self.end[at - behind],
            };
            self.at += 1;
        }
        Ok(count)
    }
}

/// 64 MiB here; the command was tried with 1 GiB, see `docs/development/decisions.md`.
#[rstest]
#[case::one_text(
    r#"{"log":{"entries":[{"request":{"url":""#,
    "x",
    r#""}}]}}"#,
    "not judged: 1 × an entry of more than 8 MiB"
)]
#[case::one_name(r#"{"log":{""#, "x", r#"":1,"entries":[]}}"#, "")]
#[case::brackets(
    r#"{"log":{"entries":[{"a":"#,
    "[",
    "",
    "not judged: 1 × cut off: the file ends within an entry"
)]
#[case::small_entries(
    r#"{"log":{"entries":["#,
    r#"{"request":{"method":"GET","url":"https://a/b"}},"#,
    "{}]}}",
    "× another path"
)]
fn a_huge_capture_takes_bounded_memory_and_time(
    #[case] start: &str,
    #[case] part: &str,
    #[case] end: &str,
    #[case] note: &str,
) {
    let length = (8 << 20) + part.len() * 1000;
    let input = Endless {
        start: start.into(),
        part: part.into(),
        end: end.into(),
        at: 0,
        length: length - length % part.len(),
    };
    let begun = Instant::now();
    let capture = Capture::read(input).unwrap();
    let judged = capture::judge(&capture, None, None, "a.har");
    assert!(
        note.is_empty() && judged.notes.is_empty()
            || judged.notes.iter().any(|it| it.contains(note)),
        "{:?}",
        judged.notes
    );
    assert!(begun.elapsed().as_secs() < 60);
}

#[rstest]
#[case::empty("", "the file is empty")]
#[case::prose("Hello, this is no capture", "expected HTTP Archive")]
#[case::xml("<?xml version=\"1.0\"?><items>", "export it as HAR")]
#[case::compressed("\u{1f}\u{8b}", "expected HTTP Archive")]
#[case::other_json("{\"a\": 1}", "no list `entries`")]
#[case::too_many_brackets("{}}", "no JSON at byte 3")]
fn what_is_no_capture_is_refused(#[case] text: &str, #[case] says: &str) {
    let error = Capture::read(text.as_bytes()).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

#[rstest]
#[case::gzip(b"\x1f\x8b\x08\x00", "gunzip it first")]
#[case::utf_16(b"\xff\xfe{\x00", "UTF-16")]
#[case::packets(b"\xd4\xc3\xb2\xa1\x02\x00", "packets")]
#[case::bytes(b"\x00\x01\x02", "expected HTTP Archive")]
fn a_file_of_another_form_is_named(#[case] bytes: &[u8], #[case] says: &str) {
    let error = Capture::read(bytes).unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
}

/// Gives a byte at a time, as a slow pipe does.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = out.len().min(1);
        self.0.read(&mut out[..length])
    }
}

#[rstest]
#[case::har("\u{feff} {\"log\":{\"entries\":[{}]}}")]
#[case::curl(
    "\u{feff}> POST /api/external/authentication/validation HTTP/1.1\n>\n< HTTP/1.1 200 OK\n<\n{}\n"
)]
fn a_slow_pipe_is_read(#[case] text: &str) {
    let whole = Capture::read(text.as_bytes()).unwrap();
    let slow = Capture::read(Slow(text.as_bytes())).unwrap();
    assert_eq!(slow.exchanges.len(), whole.exchanges.len());
    assert_eq!(slow.left_out, whole.left_out);
    assert_eq!(slow.exchanges.len() + slow.left_out.len(), 1);
}

#[rstest]
#[case::heads_alone("> A / HTTP/1\n>\n".repeat(1 << 20), "more than 10,000 exchanges")]
#[case::lines_of_a_head(format!("> A / HTTP/1\n{}", "> a\n".repeat(1 << 20)), "another path")]
#[case::an_unclosed_body("> POST /api/external/authentication/validation HTTP/1.1\n> \n< HTTP/1.1 200 OK\n< \n".repeat(5000) + "[" + &"1,".repeat(4 << 20), "")]
#[case::quotes(quotes(), "")]
fn what_takes_long_is_bounded(#[case] text: String, #[case] reason: &str) {
    let begun = Instant::now();
    let capture = Capture::read(text.as_bytes()).unwrap();
    let judged = capture::judge(&capture, None, None, "a.har");
    let notes = judged.notes.join("\n");
    assert!(notes.contains(reason), "{notes}");
    assert!(begun.elapsed().as_secs() < 60);
}

fn quotes() -> String {
    let entry = serde_json::json!({
        "request": { "method": "POST", "url": "https://h/api/external/authentication/validation", "postData": { "text": "\\\"".repeat(500_000) } },
        "response": { "status": 400, "content": { "text": "{}" } },
    });
    serde_json::json!([entry, entry, entry, entry]).to_string()
}

#[test]
fn a_thousand_fields_of_heads_are_bounded() {
    let fields =
        (0..40_000).map(|number| serde_json::json!({ "name": format!("x{number}"), "value": "" }));
    let entry = serde_json::json!({ "request": {
        "method": "POST", "url": "https://h/api/external/authentication/validation", "headers": fields.collect::<Vec<_>>(),
    } });
    let capture = Capture::read(serde_json::json!([entry]).to_string().as_bytes()).unwrap();
    assert_eq!(capture.exchanges.len(), 1);
}

//! The text of a snapshot.

use d4iot_double::{
    snapshot,
    snapshot::{Exchange, Request, ShownAnswer},
};
use rstest::rstest;

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

//! The forms of entries: what browsers and proxies leave out, encode or add.

use std::io::Write;

use d4iot_double::{
    contract::Kind,
    report::{CaseResult, Conformance},
    runner::{capture, capture::Capture},
};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use rstest::rstest;
use serde_json::{Value, json};

const YES: &str = r#"{"msg":"Authentication succeeded."}"#;

fn entry() -> Value {
    json!({
        "startedDateTime": "2026-03-01T09:00:00.000+01:00",
        "time": 1,
        "request": {
            "method": "POST",
            "url": "https://10.0.0.5/api/external/authentication/validation",
            "headers": [{ "name": "Content-Type", "value": "application/json" }],
            "postData": { "mimeType": "application/json", "text": r#"{"username":"ada","password":"Test12345!"}"# },
        },
        "response": { "status": 200, "headers": [{ "name": "Content-Type", "value": "application/json" }], "content": { "text": YES } },
    })
}

fn judged(entry: &Value) -> (Vec<CaseResult>, Vec<String>) {
    let text = json!({ "log": { "entries": [entry] } }).to_string();
    let capture = Capture::read(text.as_bytes()).unwrap();
    let judged = capture::judge(&capture, Some(Kind::Sensor), None, "a.har");
    let cases = judged.targets.into_iter().flat_map(|target| target.cases);
    (cases.collect(), judged.notes)
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

/// What is set at which place, and the verdict.
#[rstest]
#[case::plain(&[], Conformance::Documented)]
#[case::lower_case_of_http_2(&[("/request/headers", json!([{ "name": ":method", "value": "POST" }, { "name": "content-type", "value": "application/json" }]))], Conformance::Documented)]
#[case::no_times(&[("/startedDateTime", json!(null)), ("/time", json!(-1))], Conformance::Documented)]
#[case::text_in_base64(&[("/response/content", json!({ "text": base64(YES.as_bytes()), "encoding": "base64" }))], Conformance::Documented)]
#[case::request_in_base64(&[("/request/postData", json!({ "text": base64(br#"{"username":"a","password":"b"}"#), "_encoding": "base64" }))], Conformance::Documented)]
#[case::params_of_a_form(&[("/request/postData", json!({ "params": [{ "name": r#"{"username":"a","password":"b"}"#, "value": "" }] }))], Conformance::Documented)]
#[case::type_without_headers(&[("/response/headers", json!([])), ("/response/content/mimeType", json!("application/json"))], Conformance::Documented)]
#[case::decoded_with_its_header(&[("/response/headers/1", json!({ "name": "content-encoding", "value": "gzip" }))], Conformance::Documented)]
#[case::a_prefix(&[("/request/url", json!("https://gw/site-7/api/external/authentication/validation?x=1"))], Conformance::Documented)]
#[case::no_answer(&[("/response/status", json!(0))], Conformance::NotJudged)]
#[case::no_body(&[("/response/content", json!({ "size": 35 }))], Conformance::NotJudged)]
#[case::no_content(&[("/response/content", json!({}))], Conformance::NotJudged)]
#[case::size_not_known(&[("/response/content", json!({ "size": -1 }))], Conformance::NotJudged)]
#[case::size_null(&[("/response/content", json!({ "size": null }))], Conformance::NotJudged)]
#[case::an_empty_body(&[("/response/content", json!({ "size": 0 }))], Conformance::Deviation)]
#[case::type_not_known(&[("/response/headers", json!([])), ("/response/content/mimeType", json!("x-unknown"))], Conformance::Documented)]
#[case::request_without_headers(&[("/request/headers", json!([])), ("/response/content/text", json!(r#"{"error":"?"}"#))], Conformance::Undocumented)]
#[case::documented_words_are_no_secret(&[("/request/url", json!("https://10.0.0.5/api/external/authentication/set_password")), ("/request/postData/text", json!(r#"{"username":"ada","password":"Test12345!","new_password":"Password"}"#)), ("/response/status", json!(400)), ("/response/content/text", json!(r#"{"error": "Password does not match security policy"}"#))], Conformance::Variant)]
#[case::beside_them_it_is_one(&[("/request/url", json!("https://10.0.0.5/api/external/authentication/set_password")), ("/request/postData/text", json!(r#"{"username":"ada","password":"Test12345!","new_password":"Password"}"#)), ("/response/status", json!(400)), ("/response/content/text", json!(r#"{"error": "Password does not match security policy", "is": "Password"}"#))], Conformance::Deviation)]
#[case::request_without_its_body(&[("/request/postData", json!(null)), ("/request/bodySize", json!(42))], Conformance::Documented)]
#[case::an_error_then(&[("/request/postData", json!(null)), ("/request/bodySize", json!(42)), ("/response/content/text", json!(r#"{"error":"?"}"#))], Conformance::Undocumented)]
#[case::missing_field(&[("/request/postData/text", json!("{}")), ("/response/content/text", json!(r#"{"error":"?"}"#))], Conformance::Undocumented)]
#[case::success_without_a_field(&[("/request/postData/text", json!("{}"))], Conformance::Deviation)]
#[case::a_page(&[("/response/content/text", json!("<html>")), ("/response/headers", json!([{ "name": "content-type", "value": "text/html" }]))], Conformance::Deviation)]
#[case::nearly_the_words(&[("/response/content/text", json!(r#"{"msg":"Authentication succeded."}"#))], Conformance::Deviation)]
#[case::of_a_state(&[("/response/content/text", json!(r#"{"error":{"userDisplayErrorMessage":"Zu viele Versuche"}}"#))], Conformance::Undocumented)]
#[case::the_password_in_a_header(&[("/response/headers/1", json!({ "name": "x-echo", "value": "Test12345!" }))], Conformance::Deviation)]
fn an_entry_is_read(#[case] changes: &[(&str, Value)], #[case] expected: Conformance) {
    let mut entry = entry();
    for (place, value) in changes {
        let (parent, name) = place.rsplit_once('/').unwrap();
        let parent = entry.pointer_mut(parent).unwrap();
        match name.parse() {
            Ok(1) => parent.as_array_mut().unwrap().push(value.clone()),
            _ => parent[name] = value.clone(),
        }
    }
    let (cases, notes) = judged(&entry);
    assert_eq!(cases.len(), 1, "{notes:?}");
    assert_eq!(cases[0].conformance, expected, "{:?}", cases[0]);
}

#[rstest]
#[case::gzip("gzip")]
#[case::zlib("deflate")]
#[case::deflate("DEFLATE")]
#[case::brotli("br")]
fn a_body_that_is_still_compressed_is_decoded(#[case] coding: &str) {
    let body = YES.as_bytes();
    let packed = match coding {
        "gzip" => {
            let mut out = GzEncoder::new(Vec::new(), Compression::best());
            out.write_all(body).unwrap();
            out.finish().unwrap()
        }
        "deflate" => {
            let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
            out.write_all(body).unwrap();
            out.finish().unwrap()
        }
        "DEFLATE" => {
            let mut out = DeflateEncoder::new(Vec::new(), Compression::best());
            out.write_all(body).unwrap();
            out.finish().unwrap()
        }
        // Of Google's own encoder.
        _ => {
            use base64::{Engine, engine::general_purpose::STANDARD};
            STANDARD
                .decode("GyIA+MXOlvqtW9ekbIZAQfp9ahLMQuVNR/9Q42DIbVhvqjJzR/g=")
                .unwrap()
        }
    };
    let mut entry = entry();
    entry["response"]["content"] = json!({ "text": base64(&packed), "encoding": "base64" });
    entry["response"]["headers"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "Content-Encoding", "value": coding }));
    let (cases, _) = judged(&entry);
    assert_eq!(
        cases[0].conformance,
        Conformance::Documented,
        "{:?}",
        cases[0]
    );
}

#[test]
fn a_body_that_grows_beyond_its_limit_is_not_judged() {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        out.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let mut entry = entry();
    entry["response"]["content"] =
        json!({ "text": base64(&out.finish().unwrap()), "encoding": "base64" });
    entry["response"]["headers"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "content-encoding", "value": "gzip" }));
    let (cases, _) = judged(&entry);
    assert_eq!(
        (cases[0].conformance, cases[0].reason()),
        (Conformance::NotJudged, "a body of more than 1 MiB")
    );
}

#[rstest]
#[case::another_path(&[("/request/url", json!("https://10.0.0.5/login")), ("/request/method", json!("GET"))], "another path")]
#[case::another_request(&[("/request/url", json!("https://10.0.0.5/login"))], "another path, which may have changed a password")]
#[case::preflight(&[("/request/method", json!("OPTIONS"))], "OPTIONS, which a browser asks before it sends a request (CORS)")]
#[case::another_scheme(&[("/request/url", json!("wss://10.0.0.5/api/external/authentication/validation"))], "an address that is not HTTP's")]
#[case::data(&[("/request/url", json!("data:text/plain,x"))], "an address that is not HTTP's")]
#[case::a_web_socket(&[("/response/status", json!(101))], "a WebSocket")]
#[case::no_request(&[("/request", json!(7))], "an entry that is not one of HAR")]
#[case::no_base64(&[("/response/content", json!({ "text": "%%%", "encoding": "base64" }))], "a body that is not the base64 it should be")]
fn an_entry_that_is_not_judged_is_counted(#[case] changes: &[(&str, Value)], #[case] reason: &str) {
    let mut entry = entry();
    for (place, value) in changes {
        let (parent, name) = place.rsplit_once('/').unwrap();
        entry.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    let (cases, notes) = judged(&entry);
    assert_eq!(
        (cases.len(), notes),
        (0, vec![format!("not judged: 1 × {reason}")])
    );
}

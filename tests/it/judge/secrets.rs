//! No password of a capture is in anything that is made of it, in any spelling, and the copy that is to be shared has no user, host or
//! token either. The search knows nothing of the redaction it judges.

use d4iot_double::{
    contract::Kind,
    report::{Format, ReportStyle, Summary},
    runner::{
        capture,
        capture::{Capture, JudgedCapture},
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use rstest::rstest;
use serde_json::{Value, json};

use super::recorder::{case, har};
use crate::canary::search::found;

#[test]
fn no_output_of_a_thousand_captures_has_a_secret() {
    let cases = if std::env::var_os("D4IOT_EVERY_ROW").is_some() {
        1000
    } else {
        150
    };
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(20),
        failure_persistence: None,
        ..Config::default()
    };
    let captures = (0u32..1 << 30, proptest::collection::vec(entry(), 1..6));
    TestRunner::new(config)
        .run(&captures, |(number, entries)| {
            let secrets = Secrets::new(number);
            let entries: Vec<Value> = entries.iter().map(|entry| secrets.fill(entry)).collect();
            let text = json!({ "log": { "entries": entries } }).to_string();
            // Of a password that no request has, a report with words of the answer's own cannot be cleaned.
            let is_sent = |secret: &str| {
                let inside = json!(json!(secret).to_string()).to_string();
                let mut requests = entries.iter().map(|entry| entry["request"].to_string());
                let inside = inside
                    .trim_matches('"')
                    .trim_matches('\\')
                    .trim_matches('"')
                    .to_owned();
                requests.any(|request| request.contains(&inside) || request.contains(secret))
            };
            let capture = Capture::read(text.as_bytes()).unwrap();
            let judged = capture::judge(&capture, None, None, "a.har");
            let copy = capture::redacted_har(&judged);
            for secret in secrets.all().into_iter().chain([NUMBER]) {
                prop_assert_eq!(
                    found(&copy, &[secret]),
                    None,
                    "{} in {}",
                    secret,
                    String::from_utf8_lossy(&copy)
                );
            }
            for (format, report) in reports(&judged) {
                let passwords = [
                    &secrets.old,
                    &secrets.new,
                    &secrets.token,
                    &secrets.cookie,
                    &secrets.host,
                ];
                for secret in passwords.into_iter().filter(|secret| is_sent(secret)) {
                    prop_assert_eq!(
                        found(&report, &[secret.as_str()]),
                        None,
                        "{} in {}: {}",
                        secret,
                        format,
                        String::from_utf8_lossy(&report)
                    );
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Every report, and every word that an error about the profile would have.
fn reports(judged: &JudgedCapture) -> Vec<(Format, Vec<u8>)> {
    let mut summary: Summary =
        serde_json::from_value(json!({ "version": 1, "tool": "t", "trouble": [], "targets": [] }))
            .unwrap();
    summary.targets = judged.targets.clone();
    summary.notes = judged.notes.clone();
    let style = ReportStyle {
        every_case: true,
        ..ReportStyle::default()
    };
    Format::ALL
        .iter()
        .map(|format| (*format, format.write(&summary, style)))
        .collect()
}

/// Stands in an answer.
const NUMBER: &str = "123454321";

/// Values that can be told from everything else.
struct Secrets {
    user: String,
    old: String,
    new: String,
    token: String,
    cookie: String,
    host: String,
}

impl Secrets {
    fn new(number: u32) -> Secrets {
        Secrets {
            user: format!("kanarie-user-{number}"),
            old: format!("Kanarie-Old<&\"'\\%/+{number}!"),
            new: format!("Kanarie-Nieuw é😀 {number}?"),
            token: format!("Kanarie-Token-{number}-abc"),
            cookie: format!("kanarie-cookie-{number}"),
            host: format!("kanarie{number}.lab"),
        }
    }

    fn all(&self) -> [&str; 6] {
        [
            &self.user,
            &self.old,
            &self.new,
            &self.token,
            &self.cookie,
            &self.host,
        ]
    }

    /// Fills the placeholders in all texts of a value.
    fn fill(&self, value: &Value) -> Value {
        let text = value.to_string();
        let names = ["USER", "OLD", "NEW", "TOKEN", "COOKIE", "HOST"];
        let filled = names
            .iter()
            .zip(self.all())
            .fold(text, |text, (name, value)| {
                // Once for the entry, once more where the text is JSON in it.
                let inside = |value: &str| {
                    let text = json!(value).to_string();
                    text[1..text.len() - 1].to_owned()
                };
                let twice = inside(&inside(value));
                text.replace(&format!("«{name}2»"), &twice)
                    .replace(&format!("«{name}»"), &inside(value))
            });
        serde_json::from_str(&filled).unwrap()
    }
}

fn entry() -> impl Strategy<Value = Value> {
    let body = prop::sample::select(vec![
        r#"{"username":"«USER2»","password":"«OLD2»"}"#,
        r#"{"username":"«USER2»","password":"«OLD2»","new_password":"«NEW2»"}"#,
        r#"{"admin_username":"«USER2»","admin_password":"«OLD2»","username":"x","new_password":"«NEW2»"}"#,
        r#"{"username":"«USER2»","passwort":"«OLD2»","«NEW2»":1}"#,
        r#"{"username":"«USER2»","password":"«OLD2»","#,
        r#"["«OLD2»",{"password":"«NEW2»"}]"#,
        r#"{"username":"«USER2»","password":{"x":"«OLD2»"}}"#,
        r#"{"password":"«OLD2»","password":"«NEW2»","username":"«USER2»"}"#,
        "username=«USER»&password=«OLD»",
        "",
    ]);
    let answer = prop::sample::select(vec![
        r#"{"msg":"Authentication succeeded."}"#,
        r#"{"error":{"userDisplayErrorMessage":"The user '«USER2»' doesn't exist"}}"#,
        r#"{"error":{"userDisplayErrorMessage":"«USER2» may not use «OLD2»"}}"#,
        r#"{"error":{"userDisplayErrorMessage":"Credentials validation failed"},"debug":{"p":"«NEW2»","t":"«TOKEN2»"}}"#,
        r#"{"error":"«TOKEN2»","«NEW2»":{"id":123454321}}"#,
        r#"{"msg":"«NEW2»","msg":"Authentication succeeded."}"#,
        r#"{"msg":"Welcome «USER2» to «HOST2», your password is «NEW2»"}"#,
        "<html>«OLD» «COOKIE» «HOST»</html>",
        "«NEW»",
        "",
    ]);
    let operation = prop::sample::select(vec![
        "validation",
        "set_password",
        "set_password_by_admin",
        "validation/«OLD»",
        "other",
    ]);
    let query = prop::sample::select(vec!["", "?username=«USER»&password=pp", "?token=«TOKEN»"]);
    let kind = prop::sample::select(vec![
        "/api/external",
        "/external",
        "/gw/«USER»/api/external",
    ]);
    let status = prop::sample::select(vec![200u16, 401, 404, 418, 302, 0]);
    let content_type = prop::sample::select(vec![
        "application/json",
        "application/json; u=«USER»",
        "text/html",
        "x/«TOKEN»",
    ]);
    (body, answer, (operation, query, kind), status, content_type, any::<bool>()).prop_map(|(body, answer, (operation, query, kind), status, content_type, is_named)| {
        // An address has no letters beyond ASCII.
        let url = format!("https://«HOST»{kind}/authentication/{operation}{query}");
        let url = url.replace("«OLD»", "Kanarie-Path").replace("«USER»", "kanarie-user");
        let host = if is_named { json!([{ "name": "Host", "value": "«HOST»" }]) } else { json!([]) };
        let mut headers = host.as_array().unwrap().clone();
        for (name, value) in [("authorization", "Bearer «TOKEN»"), ("cookie", "sid=«COOKIE»; a=b"), ("content-type", content_type), ("x-user", "«USER»")] {
            headers.push(json!({ "name": name, "value": value }));
        }
        json!({
            "startedDateTime": "2026-03-01T09:00:00Z", "time": 1,
            "request": { "method": "POST", "url": url, "headers": headers, "postData": { "text": body } },
            "response": {
                "status": status,
                "headers": [
                    { "name": "content-type", "value": content_type },
                    { "name": "set-cookie", "value": "sid=«COOKIE»; Path=/" },
                    { "name": "location", "value": "https://«HOST»/login?u=«USER»" },
                    { "name": "www-authenticate", "value": "Basic realm=\"«HOST»\"" },
                ],
                "content": { "text": answer },
            },
        })
    })
}

#[test]
fn the_copy_is_judged_as_the_original() {
    for kind in [Kind::Sensor, Kind::Console] {
        let all = d4iot_double::suite::cases::all()
            .iter()
            .map(|located| &located.case);
        let all = all
            .filter(|case| case.kinds.contains(&kind))
            .step_by(7)
            .enumerate();
        let recorded = all
            .flat_map(|(number, one)| case(kind, &Default::default(), one, &format!("u{number}-")));
        let original = super::recorder::judge(kind, &har("a.lab", &recorded.collect::<Vec<_>>()));
        let copy: Value = serde_json::from_slice(&capture::redacted_har(&original)).unwrap();
        let again = super::recorder::judge(kind, &copy);
        let verdicts = |judged: &JudgedCapture| -> Vec<String> {
            let cases = judged.targets.iter().flat_map(|target| &target.cases);
            cases
                .map(|case| {
                    format!(
                        "{} {:?} {}",
                        case.conformance, case.exchanges[0].outcome, case.title
                    )
                })
                .collect()
        };
        assert_eq!(verdicts(&again), verdicts(&original));
        let profile =
            |judged: &JudgedCapture| serde_json::to_value(&judged.targets[0].profile).unwrap();
        assert_eq!(profile(&again), profile(&original));
    }
}

#[rstest]
#[case::of_another_case("KANARIE-USER and kanarie-old", json!({}))]
#[case::of_the_address("kanarie-sign-in", json!({ "request": { "url": "https://kanarie-sign-in:Kanarie-Pass@kanarie.lab:9443/api/external/authentication/validation" } }))]
#[case::of_the_server("10.55.44.33", json!({ "serverIPAddress": "10.55.44.33" }))]
#[case::of_the_method("KANARIE", json!({ "request": { "method": "KANARIE" } }))]
#[case::of_a_list("kanarie-list", json!({ "request": { "queryString": [{ "name": "t", "value": "kanarie-list" }], "cookies": [{ "name": "sid", "value": "kanarie-list" }] } }))]
#[case::of_numbers("48151623", json!({ "request": { "postData": { "text": r#"{"username":"u","password":48151623}"# } } }))]
#[case::of_a_type("kanarie", json!({ "response": { "headers": [{ "name": "content-type", "value": "application/json; v=kanarie" }] } }))]
#[case::of_a_segment("kanarie-gw", json!({ "request": { "url": "https://h/kanarie-gw/api/external/authentication/validation" } }))]
fn the_copy_has_no_words_of_an_answers_own(#[case] words: &str, #[case] changes: Value) {
    let mut entry = json!({
        "request": { "method": "POST", "url": "https://h/api/external/authentication/validation", "headers": [{ "name": "content-type", "value": "application/json" }],
            "postData": { "text": r#"{"username":"Kanarie-User","password":"Kanarie-Old"}"# } },
        "response": { "status": 401, "headers": [{ "name": "content-type", "value": "application/json" }],
            "content": { "text": json!({ "error": words, words: 1, "n": [words, 48151623] }).to_string() } },
    });
    for part in ["request", "response"] {
        let own = entry[part].as_object_mut().unwrap();
        own.extend(changes[part].as_object().cloned().unwrap_or_default());
    }
    entry["serverIPAddress"] = changes["serverIPAddress"].clone();
    let judged = super::recorder::judge(
        Kind::Sensor,
        &json!({ "log": { "entries": [entry.clone()] } }),
    );
    let copy = String::from_utf8(capture::redacted_har(&judged)).unwrap();
    assert!(
        copy.contains("«text»") && copy.contains("«number»"),
        "{copy}"
    );
    let copy = copy.to_lowercase();
    for secret in ["kanarie", "10.55.44.33", "48151623"] {
        assert!(!copy.contains(secret), "{copy}");
    }
}

/// `(the user, the content type, what the copy has of it)`
#[rstest]
#[case::a_known_type("json", "application/json;charset=\"UTF-8\"", None)]
#[case::a_parameter(
    "u",
    "application/json; v=1; charset=utf-8",
    Some("application/json; charset=utf-8")
)]
#[case::an_unknown_type("u", "x/acme", Some("other/other"))]
#[case::two(
    "u",
    "application/json, x/acme;q=0.5",
    Some("application/json, other/other; q=0.5")
)]
fn the_copy_has_known_content_types(
    #[case] user: &str,
    #[case] content_type: &str,
    #[case] shown: Option<&str>,
) {
    let answer = r#"{"msg":"Authentication succeeded."}"#;
    let header = json!([{ "name": "content-type", "value": content_type }]);
    let judged = super::recorder::judge(
        Kind::Sensor,
        &json!({ "log": { "entries": [{
            "request": { "method": "POST", "url": "https://h/api/external/authentication/validation", "headers": header,
                "postData": { "text": json!({ "username": user, "password": "json" }).to_string() } },
            "response": { "status": 200, "headers": header, "content": { "text": answer } },
        }] } }),
    );
    let copy: Value = serde_json::from_slice(&capture::redacted_har(&judged)).unwrap();
    let entry = &copy["log"]["entries"][0];
    let shown = shown.unwrap_or(content_type);
    assert_eq!(entry["request"]["headers"][0]["value"], shown);
    assert_eq!(entry["response"]["content"]["mimeType"], shown);
    assert_eq!(entry["response"]["content"]["text"], answer);
    let kept = &judged.targets[0].cases[0].exchanges[0].content_type;
    assert!(shown != content_type || kept.as_deref() == Some(shown));
}

/// Secrets with characters at which other texts are cut, in an answer that repeats them.
#[rstest]
#[case::of_a_query("Kan:ar,ie;9", json!({ "url": "https://h/api/external/authentication/validation?username=u&password=Kan:ar,ie;9" }))]
#[case::of_a_sign_in("Kan:ar,ie;9", json!({ "headers": [{ "name": "Authorization", "value": "Basic Ym9iOkthbjphcixpZTs5" }] }))]
#[case::of_a_token("ka:na:ri:e1:99:56", json!({ "headers": [{ "name": "X-Auth-Token", "value": "ka:na:ri:e1:99:56" }] }))]
#[case::of_a_cookie("M%FCnchen-Kanarie77", json!({ "headers": [{ "name": "Cookie", "value": "sid=M%FCnchen-Kanarie77" }] }))]
#[case::of_a_text("Ka;nar;ie9;x", json!({ "postData": { "text": "password=Ka;nar;ie9;x" } }))]
fn no_report_has_a_secret_of_a_request(#[case] secret: &str, #[case] changes: Value) {
    let mut request =
        json!({ "method": "POST", "url": "https://h/api/external/authentication/validation" });
    let own = request.as_object_mut().unwrap();
    own.extend(changes.as_object().cloned().unwrap());
    let text = json!({ "error": format!("got {secret} from you") }).to_string();
    let response = json!({ "status": 418, "headers": [], "content": { "text": text } });
    let entries = json!([{ "request": request, "response": response }]);
    let judged = super::recorder::judge(Kind::Sensor, &json!({ "log": { "entries": entries } }));
    for (format, report) in reports(&judged) {
        assert_eq!(found(&report, &[secret]), None, "{format:?}");
        let is_looked_at = found(&report, &["from you"]).is_some();
        assert!(is_looked_at || format != Format::Json);
    }
}

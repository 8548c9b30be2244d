//! Each pair of keys of `do`: accepted, and then each key changes what a client sees; or refused with a reason.

use std::{collections::BTreeMap, net::Ipv4Addr};

use bytes::Bytes;
use d4iot_double::{
    failure::RequestFlags,
    fixture,
    server::{AcceptDecision, Client, MockAppliance, Service},
};
use http::Request;
use serde_json::{Value, json};

/// Values of each key, the most telling first.
fn values() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("outcome", vec![json!("locked_out")]),
        (
            "reading",
            vec![json!({ "X16": "failures_500" }), json!({ "X11": "table" })],
        ),
        (
            "status",
            vec![json!(503), json!(204), json!(302), json!(200)],
        ),
        (
            "headers",
            vec![json!({ "X-A": "b" }), json!({ "Location": "/x" })],
        ),
        ("body", vec![json!("[1]"), json!("{\"a\":1}")]),
        ("json", vec![json!({ "a": 1 })]),
        ("page", vec![json!("login")]),
        ("redirect", vec![json!("/login")]),
        ("retry_after", vec![json!("5s")]),
        ("truncate", vec![json!(2)]),
        ("invalid_json", vec![json!(true)]),
        ("empty", vec![json!(true)]),
        ("wrong_content_type", vec![json!(true)]),
        ("bom", vec![json!(true)]),
        ("gzip", vec![json!(true)]),
        ("content_length", vec![json!("+5"), json!("-2")]),
        ("length_off", vec![json!(7), json!(-2)]),
        ("garbage", vec![json!(64)]),
        ("malformed_chunk", vec![json!(true)]),
        ("duplicate_keys", vec![json!(true)]),
        ("delay", vec![json!("1s")]),
        ("dribble", vec![json!({ "bytes": 8, "every": "1s" })]),
        ("bandwidth", vec![json!("100B/s")]),
        (
            "hang",
            vec![
                json!("mid_body"),
                json!("before_head"),
                json!({ "after_bytes": 9 }),
            ],
        ),
        (
            "reset",
            vec![
                json!("mid_body"),
                json!("before_head"),
                json!({ "after_bytes": 9 }),
            ],
        ),
        (
            "close",
            vec![
                json!("mid_body"),
                json!("before_head"),
                json!({ "after_bytes": 9 }),
            ],
        ),
        ("down", vec![json!({ "for": "5s" })]),
        ("certificate", vec![json!("expired")]),
        ("handshake", vec![json!("stall")]),
        ("tls", vec![json!("1.2")]),
        ("client_certificate", vec![json!(true)]),
        ("commit", vec![json!(false), json!(true)]),
        ("stale", vec![json!({ "for": "3s" })]),
    ]
}

/// What clients see of an appliance with one mode: each answer's steps, the password afterwards, and a new connection.
fn seen(action: &Value) -> Result<String, String> {
    let text = json!({ "appliance": "sensor", "failures": [{ "name": "x", "do": action }] });
    let fixture = fixture::read("x", &text.to_string()).map_err(|error| error.message)?;
    let mut seen = String::new();
    for (operation, body) in REQUESTS {
        let appliance = MockAppliance::from_fixture(&fixture, 0);
        let client = Client {
            source: Ipv4Addr::LOCALHOST.into(),
            connection: 1,
        };
        appliance.clock().freeze();
        match appliance.on_accept(client) {
            AcceptDecision::ClosePort => return Ok(format!("down {action}")),
            AcceptDecision::Serve(Some(tls)) => return Ok(format!("{tls:?}")),
            AcceptDecision::Serve(None) => {}
        }
        let post = |operation: &str, body: &'static str| {
            Request::post(format!("/api/external/authentication/{operation}"))
                .header("content-type", "application/json")
                .body(Bytes::from(body))
                .unwrap()
        };
        let answer = appliance.answer(&post(operation, body), client);
        let steps = answer.delivery.script(RequestFlags::default(), "");
        seen += &format!("{steps:?}\n");
        appliance.set_armed("x", false);
        let valid = |body| {
            appliance
                .answer(&post("validation", body), client)
                .into_response()
        };
        seen += &format!("{} {}\n", valid(OLD).status(), valid(NEW).status());
    }
    Ok(seen)
}

#[test]
fn each_pair_of_keys_acts_or_is_refused_with_a_reason() {
    let values = values();
    let schema = fixture::schema();
    let known = schema
        .pointer("/$defs/Do/properties")
        .unwrap()
        .as_object()
        .unwrap();
    let listed: Vec<&str> = values.iter().map(|(key, _)| *key).collect();
    assert_eq!(listed, known.keys().map(String::as_str).collect::<Vec<_>>());
    // By key: those it is refused with whatever the values, and those it is refused with for some.
    let mut refused: BTreeMap<&str, [Vec<&str>; 2]> = BTreeMap::new();
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for (index, (one, ones)) in values.iter().enumerate() {
        for (other, others) in &values[index + 1..] {
            let (mut taken, mut turned_down) = (0, 0);
            for (value, other_value) in ones
                .iter()
                .flat_map(|value| others.iter().map(move |other| (value, other)))
            {
                let both = json!({ *one: value, *other: other_value });
                match seen(&both) {
                    Ok(both_seen) => {
                        taken += 1;
                        for (key, alone) in [
                            (other, json!({ *one: value })),
                            (one, json!({ *other: other_value })),
                        ] {
                            // `commit` may say what holds anyway, as `status` may.
                            let is_stated = ["commit", "status"].contains(key);
                            let alone = seen(&alone).unwrap_or_default();
                            assert!(
                                is_stated || alone != both_seen,
                                "{both}: {key} does nothing"
                            );
                        }
                    }
                    Err(reason) => {
                        turned_down += 1;
                        let why = reason.split(": ").nth(1).unwrap_or("changes no answer");
                        let named = reason.contains(one) && reason.contains(other);
                        let is_value = reason.contains("changes no") || reason.contains("expected");
                        assert!(named || is_value, "{both}: {reason}");
                        *reasons.entry(why.to_owned()).or_default() += 1;
                    }
                }
            }
            if turned_down > 0 {
                let column = usize::from(taken > 0);
                refused.entry(one).or_default()[column].push(other);
                refused.entry(other).or_default()[column].push(one);
            }
        }
    }
    let mut table =
        "| key | refused with | refused with some values of |\n| --- | --- | --- |\n".to_owned();
    let shown = |keys: &[&str]| {
        if CONNECTION.iter().any(|key| refused[key][0] == *keys) {
            let of_answers = "all keys of answers".to_owned();
            let others = keys.iter().filter(|key| CONNECTION.contains(key));
            let others = others.map(|key| format!("`{key}`"));
            return std::iter::once(of_answers)
                .chain(others)
                .collect::<Vec<_>>()
                .join(", ");
        }
        let is_all = |key: &&&str| CONNECTION.contains(*key);
        let mut keys: Vec<String> = if keys.iter().filter(is_all).count() == CONNECTION.len() {
            let rest = keys.iter().filter(|key| !CONNECTION.contains(key));
            let rest = rest.map(|key| format!("`{key}`"));
            std::iter::once("the keys of a connection".to_owned())
                .chain(rest)
                .collect()
        } else {
            keys.iter().map(|key| format!("`{key}`")).collect()
        };
        keys.sort_by_key(|key| key.starts_with('`'));
        keys.join(", ")
    };
    for (key, _) in &values {
        let [always, sometimes] = refused.get(key).cloned().unwrap_or_default();
        table += &format!("| `{key}` | {} | {} |\n", shown(&always), shown(&sometimes));
    }
    super::holds("pairs", &table);
    assert!(reasons.len() > 8, "{reasons:?}");
}

/// The keys that apply before any request.
const CONNECTION: [&str; 4] = ["down", "certificate", "handshake", "tls"];
const OLD: &str = r#"{"username":"test","password":"Test12345!"}"#;
const NEW: &str = r#"{"username":"test","password":"Next12345!"}"#;
const REQUESTS: [(&str, &str); 3] = [
    ("validation", OLD),
    ("validation", NEW),
    (
        "set_password",
        r#"{"username":"test","password":"Test12345!","new_password":"Next12345!"}"#,
    ),
];

//! One set of rules of HTTP on every port: what the control API refuses, and what it says an appliance would.

use d4iot_double::fixture;
use rstest::rstest;
use serde_json::{Value, json};

use crate::control::control_server::{ControlServer, validate};

const VALIDATION: &str = "/api/external/authentication/validation";

#[rstest]
#[case::large_body(json!({ "body": "x".repeat(70_000) }), "body_too_large")]
#[case::large_head(json!({ "headers": { "x-y": "z".repeat(40_000) } }), "head_too_large")]
#[case::coding(json!({ "headers": { "transfer-encoding": "gzip" } }), "bad_request")]
#[case::host(json!({ "headers": { "host": "a b" } }), "bad_request")]
#[tokio::test]
async fn explain_refuses_what_the_port_refuses(#[case] further: Value, #[case] expected: &str) {
    let api = ControlServer::http();
    api.sensor("s", json!({})).await;
    let mut asked = json!({ "path": VALIDATION });
    asked
        .as_object_mut()
        .unwrap()
        .extend(further.as_object().unwrap().clone());
    let explained = api
        .json("POST", "/v1/appliances/s/explain", &asked)
        .await
        .body;
    assert_eq!(explained["judged"], expected, "{explained}");
    assert!(explained["answer"]["status"].as_u64() >= Some(400));
    assert_eq!(explained["findings"][0]["name"], "unlawful");
    api.end().await;
}

#[rstest]
#[case::host("host", "localhost:99999", 400, "bad_request")]
#[case::head("x-y", "", 431, "head_too_large")]
#[tokio::test]
async fn the_control_api_holds_the_same_rules(
    #[case] name: &str,
    #[case] value: &str,
    #[case] status: u16,
    #[case] kind: &str,
) {
    let api = ControlServer::http();
    let long = "y".repeat(40_000);
    let value = if value.is_empty() { &long } else { value };
    let answer = api.send("GET", "/v1/health", &[(name, value)], "").await;
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body["type"], format!("urn:d4iot-double:{kind}"));
    api.end().await;
}

#[tokio::test]
async fn bodies_with_a_mark_are_read_and_compressed_ones_refused() {
    let api = ControlServer::http();
    let json = ("content-type", "application/json");
    let fixture = "\u{feff}{\"appliance\":\"sensor\",\"name\":\"s\"}";
    let made = api.send("POST", "/v1/appliances", &[json], fixture).await;
    assert_eq!(made.status, 201, "{made:?}");
    let headers = [json, ("content-encoding", "gzip")];
    let compressed = api.send("POST", "/v1/appliances", &headers, "\u{1f}").await;
    assert_eq!(compressed.status, 415, "{compressed:?}");
    let hint = compressed.body["hint"].as_str().unwrap();
    assert!(hint.contains("not compressed"), "{hint}");
    api.end().await;
}

#[tokio::test]
async fn json_has_characters_that_yaml_lacks() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let name = "a\u{7f}\u{85}\u{2028}\u{fffe}b";
    let user = json!({ "username": name, "password": "Canary-1", "role": "admin" });
    let added = api.json("POST", "/v1/appliances/s/users", &user).await;
    assert_eq!(added.body["username"], name, "{added:?}");
    assert_eq!(validate(&client, name, "Canary-1").await, 200);
    api.end().await;
}

#[tokio::test]
async fn a_password_under_another_key_is_not_shown() {
    let api = ControlServer::http();
    api.sensor("s", json!({})).await;
    for key in ["role", "state"] {
        let mut user = json!({ "username": "a", "password": "b", "role": "admin" });
        user[key] = "Canary-Secret-1".into();
        let refused = api.json("POST", "/v1/appliances/s/users", &user).await;
        assert_eq!(refused.status, 422);
        assert!(!format!("{refused:?}").contains("Canary"), "{refused:?}");
        user[key] = "activ".into();
        let near = api.json("POST", "/v1/appliances/s/users", &user).await;
        let is_shown = format!("{near:?}").contains("`activ`");
        assert_eq!(is_shown, key == "state", "{near:?}");
    }
    api.end().await;
}

#[tokio::test]
async fn a_number_is_no_duration() {
    let api = ControlServer::http();
    api.sensor("s", json!({})).await;
    let path = "/v1/appliances/s/clock";
    let refused = api.json("POST", path, &json!({ "advance": 900 })).await;
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(
        detail.starts_with("advance is 900, expected a duration"),
        "{detail}"
    );
    api.end().await;
}

/// A state is exported over more bytes than it was read from.
#[tokio::test]
async fn a_large_state_can_be_put_back() {
    let api = ControlServer::http();
    api.sensor("s", json!({})).await;
    let user = |n| json!({ "username": format!("u{n}"), "password": format!("Password-{n}"), "role": "admin" });
    let users: Value = (0..45_000).map(user).collect();
    let fixture = json!({ "appliance": "sensor", "users": users }).to_string();
    let state = fixture::read("state", &fixture).unwrap();
    let state = state.export();
    assert!(fixture.len() < 4 << 20 && state.len() > 4 << 20);
    let header = [("content-type", "application/json")];
    let path = "/v1/appliances/s/state";
    let answer = api.send("PUT", path, &header, &state).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    api.end().await;
}

//! The resources of a running appliance and of the process: clock, readings, state, explanations, health, methods.

use std::{collections::BTreeSet, time::Duration};

use d4iot_double::{contract::Kind, fixture};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::control::{
    control_server::{ControlServer, SOON, change, validate, validation},
    document::DOCUMENT,
};

#[tokio::test]
async fn a_frozen_clock_holds_a_delayed_answer_until_it_is_advanced() {
    let api = ControlServer::http();
    let late = json!({ "failures": [{ "name": "late", "do": { "delay": "5s" } }] });
    let client = api.client(&api.sensor("s", late).await);
    let frozen = api
        .json("POST", "/v1/appliances/s/clock", &json!({ "frozen": true }))
        .await;
    assert_eq!(frozen.body["frozen"], true);
    for _ in 0..20 {
        api.delete("/v1/appliances/s/journal").await;
        let request = validation("test", "Test12345!");
        let asked = client.send(&request);
        tokio::pin!(asked);
        // Advanced the moment it has arrived: what is held back counts from its arrival, not from when the server gets to it.
        let arrived = api.get("/v1/appliances/s/journal/wait?state=open&timeout=20s");
        let arrived = tokio::select! {
            _ = &mut asked => panic!("a frozen clock lets no delayed answer go"),
            arrived = arrived => arrived,
        };
        assert_eq!(
            (arrived.status, &arrived.body["count"]),
            (200, &json!(1)),
            "{arrived:?}"
        );
        let advanced = api
            .json(
                "POST",
                "/v1/appliances/s/clock",
                &json!({ "advance": "5s" }),
            )
            .await;
        assert_eq!(advanced.body["frozen"], true);
        assert_eq!(
            timeout(SOON, asked)
                .await
                .expect("the answer comes")
                .unwrap()
                .status(),
            200
        );
    }
    api.end().await;
}

#[tokio::test]
async fn a_frozen_clock_holds_up_neither_a_delete_nor_the_end() {
    let api = ControlServer::http();
    for name in ["deleted", "left"] {
        let late = json!({ "failures": [{ "name": "late", "do": { "delay": "1h" } }] });
        let client = api.client(&api.sensor(name, late).await);
        api.json(
            "POST",
            &format!("/v1/appliances/{name}/clock"),
            &json!({ "frozen": true }),
        )
        .await;
        tokio::spawn(async move { client.send(&validation("test", "Test12345!")).await });
        assert_eq!(
            api.get(&format!("/v1/appliances/{name}/journal/wait?state=open"))
                .await
                .status,
            200
        );
    }
    let begun = std::time::Instant::now();
    assert_eq!(api.delete("/v1/appliances/deleted").await.status, 204);
    timeout(SOON, api.end()).await.expect("it ends");
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn every_reading_is_listed_and_changed_while_it_runs() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let readings = "/v1/appliances/s/readings";
    let ask = async || {
        client
            .send(&validation("test", "Test12345!"))
            .await
            .unwrap()
            .into_body()
    };
    let before = api.get(readings).await.body;
    assert_eq!(
        (
            &before["readings"]["validation.authenticated.body"],
            &before["chosen"]
        ),
        (&json!("example"), &json!({}))
    );
    assert!(
        before["readings"].as_object().unwrap().len() > 50,
        "every fact"
    );
    assert_eq!(&ask().await[..], br#"{"msg":"Authentication succeeded."}"#);
    let chosen = api.json("PUT", readings, &json!({ "X11": "table" })).await;
    assert_eq!(
        (chosen.status, &chosen.body["chosen"]),
        (200, &json!({ "validation.authenticated.body": "table" }))
    );
    assert_eq!(&ask().await[..], br#"{"msg":"Authentication succeeded"}"#);
    let more = api
        .json(
            "PATCH",
            readings,
            &json!({ "validation.authenticated.status": "conventional" }),
        )
        .await;
    assert_eq!(more.status, 200, "{more:?}");
    assert_eq!(
        more.body["chosen"].as_object().unwrap().len(),
        2,
        "PATCH adds"
    );
    assert_eq!(
        api.json("PUT", readings, &json!({})).await.body["chosen"],
        json!({})
    );
    assert_eq!(&ask().await[..], br#"{"msg":"Authentication succeeded."}"#);
    api.end().await;
}

#[tokio::test]
async fn explain_tells_what_a_request_would_get_and_changes_nothing() {
    let api = ControlServer::http();
    let modes = json!({ "failures": [{ "name": "once", "on": "validation", "when": { "calls": [1] }, "do": { "status": 503 } }] });
    let client = api.client(&api.sensor("s", modes).await);
    let before = api.get("/v1/appliances/s/failures").await.body;
    let explain = async |body: Value| api.json("POST", "/v1/appliances/s/explain", &body).await;
    let asked = json!({ "path": "/api/external/authentication/validation", "body": { "username": "test", "password": "Canary-4444" } });
    for _ in 0..2 {
        let explained = explain(asked.clone()).await;
        assert_eq!(explained.status, 200, "{explained:?}");
        assert_eq!(
            ["outcome", "judged", "failure"].map(|key| &explained.body[key]),
            [&Value::Null, &json!("credentials_rejected"), &json!("once")]
        );
        assert_eq!(explained.body["answer"]["status"], 503);
        assert!(
            explained.body["reason"]
                .as_str()
                .unwrap()
                .contains("password"),
            "{explained:?}"
        );
        assert!(
            !explained.body.to_string().contains("Canary"),
            "{explained:?}"
        );
    }
    let elsewhere = explain(json!({ "path": "/external/authentication/nothing" }))
        .await
        .body;
    assert_eq!(
        (&elsewhere["operation"], &elsewhere["outcome"]),
        (&Value::Null, &json!("unknown_path"))
    );
    assert!(elsewhere["suggestion"].is_string(), "{elsewhere}");
    assert_eq!(
        api.get("/v1/appliances/s/failures").await.body,
        before,
        "nothing is counted"
    );
    assert_eq!(api.get("/v1/appliances/s/journal").await.body["count"], 0);
    assert_eq!(
        validate(&client, "test", "Test12345!").await,
        503,
        "the first call is still the first"
    );
    api.end().await;
}

#[tokio::test]
async fn state_out_and_in_gives_the_same_state_and_its_reset() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({ "lockout": { "after": 3 } })).await);
    assert_eq!(
        change(&client, "test", "Test12345!", "Later12345!").await,
        200
    );
    assert_eq!(validate(&client, "test", "wrong").await, 401);
    api.json("POST", "/v1/appliances/s/clock", &json!({ "frozen": true }))
        .await;
    let state = api.get("/v1/appliances/s/state").await;
    assert_eq!(state.status, 200);
    assert_eq!(
        fixture::read("state", &state.body.to_string())
            .unwrap()
            .kind,
        Kind::Sensor
    );
    assert!(state.body.to_string().contains("Later12345!"));
    api.json(
        "POST",
        "/v1/appliances",
        &json!({ "appliance": "sensor", "name": "twin" }),
    )
    .await;
    assert_eq!(
        api.json("PUT", "/v1/appliances/twin/state", &state.body)
            .await
            .status,
        204
    );
    let twin = api.get("/v1/appliances/twin").await.body;
    let other = api.client(twin["url"].as_str().unwrap());
    assert_eq!(twin["name"], "twin");
    let mut there = api.get("/v1/appliances/twin/state").await.body;
    there["name"] = "s".into();
    assert_eq!(there, state.body);
    assert_eq!(
        [
            validate(&other, "test", "wrong").await,
            validate(&other, "test", "wrong").await
        ],
        [401, 401]
    );
    // What was counted is not exported: the failed sign-in of the first does not count here.
    assert_eq!(validate(&other, "test", "Later12345!").await, 200);
    api.json("POST", "/v1/appliances/twin/reset", &Value::Null)
        .await;
    assert_eq!(validate(&other, "test", "Later12345!").await, 200);
    api.end().await;
}

#[tokio::test]
async fn the_process_tells_how_it_is() {
    let api = ControlServer::https();
    assert_eq!(
        api.get("/v1/health").await.body,
        json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "appliances": 0 })
    );
    assert_eq!(api.get("/v1/ready").await.body, json!({ "ready": true }));
    let ca = api.get("/v1/ca.pem").await;
    assert!(
        ca.content_type == "application/x-pem-file"
            && ca
                .body
                .as_str()
                .unwrap()
                .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let head = api.send("HEAD", "/v1/health", &[], "").await;
    assert_eq!((head.status, head.body), (200, Value::Null));
    let document = api.get("/v1/openapi.json").await.body;
    assert_eq!(document["openapi"], "3.1.0");
    api.end().await;
    let plain = ControlServer::http();
    assert_eq!(plain.get("/v1/ca.pem").await.status, 404);
    plain.end().await;
}

#[tokio::test]
async fn every_path_takes_the_documented_methods() {
    let server = ControlServer::http();

    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        let methods = item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters");
        let mut documented: BTreeSet<String> =
            methods.map(|method| method.to_uppercase()).collect();
        if documented.contains("GET") {
            documented.insert("HEAD".to_owned());
        }

        let answer = server
            .send("BREW", &path.replace(['{', '}'], ""), &[], "")
            .await;

        let allow = answer.headers["allow"].to_str().unwrap();
        assert_eq!(
            allow.split(',').map(str::to_owned).collect::<BTreeSet<_>>(),
            documented,
            "{path}"
        );
    }
    server.end().await;
}

#[test]
fn operation_ids_are_unique() {
    let paths = DOCUMENT["paths"].as_object().unwrap().values();
    let operations = paths.flat_map(|item| item.as_object().unwrap().values());

    let ids: Vec<&str> = operations
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();

    assert_eq!(
        ids.len(),
        ids.iter().collect::<BTreeSet<_>>().len(),
        "{ids:?}"
    );
    assert_eq!(ids.len(), 36);
}

#[tokio::test]
async fn a_password_is_compared_and_never_shown() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let path = "/v1/appliances/s/users/test/password-is";
    for (password, expected) in [("Test12345!", true), ("Canary-1", false), ("", false)] {
        let answer = api
            .json("POST", path, &json!({ "password": password }))
            .await;
        assert_eq!(
            answer.body,
            json!({ "password_is": expected }),
            "{password}"
        );
    }
    change(&client, "test", "Test12345!", "Next12345!").await;
    let old = api
        .json("POST", path, &json!({ "password": "Test12345!" }))
        .await;
    assert_eq!(old.body, json!({ "password_is": false }));
    assert_eq!(api.get("/v1/appliances/s/journal").await.body["count"], 1);
    let nobody = path.replace("test/", "nobody/");
    let unknown = api
        .json("POST", &nobody, &json!({ "password": "Canary-2" }))
        .await;
    let wrong = api
        .json("POST", path, &json!({ "password": ["Canary-3"] }))
        .await;
    assert_eq!((unknown.status, wrong.status), (404, 422));
    assert!(!format!("{unknown:?}{wrong:?}").contains("Canary"));
    api.end().await;
}

#[tokio::test]
async fn all_appliances_are_reset_and_deleted_at_once() {
    let api = ControlServer::http();
    let mut clients = Vec::new();
    for name in ["a", "b"] {
        clients.push(api.client(&api.sensor(name, json!({})).await));
    }
    for client in &clients {
        change(client, "test", "Test12345!", "Next12345!").await;
    }
    assert_eq!(
        api.json("POST", "/v1/reset", &json!(null)).await.status,
        204
    );
    for client in &clients {
        assert_eq!(validate(client, "test", "Test12345!").await, 200);
    }
    assert_eq!(api.delete("/v1/appliances").await.status, 204);
    assert_eq!(
        api.get("/v1/appliances").await.body["appliances"],
        json!([])
    );
    assert!(clients[0].send(&validation("test", "x")).await.is_err());
    assert_eq!(api.delete("/v1/appliances").await.status, 204);
    api.end().await;
}

//! Appliances made and driven while they run: each resource does what it says.

use std::{collections::BTreeSet, time::Duration};

use d4iot_double::{contract::Kind, fixture, server::Ports};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};

use crate::control::{
    control_server::{ControlServer, SOON, change, validate, validation},
    document::DOCUMENT,
};

#[tokio::test]
async fn appliance_from_json_serves_https_until_deleted() {
    let api = ControlServer::https();
    let body = json!({ "appliance": "sensor", "name": "plant-7", "users": [{ "username": "a", "password": "Secret-1234", "role": "admin" }], "seed": 42 });
    let made = api.json("POST", "/v1/appliances", &body).await;
    assert_eq!(
        (made.status, made.headers["location"].to_str().unwrap()),
        (201, "/v1/appliances/plant-7")
    );
    let (url, port) = (
        made.body["url"].as_str().unwrap(),
        made.body["port"].as_u64().unwrap(),
    );
    assert_eq!(
        made.body,
        json!({ "name": "plant-7", "kind": "sensor", "url": format!("https://127.0.0.1:{port}"), "port": port, "seed": 42 })
    );
    assert_eq!(api.get("/v1/appliances/plant-7").await.body, made.body);
    assert_eq!(
        api.get("/v1/appliances").await.body,
        json!({ "appliances": [made.body] })
    );
    let client = api.client(url);
    assert_eq!(
        (
            validate(&client, "a", "Secret-1234").await,
            validate(&client, "a", "other").await
        ),
        (200, 401)
    );
    assert_eq!(api.delete("/v1/appliances/plant-7").await.status, 204);
    assert!(
        TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap()))
            .await
            .is_err(),
        "the port is closed when delete has answered"
    );
    assert_eq!(api.delete("/v1/appliances/plant-7").await.status, 404);
    api.end().await;
}

#[tokio::test]
async fn appliance_from_yaml_or_escaped_json() {
    let api = ControlServer::http();
    let yaml = "appliance: console\nname: from-yaml\nusers:\n  - { username: a, password: Secret-1234, role: admin }\n";
    assert_eq!(
        api.send(
            "POST",
            "/v1/appliances",
            &[("content-type", "application/yaml")],
            yaml
        )
        .await
        .status,
        201
    );
    let escaped = r#"{"appliance":"sensor","name":"emoji","users":[{"username":"a\ud83d\ude00","password":"\u00e4\ud83d\ude00\\","role":"admin"}]}"#;
    let made = api
        .send(
            "POST",
            "/v1/appliances",
            &[("content-type", "application/json; charset=utf-8")],
            escaped,
        )
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let client = api.client(made.body["url"].as_str().unwrap());
    assert_eq!(validate(&client, "a😀", "ä😀\\").await, 200);
    api.end().await;
}

#[tokio::test]
async fn ports_come_from_the_range_and_go_back_to_it() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let api = ControlServer::start(None, Ports::between(free, free), None);
    assert_eq!(
        api.sensor("a", json!({})).await,
        format!("http://127.0.0.1:{free}")
    );
    let none = api
        .json(
            "POST",
            "/v1/appliances",
            &json!({ "appliance": "sensor", "name": "b" }),
        )
        .await;
    assert_eq!(
        (none.status, none.body["type"].as_str()),
        (409, Some("urn:d4iot-double:port_taken")),
        "{none:?}"
    );
    assert_eq!(api.delete("/v1/appliances/a").await.status, 204);
    assert_eq!(
        api.sensor("b", json!({})).await,
        format!("http://127.0.0.1:{free}")
    );
    api.end().await;
}

#[tokio::test]
async fn users_are_added_replaced_and_removed_without_passwords_shown() {
    let api = ControlServer::http();
    let client = api.client(
        &api.sensor(
            "s",
            json!({ "users": [{ "username": "a", "password": "Canary-0000", "role": "admin" }] }),
        )
        .await,
    );
    let users = "/v1/appliances/s/users";
    let added = api
        .json(
            "POST",
            users,
            &json!({ "username": "b/ä", "password": "Canary-1111", "role": "read_only" }),
        )
        .await;
    assert_eq!(
        (added.status, added.headers["location"].to_str().unwrap()),
        (201, "/v1/appliances/s/users/b%2F%C3%A4")
    );
    assert_eq!(
        added.body,
        json!({ "username": "b/ä", "role": "read_only", "state": "active" })
    );
    assert_eq!(validate(&client, "b/ä", "Canary-1111").await, 200);
    let again = api
        .json(
            "POST",
            users,
            &json!({ "username": "a", "password": "Canary-2222", "role": "admin" }),
        )
        .await;
    assert_eq!(
        (again.status, again.body["type"].as_str()),
        (409, Some("urn:d4iot-double:name_taken"))
    );
    assert_eq!(
        validate(&client, "a", "Canary-0000").await,
        200,
        "who was there is there"
    );
    let path = format!("{users}/b%2F%C3%A4");
    let replaced = api.json("PUT", &path, &json!({ "username": "b/ä", "password": "Canary-3333", "role": "admin", "state": "locked" })).await;
    assert_eq!(
        replaced.body,
        json!({ "username": "b/ä", "role": "admin", "state": "locked" })
    );
    assert_eq!(api.get(&path).await.body, replaced.body);
    let listed = api.get(users).await.body;
    assert_eq!(listed["users"].as_array().unwrap().len(), 2);
    assert!(
        !format!("{added:?}{again:?}{replaced:?}{listed}").contains("Canary"),
        "a password is shown"
    );
    let other = api
        .json(
            "PUT",
            &path,
            &json!({ "username": "c", "password": "Canary-3333", "role": "admin" }),
        )
        .await;
    assert_eq!(
        (other.status, other.body["pointer"].as_str()),
        (422, Some("/username"))
    );
    assert_eq!(
        (
            api.delete(&path).await.status,
            api.delete(&path).await.status,
            api.get(&path).await.status
        ),
        (204, 404, 404)
    );
    assert_eq!(validate(&client, "b/ä", "Canary-3333").await, 401);
    api.end().await;
}

#[tokio::test]
async fn failure_modes_are_added_counted_disarmed_armed_and_removed() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let failures = "/v1/appliances/s/failures";
    let mode = json!({ "name": "down", "on": "validation", "when": { "times": 2 }, "do": { "status": 503 } });
    let added = api.json("POST", failures, &mode).await;
    assert_eq!(
        (added.status, added.headers["location"].to_str().unwrap()),
        (201, "/v1/appliances/s/failures/down")
    );
    let taken = api.json("POST", failures, &mode).await;
    assert_eq!(
        (taken.status, taken.body["type"].as_str()),
        (409, Some("urn:d4iot-double:name_taken"))
    );
    assert_eq!(validate(&client, "test", "Test12345!").await, 503);
    let path = format!("{failures}/down");
    let disarmed = api.json("PATCH", &path, &json!({ "armed": false })).await;
    assert_eq!(
        disarmed.body,
        json!({ "name": "down", "armed": false, "seen": 1, "fired": 1, "mode": mode })
    );
    assert_eq!(validate(&client, "test", "Test12345!").await, 200);
    assert_eq!(
        api.json("PUT", &path, &json!({ "armed": true })).await.body["armed"],
        true
    );
    assert_eq!(
        [
            validate(&client, "test", "Test12345!").await,
            validate(&client, "test", "Test12345!").await
        ],
        [503, 200]
    );
    assert_eq!(api.get(failures).await.body["failures"][0]["fired"], 2);
    // A ready-made one is there when it is armed.
    assert_eq!(
        api.json(
            "PATCH",
            &format!("{failures}/rebooting"),
            &json!({ "armed": true })
        )
        .await
        .status,
        200
    );
    assert_eq!(validate(&client, "test", "Test12345!").await, 503);
    assert_eq!(
        (
            api.delete(&path).await.status,
            api.delete(&path).await.status,
            api.get(&path).await.status
        ),
        (204, 404, 404)
    );
    let unknown = api
        .json(
            "PATCH",
            &format!("{failures}/rebootin"),
            &json!({ "armed": true }),
        )
        .await;
    assert_eq!(
        (unknown.status, unknown.body["hint"].as_str()),
        (404, Some("did you mean `rebooting`?"))
    );
    let tls = api
        .json(
            "PATCH",
            &format!("{failures}/expired_certificate"),
            &json!({ "armed": true }),
        )
        .await;
    assert_eq!(
        (tls.status, tls.body["type"].as_str()),
        (422, Some("urn:d4iot-double:invalid_body")),
        "over plain HTTP no certificate is shown"
    );
    api.end().await;
}

#[tokio::test]
async fn a_reset_goes_back_to_the_fixture() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    assert_eq!(
        change(&client, "test", "Test12345!", "Later12345!").await,
        200
    );
    api.json(
        "POST",
        "/v1/appliances/s/failures",
        &json!({ "name": "down", "do": { "status": 503 } }),
    )
    .await;
    api.json(
        "POST",
        "/v1/appliances/s/clock",
        &json!({ "frozen": true, "advance": "1h" }),
    )
    .await;
    assert_eq!(
        api.json("POST", "/v1/appliances/s/reset", &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(validate(&client, "test", "Test12345!").await, 200);
    let clock = api.get("/v1/appliances/s/clock").await.body;
    assert!(
        clock["frozen"] == false && clock["now_ms"].as_f64().unwrap() < 3_600_000.0,
        "{clock}"
    );
    assert_eq!(
        api.get("/v1/appliances/s/failures").await.body,
        json!({ "failures": [] })
    );
    api.end().await;
}

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
            (&explained.body["outcome"], &explained.body["failure"]),
            (&json!("credentials_rejected"), &json!("once"))
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
    let omitted = api
        .get("/v1/appliances/s/state?secrets=omit")
        .await
        .body
        .to_string();
    assert!(
        state.body.to_string().contains("Later12345!") && !omitted.contains("Later12345!"),
        "{omitted}"
    );
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
    assert_eq!(ids.len(), 32);
}

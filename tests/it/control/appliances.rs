//! Appliances made, changed and deleted while they run.

use d4iot_double::server::Ports;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::control::control_server::{ControlServer, change, validate};

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

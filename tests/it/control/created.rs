//! What is created, replaced and changed in part, and the names that it gets.

use serde_json::json;

use crate::control::control_server::{ControlServer, validate};

#[tokio::test]
async fn a_put_says_whether_it_created_and_a_patch_keeps_the_rest() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let user = json!({ "username": "new", "password": "First1234!", "role": "admin" });
    let path = "/v1/appliances/s/users/new";
    assert_eq!(api.json("PUT", path, &user).await.status, 201);
    assert_eq!(api.json("PUT", path, &user).await.status, 200);
    let patched = api.json("PATCH", path, &json!({ "state": "locked" })).await;
    assert_eq!(
        (
            patched.status,
            &patched.body["role"],
            &patched.body["state"]
        ),
        (200, &json!("admin"), &json!("locked"))
    );
    assert_eq!(validate(&client, "new", "First1234!").await, 401);
    let active = json!({ "state": "active", "password": "Later1234!" });
    assert_eq!(api.json("PATCH", path, &active).await.status, 200);
    assert_eq!(validate(&client, "new", "Later1234!").await, 200);
    for (change, status) in [
        (json!({ "username": "other" }), 422),
        (json!({ "sate": "locked" }), 422),
        (json!({ "state": "lockd" }), 422),
    ] {
        assert_eq!(
            api.json("PATCH", path, &change).await.status,
            status,
            "{change}"
        );
    }
    let nobody = "/v1/appliances/s/users/nobody";
    assert_eq!(api.json("PATCH", nobody, &active).await.status, 404);
    let armed = json!({ "armed": true });
    let mode = "/v1/appliances/s/failures/slow";
    assert_eq!(api.json("PUT", mode, &armed).await.status, 201);
    assert_eq!(api.json("PUT", mode, &armed).await.status, 200);
    api.end().await;
}

#[tokio::test]
async fn a_name_is_made_up_and_a_test_id_is_one() {
    let api = ControlServer::http();
    let nameless = json!({ "appliance": "sensor" });
    for expected in ["sensor", "sensor-2", "sensor-3", "sensor-4"] {
        let created = api.json("POST", "/v1/appliances", &nameless).await;
        assert_eq!(
            (created.status, &created.body["name"]),
            (201, &json!(expected))
        );
        // None comes twice, also where the first is gone.
        let one = format!("/v1/appliances/{expected}");
        assert_eq!(api.json("DELETE", &one, &json!({})).await.status, 204);
    }
    let url = api.sensor("test_x[a]", json!({})).await;
    let found = api.get("/v1/appliances/test_x%5Ba%5D").await;
    assert_eq!(found.body["url"], url);
    for (name, listen) in [
        ("..", "127.0.0.1:0"),
        (".", "127.0.0.1:0"),
        ("a", "224.0.0.1:0"),
    ] {
        let fixture = json!({ "appliance": "sensor", "name": name, "listen": listen });
        let refused = api.json("POST", "/v1/appliances", &fixture).await;
        assert_eq!(refused.status, 422, "{refused:?}");
    }
    api.end().await;
}

#[tokio::test]
async fn the_document_declares_the_statuses_of_problems() {
    let api = ControlServer::http();
    let document = api.get("/v1/openapi.json").await.body;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if operation["operationId"].is_string() {
                let declared = operation["responses"].as_object().unwrap();
                let of_appliance = path.contains("{name}");
                assert!(
                    !of_appliance || declared.contains_key("404"),
                    "{method} {path}"
                );
                let has_body = !operation["requestBody"].is_null();
                assert!(!has_body || declared.contains_key("422"), "{method} {path}");
            }
        }
    }
    api.end().await;
}

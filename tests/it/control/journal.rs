//! The journal: what was asked, waited for, and no password in it.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::timeout;

use crate::control::control_server::{ControlServer, SOON, change, post, validate, validation};

#[tokio::test]
async fn entries_have_request_and_reason_and_no_password() {
    let api = ControlServer::http();
    let client = api.client(
        &api.sensor(
            "s",
            json!({ "users": [{ "username": "a", "password": "Canary-6666", "role": "admin" }] }),
        )
        .await,
    );
    assert_eq!(validate(&client, "a", "Canary-6666").await, 200);
    assert_eq!(validate(&client, "a", "Canary-7777").await, 401);
    assert_eq!(
        change(&client, "a", "Canary-6666", "Canary-8888").await,
        200
    );
    let journal = api.get("/v1/appliances/s/journal").await.body;
    assert_eq!(
        (&journal["count"], &journal["dropped"]),
        (&json!(3), &json!(0))
    );
    let entries = journal["entries"].as_array().unwrap();
    let shown: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry["operation"].as_str().unwrap(),
                entry["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("validation", "authenticated"),
            ("validation", "credentials_rejected"),
            ("set_password", "password_replaced")
        ]
    );
    assert_eq!(
        entries[2]["fingerprints"]["password"], entries[0]["fingerprints"]["password"],
        "the same password has the same fingerprint"
    );
    assert_ne!(
        entries[2]["fingerprints"]["password"],
        entries[1]["fingerprints"]["password"]
    );
    assert!(
        entries[1]["reason"].as_str().unwrap().contains("password"),
        "{}",
        entries[1]
    );
    assert!(!journal.to_string().contains("Canary"), "{journal}");
    let wanted = api
        .get("/v1/appliances/s/journal?operation=validation&outcome=authenticated&limit=1")
        .await
        .body;
    assert_eq!(wanted["truncated"], false);
    let some = api.get("/v1/appliances/s/journal?limit=2").await.body;
    assert_eq!(some["truncated"], true);
    assert_eq!(
        (
            wanted["entries"].as_array().unwrap().len(),
            &wanted["count"]
        ),
        (1, &json!(1))
    );
    assert_eq!(api.delete("/v1/appliances/s/journal").await.status, 204);
    assert_eq!(
        api.get("/v1/appliances/s/journal").await.body,
        json!({ "entries": [], "count": 0, "truncated": false, "dropped": 0 })
    );
    api.end().await;
}

#[tokio::test]
async fn wait_answers_once_the_count_is_reached() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let wait = "/v1/appliances/s/journal/wait?operation=validation&state=done&count=2&timeout=20s";
    let mut waited = Box::pin(api.get(wait));
    for _ in 0..2 {
        assert!(
            timeout(Duration::from_millis(50), &mut waited)
                .await
                .is_err(),
            "too few have come"
        );
        assert_eq!(validate(&client, "test", "Test12345!").await, 200);
    }
    let waited = timeout(SOON, waited).await.expect("both have come");
    assert_eq!(
        (
            waited.status,
            &waited.body["count"],
            waited.body["entries"].as_array().unwrap().len()
        ),
        (200, &json!(2), 2)
    );
    let begun = Instant::now();
    assert_eq!(api.get(wait).await.status, 200);
    assert!(begun.elapsed() < Duration::from_secs(5), "at once");
    api.end().await;
}

#[tokio::test]
async fn a_wait_that_is_over_says_what_came_instead() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    let wait = "/v1/appliances/s/journal/wait?outcome=password_replaced&timeout=10ms";
    let nothing = api.get(wait).await;
    assert_eq!(
        (nothing.status, nothing.body["type"].as_str()),
        (409, Some("urn:d4iot-double:not_reached"))
    );
    assert!(
        nothing.body["hint"]
            .as_str()
            .unwrap()
            .contains("no request at all"),
        "{nothing:?}"
    );
    assert_eq!(validate(&client, "test", "wrong").await, 401);
    let other = api.get(wait).await;
    assert_eq!(other.body["detail"], "0 of 1 came within 10ms");
    assert!(
        other.body["hint"]
            .as_str()
            .unwrap()
            .contains("validation credentials_rejected (done)"),
        "{other:?}"
    );
    api.end().await;
}

#[tokio::test]
async fn wait_ends_with_the_appliance_or_the_process() {
    let api = ControlServer::http();
    api.sensor("deleted", json!({})).await;
    api.sensor("left", json!({})).await;
    let waited = api.get("/v1/appliances/deleted/journal/wait?timeout=10m");
    let (waited, deleted) = tokio::join!(waited, async {
        tokio::task::yield_now().await;
        api.delete("/v1/appliances/deleted").await
    });
    assert_eq!((waited.status, deleted.status), (404, 204));
    let target = api.client(&api.url);
    let request = http::Request::get("/v1/appliances/left/journal/wait?timeout=10m")
        .body(Default::default())
        .unwrap();
    let waits = tokio::spawn(async move { target.send(&request).await });
    // The client that asks for what is held open is known to be there when the connection count says so: two others have been answered since.
    assert_eq!(api.get("/v1/health").await.status, 200);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let begun = Instant::now();
    timeout(SOON, api.end()).await.expect("it ends");
    assert!(
        begun.elapsed() < Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
    let ended = timeout(SOON, waits).await.unwrap().unwrap().unwrap();
    assert_eq!(ended.status(), 503);
}

#[tokio::test]
async fn findings_say_what_is_wrong_with_the_client() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    assert_eq!(
        api.get("/v1/appliances/s/findings").await.body,
        json!({ "findings": [] })
    );
    let mut request = validation("test", "Test12345!");
    request.headers_mut().remove("content-type");
    client.send(&request).await.unwrap();
    let found = api.get("/v1/appliances/s/findings").await.body;
    assert_eq!(
        (
            found["findings"].as_array().unwrap().len(),
            &found["findings"][0]["count"]
        ),
        (1, &json!(1)),
        "{found}"
    );
    assert!(
        found["findings"][0]["name"]
            .as_str()
            .unwrap()
            .contains("content_type"),
        "{found}"
    );
    api.end().await;
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_no_outcome() {
    let api = ControlServer::http();
    for (action, sent, changed) in [
        (json!({ "page": "login" }), None, false),
        (json!({ "status": 503 }), None, false),
        (json!({ "status": 500, "commit": true }), None, true),
        (json!({ "status": 201 }), None, true),
        (json!({ "redirect": "/login" }), None, false),
        (
            json!({ "json": { "msg": "Password has been replaced" } }),
            None,
            false,
        ),
        (
            json!({ "outcome": "locked_out" }),
            Some("locked_out"),
            false,
        ),
        (
            json!({ "outcome": "locked_out", "status": 429 }),
            Some("locked_out"),
            false,
        ),
        (json!({ "bom": true }), Some("password_replaced"), true),
    ] {
        let modes = json!({ "failures": [{ "name": "f", "do": action }] });
        let client = api.client(&api.sensor("s", modes).await);
        change(&client, "test", "Test12345!", "Next12345!").await;
        let judged = "judged=password_replaced&failure=f&timeout=30s";
        let waited = api
            .get(&format!("/v1/appliances/s/journal/wait?{judged}"))
            .await;
        let entry = &waited.body["entries"][0];
        assert_eq!(
            (
                entry["outcome"].as_str(),
                &entry["judged"],
                &entry["changed"]
            ),
            (sent, &json!("password_replaced"), &json!(changed)),
            "{action}"
        );
        let path = "/v1/appliances/s/journal?outcome=password_replaced";
        let expected = u64::from(sent == Some("password_replaced"));
        assert_eq!(api.get(path).await.body["count"], expected, "{action}");
        api.delete("/v1/appliances/s").await;
    }
    api.end().await;
}

#[tokio::test]
async fn entries_are_filtered_by_user_and_path() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    for user in ["test", "admin", "test"] {
        validate(&client, user, "wrong").await;
    }
    change(&client, "test", "wrong", "Next12345!").await;
    let path = "path=/api/external/authentication/validation";
    for (query, count) in [
        ("user=test", 3),
        ("user=nobody", 0),
        (path, 3),
        (&format!("user=test&{path}"), 2),
        (&format!("user=test&{path}&outcome=authenticated"), 0),
    ] {
        let found = api.get(&format!("/v1/appliances/s/journal?{query}")).await;
        assert_eq!(found.body["count"], count, "{query}");
        let entries = found.body["entries"].as_array().unwrap();
        assert_eq!(entries.len(), count, "{query}");
        assert!(entries.is_sorted_by_key(|entry| entry["number"].as_u64()));
    }
    let waited = "/v1/appliances/s/journal/wait?user=test&count=4&timeout=10ms";
    assert_eq!(
        api.get(waited).await.body["detail"],
        "3 of 4 came within 10ms"
    );
    api.end().await;
}

#[tokio::test]
async fn entries_show_answer_version_and_time_of_day() {
    let api = ControlServer::http();
    let client = api.client(&api.sensor("s", json!({})).await);
    validate(&client, "test", "Canary-9999").await;
    // A name that is a password: the answer repeats it.
    let admin = json!({ "admin_username": "admin", "admin_password": "Test0987", "username": "Test12345!", "new_password": "Next12345!" });
    client
        .send(&post("set_password_by_admin", &admin))
        .await
        .unwrap();
    let waited = "/v1/appliances/s/journal/wait?state=done&count=2";
    let entries = &api.get(waited).await.body["entries"];
    assert_eq!(
        entries[0]["answer"],
        r#"{"error":{"userDisplayErrorMessage":"Credentials validation failed"}}"#
    );
    assert_eq!(entries[0]["request"]["version"], "HTTP/1.1");
    let time = entries[0]["time"].as_str().unwrap();
    assert!(
        time.starts_with("20") && time.ends_with('Z') && time.len() == 24,
        "{time}"
    );
    let answer = entries[1]["answer"].as_str().unwrap();
    assert!(answer.contains("«secret»"), "{answer}");
    assert!(!entries.to_string().contains("Test12345!"), "{entries}");
    api.end().await;
}

#[tokio::test]
async fn an_unknown_failure_mode_is_refused_as_a_filter() {
    let api = ControlServer::http();
    let mode = json!({ "failures": [{ "name": "lost", "do": { "status": 500 } }] });
    let client = api.client(&api.sensor("s", mode).await);
    validate(&client, "test", "wrong").await;
    let failure = |name: &str| format!("/v1/appliances/s/journal/wait?failure={name}&timeout=30s");
    assert_eq!(api.get(&failure("lost")).await.status, 200);
    api.delete("/v1/appliances/s/failures/lost").await;
    assert_eq!(
        api.get(&failure("lost")).await.status,
        200,
        "it has entries"
    );
    let unknown = api.get(&failure("rebootin")).await;
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.body["detail"], "unknown failure mode `rebootin`");
    assert_eq!(unknown.body["hint"], "did you mean `rebooting`?");
    api.end().await;
}

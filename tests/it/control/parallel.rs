//! A hundred tests at once against one process: each has an appliance of its own, and none sees anything of another's.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::control::control_server::{ControlServer, change, validate};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_tests_at_once_know_nothing_of_each_other() {
    let api = Arc::new(ControlServer::https());
    let tests: Vec<_> = (0..100)
        .map(|number| tokio::spawn(test(Arc::clone(&api), number)))
        .collect();
    for test in tests {
        test.await.unwrap();
    }
    assert_eq!(api.fleet.count(), 0);
    Arc::into_inner(api).unwrap().end().await;
}

/// One test: users, failures, clock, journal and readings of its own, over verified HTTPS.
async fn test(api: Arc<ControlServer>, number: usize) {
    let (name, password, later) = (
        format!("t{number}"),
        format!("Secret-{number:04}"),
        format!("Later-{number:04}"),
    );
    let times = number % 5 + 1;
    let url = api
        .sensor(
            &name,
            json!({
                "users": [{ "username": "test", "password": password, "role": "security_analyst" }],
                "failures": [
                    { "name": "down", "on": "validation", "when": { "times": times }, "do": { "status": 503 } },
                    { "name": "late", "on": "set_password", "do": { "delay": "1h" } },
                ],
            }),
        )
        .await;
    let path = |rest: &str| format!("/v1/appliances/{name}{rest}");
    let client = api.client(&url);
    for _ in 0..times {
        assert_eq!(validate(&client, "test", &password).await, 503, "{name}");
    }
    assert_eq!(validate(&client, "test", &password).await, 200, "{name}");
    // Nobody else's password holds here, and nobody else's clock goes forward with this one.
    assert_eq!(
        validate(&client, "test", &format!("Secret-{:04}", number + 1)).await,
        401,
        "{name}"
    );
    api.json("POST", &path("/clock"), &json!({ "frozen": true }))
        .await;
    let (changed, ()) = tokio::join!(change(&client, "test", &password, &later), async {
        let arrived = api
            .get(&path(
                "/journal/wait?operation=set_password&state=open&timeout=60s",
            ))
            .await;
        assert_eq!(
            (arrived.status, &arrived.body["count"]),
            (200, &json!(1)),
            "{name}"
        );
        api.json("POST", &path("/clock"), &json!({ "advance": "1h" }))
            .await;
    });
    assert_eq!(changed, 200, "{name}");
    assert_eq!(
        [
            validate(&client, "test", &password).await,
            validate(&client, "test", &later).await
        ],
        [401, 200],
        "{name}"
    );
    let clock = api.get(&path("/clock")).await.body["now_ms"]
        .as_f64()
        .unwrap();
    assert!(
        (3_600_000.0..3_660_000.0 + 60_000.0).contains(&clock),
        "{name}: {clock}"
    );
    let journal = api.get(&path("/journal")).await.body;
    assert_eq!(journal["count"], times + 5, "{name}: {journal}");
    let failures = api.get(&path("/failures")).await.body;
    let fired: Vec<&Value> = failures["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| &failure["fired"])
        .collect();
    assert_eq!(fired, [&json!(times), &json!(1)], "{name}");
    assert_eq!(api.delete(&path("")).await.status, 204, "{name}");
}

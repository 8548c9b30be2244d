//! Bad input: what is wrong, where, the way out; and the state before is the state after.

mod bodies;

use rstest::rstest;
use serde_json::{Value, json};

use crate::control::control_server::ControlServer;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

#[rstest]
// — taken —
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"s"}"#,
    409,
    "name_taken",
    "`s`"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"x","listen":"127.0.0.1:PORT"}"#,
    409,
    "port_taken",
    "where `s` does"
)]
#[case(
    "POST",
    "/s/failures",
    JSON,
    r#"{"name":"mode","do":{"status":500}}"#,
    409,
    "name_taken",
    "PATCH arms"
)]
#[case("DELETE", "/s/users/test", "", "", 409, "in_use", "mode")]
// — a query where none is documented —
#[case(
    "DELETE",
    "?name=s",
    "",
    "",
    400,
    "invalid_query",
    "DELETE takes no query"
)]
#[case(
    "DELETE",
    "/s/journal?user=test",
    "",
    "",
    400,
    "invalid_query",
    "nothing was changed"
)]
#[case("GET", "/s/users?name=test", "", "", 400, "invalid_query", "GET takes")]
#[case(
    "PATCH",
    "/s/users?name=test",
    "",
    "",
    405,
    "method_not_allowed",
    "GET"
)]
// — unknown —
#[case(
    "GET",
    "/t",
    "",
    "",
    404,
    "unknown_appliance",
    "no appliance is named `t`"
)]
#[case(
    "DELETE",
    "/t",
    "",
    "",
    404,
    "unknown_appliance",
    "no appliance is named `t`"
)]
#[case("POST", "/t/users", JSON, "{}", 404, "unknown_appliance", "`t`")]
#[case("DELETE", "/s/users/nobody", "", "", 404, "unknown_user", "`nobody`")]
#[case(
    "DELETE",
    "/s/failures/nothing",
    "",
    "",
    404,
    "unknown_failure",
    "`nothing`"
)]
#[case(
    "GET",
    "/s/jurnal",
    "",
    "",
    404,
    "unknown_path",
    "did you mean `/v1/appliances/s/journal`?"
)]
#[case(
    "GET",
    "/s/journal?operation=validate",
    "",
    "",
    400,
    "invalid_query",
    "did you mean `validation`?"
)]
#[case(
    "GET",
    "/s/journal?opration=validation",
    "",
    "",
    400,
    "invalid_query",
    "expected one of `operation`"
)]
#[case(
    "GET",
    "/s/journal/wait?timeout=soon",
    "",
    "",
    400,
    "invalid_query",
    "`500ms`"
)]
#[case(
    "GET",
    "/s/journal/wait?count=many",
    "",
    "",
    400,
    "invalid_query",
    "invalid digit"
)]
#[case(
    "GET",
    "/s/journal?count=1",
    "",
    "",
    400,
    "invalid_query",
    "unknown field `count`"
)]
#[case(
    "GET",
    "/s/journal?limit=1001",
    "",
    "",
    400,
    "invalid_query",
    "at most 1000"
)]
#[case(
    "GET",
    "/s/journal/wait?count=0",
    "",
    "",
    400,
    "invalid_query",
    "at least 1"
)]
#[case(
    "POST",
    "/s/clock",
    JSON,
    r#"{"advance":"640512h"}"#,
    422,
    "invalid_body",
    "the clock ends at 640511h"
)]
// — methods —
#[case("PUT", "", JSON, "{}", 405, "method_not_allowed", "GET,HEAD,POST")]
#[case("GET", "/s/reset", "", "", 405, "method_not_allowed", "POST")]
#[case("BREW", "/s/clock", "", "", 405, "method_not_allowed", "GET,HEAD,POST")]
#[tokio::test]
async fn a_bad_request_is_explained_and_changes_nothing(
    #[case] method: &str,
    #[case] path: &str,
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] name: &str,
    #[case] says: &str,
) {
    is_explained_and_changes_nothing(method, path, content_type, body, status, name, says).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_read_to_its_end_and_refused() {
    let api = ControlServer::http();
    for (path, megabytes) in [("/v1/appliances", 33), ("/v1/appliances/s/clock", 5)] {
        let name = "x".repeat(megabytes * 1024 * 1024);
        let large = format!(r#"{{"appliance":"sensor","name":"{name}"}}"#);
        api.sensor("s", json!({})).await;
        let answer = api
            .send("POST", path, &[("content-type", JSON)], &large)
            .await;
        assert_eq!(
            (answer.status, answer.body["type"].as_str()),
            (413, Some("urn:d4iot-double:body_too_large")),
            "{answer:?}"
        );
        assert_eq!(api.fleet.count(), 1);
        api.delete("/v1/appliances/s").await;
    }
    api.end().await;
}

#[tokio::test]
async fn of_many_that_want_one_name_one_gets_it() {
    let api = ControlServer::http();
    let body = json!({ "appliance": "sensor", "name": "s" });
    let asked = (0..16).map(|_| api.json("POST", "/v1/appliances", &body));
    let mut statuses: Vec<u16> = futures(asked)
        .await
        .into_iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(
        (statuses[0], statuses[1], statuses[15], api.fleet.count()),
        (201, 409, 409, 1)
    );
    let deleted = (0..4).map(|_| api.delete("/v1/appliances/s"));
    let mut statuses: Vec<u16> = futures(deleted)
        .await
        .into_iter()
        .map(|answer| answer.status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404]);
    api.end().await;
}

/// Drives all at once, and returns what they came to in their order.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = all.map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in running
            .iter_mut()
            .zip(&mut done)
            .filter(|(_, done)| done.is_none())
        {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Sends a bad request to an appliance `s`, and compares the answer and the state before and after.
async fn is_explained_and_changes_nothing(
    method: &str,
    path: &str,
    content_type: &str,
    body: &str,
    status: u16,
    name: &str,
    says: &str,
) {
    let api = ControlServer::http();
    let mode = json!({ "name": "mode", "user": "test", "do": { "status": 500 }, "armed": false });
    let url = api.sensor("s", json!({ "failures": [mode] })).await;
    api.json("POST", "/v1/appliances/s/clock", &json!({ "frozen": true }))
        .await;
    let before = all(&api).await;
    let headers: Vec<(&str, &str)> = Some(("content-type", content_type))
        .filter(|(_, value)| !value.is_empty())
        .into_iter()
        .collect();
    let body = body.replace("PORT", url.rsplit(':').next().unwrap());
    let answer = api
        .send(method, &format!("/v1/appliances{path}"), &headers, &body)
        .await;
    let message = if status == 405 {
        answer.headers["allow"].to_str().unwrap().to_owned()
    } else {
        places(&answer.body)
    };
    assert_eq!(
        (answer.status, answer.body["type"].as_str().unwrap()),
        (status, &*format!("urn:d4iot-double:{name}")),
        "{answer:?}"
    );
    assert_eq!(
        (answer.content_type.as_str(), &answer.body["status"]),
        ("application/problem+json", &json!(status))
    );
    assert!(message.contains(says), "no {says:?} in {message}");
    assert!(!answer.body.to_string().contains("Canary"), "{answer:?}");
    assert_eq!(all(&api).await, before);
    api.end().await;
}

/// Everything that a request could change.
async fn all(api: &ControlServer) -> Vec<Value> {
    let mut all = vec![api.get("/v1/appliances").await.body];
    for resource in ["state", "failures", "users", "readings", "clock", "journal"] {
        all.push(api.get(&format!("/v1/appliances/s/{resource}")).await.body);
    }
    all
}

/// A problem as text, with its place as a person would say it.
fn places(problem: &Value) -> String {
    let place = problem["line"]
        .as_u64()
        .zip(problem["column"].as_u64())
        .map(|(line, column)| format!("line {line} column {column}"));
    format!("{problem} {}", place.unwrap_or_default())
}

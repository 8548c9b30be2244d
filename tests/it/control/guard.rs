//! Who may ask: this machine, or clients with the token; never a page in a browser.

use d4iot_double::server::Ports;
use rstest::rstest;

use crate::control::control_server::ControlServer;

#[rstest]
#[case::rebound("evil.example", 403)]
#[case::rebound_with_a_port("evil.example:80", 403)]
#[case::looks_like_ours("127.0.0.1.evil.example", 403)]
#[case::another_address("10.0.0.1", 403)]
#[case::localhost("localhost", 200)]
#[case::capitals("LOCALHOST:1", 200)]
#[case::loopback("127.0.0.2", 200)]
#[case::ipv6("[::1]:9443", 200)]
#[case::with_a_user("user@localhost", 400)]
#[tokio::test]
async fn without_a_token_a_host_is_this_machine(#[case] host: &str, #[case] status: u16) {
    let api = ControlServer::http();
    for path in ["/v1/health", "/v1/appliances", "/v1/nothing"] {
        let expected = if status == 200 && path == "/v1/nothing" {
            404
        } else {
            status
        };
        assert_eq!(
            api.send("GET", path, &[("host", host)], "").await.status,
            expected,
            "{path}"
        );
    }
    api.end().await;
}

#[tokio::test]
async fn a_foreign_origin_is_refused_whatever_it_asks() {
    let api = ControlServer::http();
    let own = api.url.clone();
    for (origin, status) in [
        ("http://evil.example", 403),
        ("null", 403),
        ("https://127.0.0.1", 403),
        (own.as_str(), 200),
    ] {
        let answer = api
            .send("GET", "/v1/health", &[("origin", origin)], "")
            .await;
        assert_eq!(answer.status, status, "{origin}: {answer:?}");
    }
    let headers = [
        ("origin", "http://evil.example"),
        ("content-type", "application/json"),
    ];
    let answer = api
        .send(
            "POST",
            "/v1/appliances",
            &headers,
            r#"{"appliance":"sensor"}"#,
        )
        .await;
    assert_eq!(
        (answer.status, answer.body["type"].as_str()),
        (403, Some("urn:d4iot-double:foreign_origin"))
    );
    assert_eq!(api.fleet.count(), 0);
    api.end().await;
}

#[tokio::test]
async fn with_a_token_any_host_is_accepted() {
    let api = ControlServer::start(None, Ports::default(), Some("0123456789abcdef"));
    for (authorization, status) in [
        ("Bearer 0123456789abcdef", 200),
        ("bearer 0123456789abcdef", 200),
        ("Bearer   0123456789abcdef", 200),
        ("Bearer 0123456789abcdeF", 401),
        ("Bearer 0123456789abcde", 401),
        ("Bearer 0123456789abcdef0", 401),
        ("Bearer", 401),
        ("Basic 0123456789abcdef", 401),
        ("", 401),
    ] {
        let answer = api
            .send(
                "GET",
                "/v1/appliances",
                &[
                    ("authorization", authorization),
                    ("host", "double.test:9443"),
                ],
                "",
            )
            .await;
        assert_eq!(answer.status, status, "{authorization}");
        assert!(status == 200 || answer.headers["www-authenticate"] == "Bearer");
        assert!(
            !answer.body.to_string().contains("0123456789"),
            "{answer:?}"
        );
    }
    assert_eq!(
        api.get("/v1/nothing").await.status,
        401,
        "nobody learns what there is"
    );
    for path in ["/v1/health", "/v1/ready"] {
        assert_eq!(api.get(path).await.status, 200, "{path} is for probes");
    }
    // This server has no CA; one that has none answers as for any unknown path.
    assert_ne!(api.get("/v1/ca.pem").await.status, 401);
    let foreign = [
        ("authorization", "Bearer 0123456789abcdef"),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(
        api.send("GET", "/v1/health", &foreign, "").await.status,
        403
    );
    api.end().await;
}

//! A port that a failure mode closes: closed before any connection is reset, and open again with the end of the mode.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use d4iot_double::{
    fixture,
    server::{MockAppliance, RunningAppliance, raise_descriptor_limit},
};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::control_server::{ControlServer, SOON};

const APPLIANCES: usize = 400;
const FAILURE: &str = "/v1/appliances/s/failures/outage";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_was_reset_by_an_outage_is_refused() {
    raise_descriptor_limit();
    let text = "appliance: sensor\nfailures: [{ name: outage, do: { down: { for: 5s } } }]\n";
    let fixture = fixture::read("outage.yaml", text).unwrap();
    let mut clients = JoinSet::new();
    let mut appliances = Vec::new();
    for _ in 0..APPLIANCES {
        let appliance = MockAppliance::from_fixture(&fixture, 7);
        appliance.clock().freeze();
        let running = RunningAppliance::open(appliance, None).unwrap();
        clients.spawn(accepted_after_reset(running.address()));
        appliances.push(running);
    }

    let mut accepted = 0;
    while let Some(client) = clients.join_next().await {
        accepted += u32::from(client.unwrap());
    }

    assert_eq!(accepted, 0);
}

/// Connects, sends a byte, waits for the reset, and tells whether the next connection is accepted.
async fn accepted_after_reset(address: SocketAddr) -> bool {
    let ended = match TcpStream::connect(address).await {
        Ok(mut stream) => {
            stream.write_all(b"P").await.unwrap();
            timeout(SOON, stream.read(&mut [0])).await.unwrap().err()
        }
        Err(error) => Some(error),
    };
    assert_eq!(ended.unwrap().kind(), ErrorKind::ConnectionReset);
    is_accepted(address).await
}

/// A connection that is accepted may be reset before it is seen here.
async fn is_accepted(address: SocketAddr) -> bool {
    let refused = TcpStream::connect(address).await.err();
    refused.is_none_or(|error| error.kind() != ErrorKind::ConnectionRefused)
}

#[rstest]
#[case::reset("POST", "/v1/appliances/s/reset", Value::Null)]
#[case::disarmed("PATCH", FAILURE, json!({ "armed": false }))]
#[case::removed("DELETE", FAILURE, Value::Null)]
#[case::new_state("PUT", "/v1/appliances/s/state", json!({ "appliance": "sensor" }))]
#[case::clock("POST", "/v1/appliances/s/clock", json!({ "advance": "1m" }))]
#[tokio::test]
async fn an_outage_ends(#[case] method: &str, #[case] path: &str, #[case] body: Value) {
    let api = ControlServer::http();
    let outage = json!({ "failures": [
        { "name": "outage", "when": { "times": 1 }, "do": { "down": { "for": "1m" } } },
    ] });
    let url = api.sensor("s", outage).await;
    let address: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
    let clock = json!({ "frozen": true });
    api.json("POST", "/v1/appliances/s/clock", &clock).await;
    assert_eq!(api.get("/v1/ready").await.status, 200);

    assert!(!accepted_after_reset(address).await);
    let ready = api.get("/v1/ready").await;
    assert_eq!(
        (ready.status, &ready.body["type"]),
        (503, &json!("urn:d4iot-double:port_closed"))
    );
    assert!(!is_accepted(address).await);

    assert!(api.json(method, path, &body).await.status < 300);
    let reopened = async {
        while api.get("/v1/ready").await.status != 200 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(SOON, reopened)
        .await
        .expect("the port stays closed");
    assert!(is_accepted(address).await);
    api.end().await;
}

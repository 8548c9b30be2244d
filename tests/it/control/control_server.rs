//! A fleet with its control API, in this process, and how to ask it.

#![allow(dead_code, reason = "each test file uses its part of this")]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use d4iot_double::{
    client::{Target, TargetOptions},
    control,
    redact::Secret,
    server,
    server::{Limits, Ports, Registry, RegistrySettings, tls::Identity},
};
use http::Request;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};

use super::document;

/// A control API that answers.
pub(crate) struct ControlServer {
    pub(crate) fleet: Registry,
    pub(crate) url: String,
    target: Target,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// What was answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) headers: http::HeaderMap,
    /// The body: JSON, or else a text; null where it is empty.
    pub(crate) body: Value,
}

impl ControlServer {
    /// Starts one over plain HTTP.
    pub(crate) fn http() -> ControlServer {
        ControlServer::start(None, Ports::default(), None)
    }

    /// Starts one over HTTPS.
    pub(crate) fn https() -> ControlServer {
        ControlServer::start(
            Some(Identity::generate(&[]).unwrap()),
            Ports::default(),
            None,
        )
    }

    pub(crate) fn start(
        identity: Option<Identity>,
        ports: Ports,
        token: Option<&str>,
    ) -> ControlServer {
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let fleet = Registry::new(RegistrySettings {
            advertise: None,
            path_prefix: String::new(),
            identity,
            limits: Arc::new(Limits::default()),
            ports,
            ip,
            seed: None,
            default_seed: 7,
        });
        let listener = server::bind(SocketAddr::new(ip, 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let (served, token) = (fleet.clone(), token.map(Secret::new));
        let served = tokio::spawn(async move {
            control::serve(listener, served, token, async { drop(stopped.await) })
                .await
                .unwrap()
        });
        let target = Target::new(
            &url,
            &TargetOptions {
                timeout: Some(SOON),
                ..TargetOptions::default()
            },
        )
        .unwrap();
        ControlServer {
            fleet,
            url,
            target,
            stop,
            served,
        }
    }

    /// Asks with these headers and this body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .target
            .send(&request.body(Bytes::from(body.to_owned())).unwrap())
            .await
            .unwrap();
        let text = String::from_utf8_lossy(response.body()).into_owned();
        let answer = Answer {
            status: response.status().as_u16(),
            content_type: response
                .headers()
                .get("content-type")
                .map(|value| value.to_str().unwrap().to_owned())
                .unwrap_or_default(),
            headers: response.headers().clone(),
            body: serde_json::from_str(&text).unwrap_or(if text.is_empty() {
                Value::Null
            } else {
                text.into()
            }),
        };
        document::check(method, path, &answer);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    /// Asks with a JSON body.
    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(
            method,
            path,
            &[("content-type", "application/json")],
            &body.to_string(),
        )
        .await
    }

    /// Makes a sensor of a name, with further keys, and returns where it is.
    pub(crate) async fn sensor(&self, name: &str, further: Value) -> String {
        let mut fixture = json!({ "appliance": "sensor", "name": name });
        fixture
            .as_object_mut()
            .unwrap()
            .extend(further.as_object().unwrap().clone());
        let answer = self.json("POST", "/v1/appliances", &fixture).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["url"].as_str().unwrap().to_owned()
    }

    /// Returns a client of an appliance that verifies its certificate.
    pub(crate) fn client(&self, url: &str) -> Target {
        let trust = self
            .fleet
            .settings()
            .identity
            .as_ref()
            .and_then(Identity::ca_pem)
            .map(str::to_owned);
        Target::new(
            url,
            &TargetOptions {
                trust,
                timeout: Some(SOON),
                ..TargetOptions::default()
            },
        )
        .unwrap()
    }

    /// Ends it and its appliances.
    pub(crate) async fn end(self) {
        drop(self.stop);
        self.served.await.unwrap();
        self.fleet.end().await;
    }
}

/// Asks a sensor whether a password is right, and returns the status.
pub(crate) async fn validate(client: &Target, username: &str, password: &str) -> u16 {
    client
        .send(&validation(username, password))
        .await
        .unwrap()
        .status()
        .as_u16()
}

/// Asks a sensor to change a password, and returns the status.
pub(crate) async fn change(client: &Target, username: &str, old: &str, new: &str) -> u16 {
    let body = json!({ "username": username, "password": old, "new_password": new });
    client
        .send(&post("set_password", &body))
        .await
        .unwrap()
        .status()
        .as_u16()
}

pub(crate) fn validation(username: &str, password: &str) -> Request<Bytes> {
    post(
        "validation",
        &json!({ "username": username, "password": password }),
    )
}

pub(crate) fn post(operation: &str, body: &Value) -> Request<Bytes> {
    let request = Request::post(format!("/api/external/authentication/{operation}"))
        .header("content-type", "application/json");
    request.body(Bytes::from(body.to_string())).unwrap()
}

/// Longer than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(30);

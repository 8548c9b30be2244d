//! Clients under test, as closures. Each has a time-out of a second.

use std::time::Duration;

use d4iot_double::{Attempt, Task};
use reqwest::{Certificate, Client, ClientBuilder, redirect::Policy};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// Sends the change and looks at the answer, as the documentation suggests.
pub(crate) fn naive(attempt: &Attempt) -> Result<(), String> {
    let http = Http::new(attempt);
    is_changed(&http.change())
}

/// The same with a library that sends a request again where none or an error comes back: twice.
pub(crate) fn retrying(attempt: &Attempt) -> Result<(), String> {
    let http = Http::new(attempt);
    let mut last = http.change();
    for _ in 0..2 {
        match &last {
            Ok((status, _)) if *status < 500 => break,
            _ => last = http.change(),
        }
    }
    is_changed(&last)
}

/// Looks at the status alone.
pub(crate) fn status_only(attempt: &Attempt) -> Result<(), String> {
    match Http::new(attempt).change()? {
        (200, _) => Ok(()),
        (status, _) => Err(format!("status {status}")),
    }
}

/// Whatever comes back from a change, asks which password is valid: the new one first, and the old one if that is not.
pub(crate) fn careful(attempt: &Attempt) -> Result<(), String> {
    let http = Http::new(attempt);
    let new = attempt.new_password().unwrap_or_default();
    // A run before may have changed it.
    if http.is_valid(new) == Some(true) {
        return Ok(());
    }
    let _ = http.change();
    match http.is_valid(new) {
        Some(true) => Ok(()),
        Some(false) => Err("the new password is not valid".to_owned()),
        None => Err("it is not known which password is valid".to_owned()),
    }
}

/// Checks the password it is given.
pub(crate) fn verify(attempt: &Attempt) -> Result<(), String> {
    let password = attempt.password().unwrap_or_default();
    match Http::new(attempt).is_valid(password) {
        Some(true) => Ok(()),
        _ => Err("not valid, or not known".to_owned()),
    }
}

/// Checks the password it is given, and looks at the status alone.
pub(crate) fn verify_by_status(attempt: &Attempt) -> Result<(), String> {
    let http = Http::new(attempt);
    let body = json!({ "username": attempt.username(), "password": attempt.password() });
    match http.post("validation", &body)? {
        (200, _) => Ok(()),
        (status, _) => Err(format!("status {status}")),
    }
}

fn is_changed(answer: &Result<(u16, String), String>) -> Result<(), String> {
    let (status, body) = answer.as_ref().map_err(String::clone)?;
    let body: Option<Value> = serde_json::from_str(body).ok();
    let message = body.and_then(|body| Some(body.get("msg")?.as_str()?.to_owned()));
    match message {
        Some(message) if *status == 200 && message.contains("has been replaced") => Ok(()),
        _ => Err(format!("status {status}, and no confirmation")),
    }
}

/// Sends requests to the appliance of an attempt.
pub(crate) struct Http<'a> {
    attempt: &'a Attempt,
    client: Client,
    runtime: Runtime,
}

impl<'a> Http<'a> {
    pub(crate) fn new(attempt: &'a Attempt) -> Http<'a> {
        let ca = Certificate::from_pem(attempt.ca_pem().as_bytes()).unwrap();
        Http::with(attempt, |client| client.tls_certs_only([ca]))
    }

    pub(crate) fn trusting_anybody(attempt: &'a Attempt) -> Http<'a> {
        Http::with(attempt, |client| {
            client.tls_danger_accept_invalid_certs(true)
        })
    }

    fn with(attempt: &'a Attempt, trust: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Http<'a> {
        // Only the first is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = trust(Client::builder())
            .redirect(Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(1));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Http {
            attempt,
            client: client.build().unwrap(),
            runtime,
        }
    }

    /// Returns the status and the body of an answer.
    pub(crate) fn post(&self, operation: &str, body: &Value) -> Result<(u16, String), String> {
        let url = format!(
            "{}/api/external/authentication/{operation}",
            self.attempt.url()
        );
        let request = self.client.post(url);
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        self.runtime.block_on(async {
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = answer.text().await.map_err(|error| error.to_string())?;
            Ok((status, body))
        })
    }

    pub(crate) fn change(&self) -> Result<(u16, String), String> {
        let attempt = self.attempt;
        let (username, new) = (attempt.username(), attempt.new_password());
        if attempt.task() == Task::Reconcile {
            let (admin, password) = (attempt.admin_username(), attempt.admin_password());
            let body = json!({ "admin_username": admin, "admin_password": password, "username": username, "new_password": new });
            return self.post("set_password_by_admin", &body);
        }
        let old = attempt.password();
        let body = json!({ "username": username, "password": old, "new_password": new });
        self.post("set_password", &body)
    }

    /// Whether a password is valid; none where no answer says so.
    pub(crate) fn is_valid(&self, password: &str) -> Option<bool> {
        let body = json!({ "username": self.attempt.username(), "password": password });
        let (status, body) = self.post("validation", &body).ok()?;
        let body: Value = serde_json::from_str(&body).ok()?;
        let message = body.get("msg").and_then(Value::as_str).unwrap_or_default();
        match (status, message.trim_end_matches('.')) {
            (200, "Authentication succeeded") => Some(true),
            (401, _) => Some(false),
            _ => None,
        }
    }
}

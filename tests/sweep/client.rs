//! A client of `sweep` that runs on every system; `tests/sweep/windows.rs` runs it under Wine. The first argument says how it is:
//!
//! naive     sends the change and looks at the answer, as the documentation suggests
//! careful   whatever comes back, asks which password is valid
//! parent    the same, and leaves a child that never ends
//! hang, crash, stop   naive in the clean run, and then does not end, ends by an exception, ends with 1

#![expect(clippy::print_stdout, reason = "a client may print")]
#![expect(clippy::disallowed_methods, reason = "the CA is a file")]

use std::{env, error::Error, fs, process, process::Command, thread, time::Duration};

use reqwest::{Certificate, Client, redirect::Policy};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let how = env::args().nth(1).unwrap_or_default();
    if how == "sleep" || how == "hang" && is_failure()? {
        loop {
            thread::park();
        }
    }
    if how == "crash" && is_failure()? {
        process::abort();
    }
    if how == "stop" && is_failure()? {
        process::exit(1);
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder()
        .tls_certs_only([Certificate::from_pem(&fs::read(env::var("D4IOT_CA")?)?)?])
        .timeout(Duration::from_secs(1))
        .redirect(Policy::none())
        .build()?;
    let [user, old, new] = ["USERNAME", "PASSWORD", "NEW_PASSWORD"].map(env::var);
    let (user, old, new) = (user?, old?, new?);
    let change = json!({ "username": user, "password": old, "new_password": new });
    let answer = send(&client, "set_password", change).await;
    let is_changed = if how == "careful" || how == "parent" {
        let question = json!({ "username": user, "password": new });
        says(
            send(&client, "validation", question).await,
            "Authentication succeeded",
        )
    } else {
        says(answer, "replaced")
    };
    if how == "parent" {
        let mut child = Command::new(env::current_exe()?);
        println!(
            "child {}",
            child
                .args(["sleep", &env::args().nth(2).unwrap_or_default()])
                .spawn()?
                .id()
        );
    }
    process::exit(i32::from(!is_changed));
}

fn is_failure() -> Result<bool> {
    Ok(env::var("D4IOT_SCENARIO")? != "clean")
}

/// Sends a request, and returns the JSON of an answer with 200.
async fn send(client: &Client, operation: &str, body: Value) -> Option<Value> {
    let url = env::var("D4IOT_URL").ok()?;
    let request = client
        .post(format!("{url}/api/external/authentication/{operation}"))
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.ok()?;
    let is_good = answer.status() == 200;
    let body = answer.bytes().await.ok()?;
    serde_json::from_slice(&body).ok().filter(|_| is_good)
}

fn says(answer: Option<Value>, words: &str) -> bool {
    answer.is_some_and(|answer| {
        answer["msg"]
            .as_str()
            .is_some_and(|text| text.contains(words))
    })
}

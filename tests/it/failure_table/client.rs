//! What reqwest sees, as a user's program would.

use std::time::Duration;

use reqwest::Client;

use crate::failure_table::{
    bench,
    bench::Bench,
    raw,
    rows::{About, Row},
    words,
};

pub(crate) async fn seen(row: &Row, bench: &Bench, kept: bool) -> String {
    let client = client(bench);
    if kept {
        assert!(
            ask(&client, bench, About::Answer)
                .await
                .starts_with("200, ")
        );
    }
    match row.about {
        About::Answer => ask(&client, bench, row.about).await,
        About::Connection => {
            // Another client's connection is the second one, if ours is to be kept, else the first.
            let other = self::client(bench);
            tokio::select! { _ = ask(&other, bench, About::Answer) => {}, () = bench.pause() => {} }
            if row.act.starts_with("down") {
                // A client that asks in the very moment of the reset may see either.
                bench.pause().await;
            }
            ask(&client, bench, row.about).await
        }
        About::State => format!(
            "{}; {}",
            ask(&client, bench, row.about).await,
            raw::holds(bench).await
        ),
    }
}

fn client(bench: &Bench) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = Client::builder()
        .retry(reqwest::retry::never())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    let plain = plain.resolve("localhost", bench.address());
    match bench.ca_pem() {
        None => plain.build().unwrap(),
        Some(pem) => plain
            .tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()])
            .build()
            .unwrap(),
    }
}

async fn ask(client: &Client, bench: &Bench, about: About) -> String {
    let (operation, body) = bench::asked(about);
    let request = client
        .post(bench.url(operation))
        .header("content-type", "application/json")
        .body(body);
    let mut spent = Duration::ZERO;
    let response = match bench.patiently(&mut spent, request.send()).await {
        None => return "nothing comes".to_owned(),
        Some(Err(error)) => return words::error(&error),
        Some(Ok(response)) => response,
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match bench.patiently(&mut spent, response.bytes()).await {
        None => format!("{status}, then nothing more"),
        Some(Err(error)) => format!("{status}, then {}", words::error(&error)),
        Some(Ok(body)) => words::after(spent, words::answer(status, &headers, &body)),
    }
}

//! The HTTP client of the examples. In your project, use the one that you have.

use reqwest::{Certificate, Client, RequestBuilder};
use serde_json::Value;

/// Returns a client that trusts the CA of a mock.
pub(crate) fn client(ca_pem: &str) -> reqwest::Result<Client> {
    // Only because this repository builds reqwest without a TLS provider; reqwest's default has one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .tls_certs_only([Certificate::from_pem(ca_pem.as_bytes())?])
        .build()
}

/// Returns a POST with a JSON body.
pub(crate) fn post(client: &Client, url: String, body: &Value) -> RequestBuilder {
    client
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string())
}

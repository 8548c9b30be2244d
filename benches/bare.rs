//! The yardstick: a bare hyper server that parses the same body and looks the same user up, and does nothing else.
//!
//! `bare http|https`: prints `ready URL` once it listens on a free port. Self-signed, its certificate goes to nobody.

use std::{collections::HashMap, error::Error, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, crypto::ring::default_provider};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The body of a validation.
#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "it is a server of forty lines"
)]
async fn main() -> Result<(), Box<dyn Error>> {
    let tls = if std::env::args().nth(1).as_deref() == Some("https") {
        Some(acceptor()?)
    } else {
        None
    };
    let users = Arc::new(HashMap::from([(
        "test".to_owned(),
        "Test12345!".to_owned(),
    )]));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!(
        "ready {}://{}",
        if tls.is_some() { "https" } else { "http" },
        listener.local_addr()?
    );
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, users) = (tls.clone(), Arc::clone(&users));
        tokio::spawn(async move {
            let service = service_fn(|request| answer(request, &users));
            match tls {
                None => drop(
                    Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await,
                ),
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else {
                        return;
                    };
                    drop(
                        Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                }
            }
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    users: &HashMap<String, String>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let body = request.into_body().collect().await?.to_bytes();
    let given: Credentials = serde_json::from_slice(&body)?;
    let known = users
        .get(&given.username)
        .is_some_and(|password| *password == given.password);
    let text: &[u8] = if known {
        br#"{"msg":"this user has that secret"}"#
    } else {
        br#"{"error":"no user has that secret"}"#
    };
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(Full::new(Bytes::from_static(text)))?)
}

fn acceptor() -> Result<TlsAcceptor, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?;
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.into()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

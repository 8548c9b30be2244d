//! A bare hyper server that parses the same body and looks up the same user, and does nothing else.

use std::{collections::HashMap, error::Error, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::client::Stream;

/// The body of a validation.
#[derive(serde::Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

/// Serves on a free port, which it prints; over HTTPS with a self-signed certificate.
pub(crate) async fn serve(scheme: &str) -> Result<(), Box<dyn Error>> {
    let tls = (scheme == "https").then(acceptor).transpose()?;
    let users = HashMap::from([("test".to_owned(), "Test12345!".to_owned())]);
    let users = Arc::new(users);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("ready {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (tls, users) = (tls.clone(), Arc::clone(&users));
        tokio::spawn(async move {
            match tls {
                None => serve_connection(stream, &users).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, &users).await;
                    }
                }
            }
        });
    }
}

async fn serve_connection(stream: impl Stream, users: &HashMap<String, String>) {
    let service = service_fn(|request| answer(request, users));
    // The client closes it when the load ends.
    let stream = TokioIo::new(stream);
    drop(Builder::new().serve_connection(stream, service).await);
}

async fn answer(
    request: Request<Incoming>,
    users: &HashMap<String, String>,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let body = request.into_body().collect().await?.to_bytes();
    let given: Credentials = serde_json::from_slice(&body)?;
    let is_valid = users.get(&given.username) == Some(&given.password);
    let text: &[u8] = if is_valid {
        br#"{"msg":"this user has that secret"}"#
    } else {
        br#"{"error":"no user has that secret"}"#
    };
    let response = Response::builder().header("content-type", "application/json");
    Ok(response.body(Full::new(Bytes::from_static(text)))?)
}

fn acceptor() -> Result<TlsAcceptor, Box<dyn Error>> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.into()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.ticketer = ring::Ticketer::new()?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

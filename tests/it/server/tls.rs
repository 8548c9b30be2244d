//! The server as its clients see it: TLS.

use super::*;

#[rstest]
#[case::rubbish(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(), "--http")]
#[case::abandoned(b"\x16".as_slice(), "the client closed the connection")]
#[case::half_a_record(b"\x16\x03\x01".as_slice(), "the client closed the connection")]
#[tokio::test]
async fn a_failed_handshake_is_logged_and_harms_nobody(
    #[case] bytes: &[u8],
    #[case] expected: &str,
) {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let mut stream = server.connect().await;
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let line = soon(lines.recv()).await.unwrap();
    assert!(line.contains(expected), "{line}");
    server.greeted().await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut() {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            handshake: Duration::from_millis(50),
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let mut silent = server.connect().await;
    assert_eq!(soon(silent.read(&mut [0])).await.unwrap(), 0);
    let mut stream = server.connect().await;
    stream.write_all(b"\x16").await.unwrap();
    // A reset is an end as well: a byte of the client's was not read.
    assert!(matches!(soon(stream.read(&mut [0])).await, Ok(0) | Err(_)));
    assert!(
        soon(lines.recv())
            .await
            .unwrap()
            .contains("not finished within 50ms")
    );
}

#[tokio::test]
async fn an_untrusting_client_gets_a_hint_in_the_log() {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let stranger = client_config(
        Identity::generate(&[]).unwrap().ca_pem().unwrap(),
        rustls::DEFAULT_VERSIONS,
    );
    let stream = server.connect().await;
    let refused = TlsConnector::from(Arc::new(stranger))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await;
    assert!(refused.is_err());
    assert!(soon(lines.recv()).await.unwrap().contains("--ca-out"));
}

#[tokio::test]
async fn a_second_connection_resumes_the_first_ones_session() {
    let server = Server::begin(Limits::default(), true).await;
    let config = Arc::new(server.client_config());
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut stream = server.open_with(Arc::clone(&config)).await;
        // The tickets come with the first answer.
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        read_answer(&mut stream).await;
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(
        kinds,
        [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed]
    );
}

#[rstest]
#[case::version_1_2(&rustls::version::TLS12)]
#[case::version_1_3(&rustls::version::TLS13)]
#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_http_1_1_is_agreed_on(
    #[case] version: &'static rustls::SupportedProtocolVersion,
) {
    let server = Server::begin(Limits::default(), true).await;
    let mut config = client_config(
        server.identity.as_ref().unwrap().ca_pem().unwrap(),
        &[version],
    );
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = server.open_with(Arc::new(config)).await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(b"http/1.1".as_slice())
    );
}

#[tokio::test]
async fn further_names_are_in_the_certificate() {
    let identity = Identity::generate(&[
        "plant-7.example".to_owned(),
        "*.lab.example".to_owned(),
        "10.1.2.3".to_owned(),
    ])
    .unwrap();
    let server = Server::with(Limits::default(), Some(identity)).await;
    for name in ["plant-7.example", "a.lab.example", "10.1.2.3", "::1"] {
        let stream = server.connect().await;
        let name = ServerName::try_from(name).unwrap();
        soon(TlsConnector::from(Arc::new(server.client_config())).connect(name, stream))
            .await
            .unwrap();
    }
}

#[rstest]
#[case::port("host:8443")]
#[case::blank("two words")]
#[case::empty("")]
fn a_name_that_is_none_is_refused(#[case] name: &str) {
    assert!(
        matches!(Identity::generate(&[name.to_owned()]), Err(IdentityError::BadName(bad)) if bad == name)
    );
}

#[test]
fn an_own_certificate_is_taken_or_its_fault_is_named() {
    let (certificate, key) = self_signed();
    let (_, other_key) = self_signed();
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let cut = key.split("-----END").next().unwrap();
    let fault = |certificate: &str, key: &str| {
        Identity::from_pem(certificate, key)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(fault(&certificate, &key), None);
    for (certificate, key, expected) in [
        (
            &*certificate,
            &*other_key,
            "the key does not belong to the first certificate in the file",
        ),
        (
            &*key,
            &*certificate,
            "no BEGIN CERTIFICATE in the certificate file",
        ),
        (
            &*certificate,
            "",
            "no BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY in the key file",
        ),
        (
            &*certificate,
            &*encrypted,
            "the key is encrypted, expected one without a passphrase (openssl pkey -in KEY -out PLAIN)",
        ),
        (
            &*certificate,
            cut,
            "cannot read the key: a BEGIN line without its END line",
        ),
    ] {
        assert_eq!(fault(certificate, key).as_deref(), Some(expected));
    }
}

fn self_signed() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.pem(), key.serialize_pem())
}

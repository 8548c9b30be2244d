//! Failures on the wire: TLS.

use super::*;

#[rstest]
#[case::expired(Certificate::Expired)]
#[case::not_yet_valid(Certificate::NotYetValid)]
#[case::wrong_name(Certificate::WrongName)]
#[case::cn_only(Certificate::CnOnly)]
#[case::unknown_ca(Certificate::UnknownCa)]
#[case::incomplete_chain(Certificate::IncompleteChain)]
#[tokio::test]
async fn a_strict_client_refuses_a_certificate_that_is_at_fault(#[case] certificate: Certificate) {
    let bench = Bench::start(
        true,
        vec![mode(
            times(1),
            tls(TlsFailure {
                certificate: Some(certificate),
                ..TlsFailure::default()
            }),
        )],
    );
    let error = bench
        .handshake(bench.client_config(rustls::ALL_VERSIONS))
        .await
        .unwrap_err();
    let Some(rustls::Error::InvalidCertificate(fault)) =
        error.get_ref().and_then(|inner| inner.downcast_ref())
    else {
        panic!("{error:?}")
    };
    let right = match certificate {
        Certificate::Expired => matches!(
            fault,
            CertificateError::Expired | CertificateError::ExpiredContext { .. }
        ),
        Certificate::NotYetValid => matches!(
            fault,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }
        ),
        Certificate::WrongName | Certificate::CnOnly => {
            matches!(
                fault,
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            )
        }
        Certificate::UnknownCa | Certificate::IncompleteChain => {
            matches!(fault, CertificateError::UnknownIssuer)
        }
        Certificate::Swapped => false,
    };
    assert!(right, "{fault:?}");
    // The next connection is well again.
    let mut stream = bench.open().await;
    assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
}

#[tokio::test]
async fn a_swapped_certificate_is_lawful_and_another() {
    let when = When {
        every: Some(2),
        ..When::default()
    };
    let bench = Bench::start(
        true,
        vec![mode(
            when,
            tls(TlsFailure {
                certificate: Some(Certificate::Swapped),
                ..TlsFailure::default()
            }),
        )],
    );
    let mut seen = Vec::new();
    // One configuration for all: a client that could resume would not see the other certificate.
    let config = bench.client_config(rustls::ALL_VERSIONS);
    for _ in 0..4 {
        let mut stream = bench.handshake(Arc::clone(&config)).await.unwrap();
        seen.push(stream.get_ref().1.peer_certificates().unwrap()[0].to_vec());
        assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
    }
    assert!(seen[0] == seen[2] && seen[1] == seen[3] && seen[0] != seen[1]);
}

#[rstest]
#[case::only_1_2(TlsVersion::V12, &rustls::version::TLS12, &rustls::version::TLS13)]
#[case::only_1_3(TlsVersion::V13, &rustls::version::TLS13, &rustls::version::TLS12)]
#[tokio::test]
async fn one_version_only(
    #[case] offered: TlsVersion,
    #[case] spoken: &'static rustls::SupportedProtocolVersion,
    #[case] refused: &'static rustls::SupportedProtocolVersion,
) {
    let bench = Bench::start(
        true,
        vec![mode(
            When::default(),
            tls(TlsFailure {
                versions: vec![offered],
                ..TlsFailure::default()
            }),
        )],
    );
    let stream = bench
        .handshake(bench.client_config(rustls::ALL_VERSIONS))
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken.version));
    let error = bench
        .handshake(bench.client_config(&[refused]))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.get_ref().and_then(|inner| inner.downcast_ref()),
            Some(rustls::Error::AlertReceived(
                rustls::AlertDescription::ProtocolVersion
            ))
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_aborted_handshake_is_reset_after_the_hello() {
    let bench = Bench::start(
        true,
        vec![mode(
            times(1),
            tls(TlsFailure {
                handshake: Some(Handshake::Abort),
                ..TlsFailure::default()
            }),
        )],
    );
    let mut silent = bench.connect().await;
    assert_eq!(
        read_to_the_end(&mut silent).await,
        (Vec::new(), End::Open),
        "nothing before the hello"
    );
    silent.write_all(&[22, 3, 1, 0, 2, 1]).await.unwrap();
    assert_eq!(
        read_to_the_end(&mut silent).await,
        (Vec::new(), End::Open),
        "nothing before all of it"
    );
    silent.write_all(&[0]).await.unwrap();
    assert_eq!(read_to_the_end(&mut silent).await, (Vec::new(), End::Reset));
    bench
        .handshake(bench.client_config(rustls::ALL_VERSIONS))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_real_client_sees_an_aborted_handshake_as_a_reset() {
    let bench = Bench::start(
        true,
        vec![mode(
            When::default(),
            tls(TlsFailure {
                handshake: Some(Handshake::Abort),
                ..TlsFailure::default()
            }),
        )],
    );
    let error = bench
        .handshake(bench.client_config(rustls::ALL_VERSIONS))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn stalled_handshake_ends_with_the_client_or_the_server() {
    let limits = Limits {
        handshake: Duration::from_millis(20),
        connections: Connections::at_most(1),
        ..Limits::default()
    };
    let bench = Bench::with(
        true,
        vec![mode(
            times(2),
            tls(TlsFailure {
                handshake: Some(Handshake::Stall),
                ..TlsFailure::default()
            }),
        )],
        limits,
    );
    let mut stalled = bench.connect().await;
    stalled.write_all(&[22, 3, 1, 0, 1, 1]).await.unwrap();
    assert_eq!(read_to_the_end(&mut stalled).await, (Vec::new(), End::Open));
    drop(stalled);
    let mut second = bench.connect().await;
    second.write_all(&[22]).await.unwrap();
    bench.fired(2).await;
    let took = bench.end().await;
    assert!(took < Duration::from_secs(1), "took {took:?}");
    assert_ne!(read_to_the_end(&mut second).await.1, End::Open);
}

#[tokio::test]
async fn plain_http_on_the_tls_port() {
    let bench = Bench::start(
        true,
        vec![mode(
            When::default(),
            tls(TlsFailure {
                handshake: Some(Handshake::Plaintext),
                ..TlsFailure::default()
            }),
        )],
    );
    let error = bench
        .handshake(bench.client_config(rustls::ALL_VERSIONS))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error.get_ref().and_then(|inner| inner.downcast_ref()),
            Some(rustls::Error::InvalidMessage(_))
        ),
        "{error:?}"
    );
    let mut stream = bench.connect().await;
    assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
}

#[test]
fn a_certificate_of_the_user_s_cannot_be_at_fault() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let own = Identity::from_pem(&key.cert.pem(), &key.signing_key.serialize_pem()).unwrap();
    assert!(!own.can_misbehave() && Identity::generate(&[]).unwrap().can_misbehave());
}

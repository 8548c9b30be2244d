//! Certificates: generated, written, given.

use std::{fs, os::unix::fs::PermissionsExt};

use d4iot_double::cli::ready::Ready;
use rstest::rstest;

use super::{Folder, Identified, answers, curl, refused};
use crate::process::Process;

#[test]
fn the_ca_that_is_written_is_all_a_client_needs() {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let (_process, ready) = Process::serve(1, &["--kind", "sensor", "--ca-out", &ca]);
    let (url, port) = (&ready[0].url, ready[0].port());
    assert!(answers(url, Some(&fs::read_to_string(&ca).unwrap())));
    assert!(
        !answers(url, Some(Identified::new(&["127.0.0.1"]).cert.as_str())),
        "any certificate is taken: nothing is verified"
    );
    assert_eq!(curl(&["--cacert", &ca, url]), 0);
    assert_eq!(
        curl(&["--cacert", &ca, &format!("https://localhost:{port}")]),
        0
    );
    assert_eq!(curl(&[url]), PEER_NOT_VERIFIED);
}

#[test]
fn a_further_name_stands_in_the_certificate() {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let named = |args: &[&str]| {
        let args: Vec<&str> = ["--kind", "sensor", "--ca-out", &ca]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let (_process, ready) = Process::serve(1, &args);
        let port = ready[0].port();
        curl(&[
            "--cacert",
            &ca,
            "--resolve",
            &format!("plant.example:{port}:127.0.0.1"),
            &format!("https://plant.example:{port}"),
        ])
    };
    assert_eq!(
        named(&["--san", "other.example", "--san", "plant.example"]),
        0
    );
    assert_eq!(named(&["--san", "other.example"]), PEER_NOT_VERIFIED);
}

#[rstest]
#[case::named("127.0.0.5:0", "127.0.0.5")]
#[case::all_interfaces("0.0.0.0:0", "127.0.0.7")]
fn the_address_that_a_client_reaches_stands_in_the_certificate(
    #[case] listen: &str,
    #[case] reached: &str,
) {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let args = [
        "serve", "--kind", "sensor", "--listen", listen, "--ca-out", &ca,
    ];
    let mut process = Process::start(&args);
    let port = process.ready(1)[0].port();
    let url = format!("https://{reached}:{port}");
    assert_eq!(curl(&["--cacert", &ca, &url]), 0);
    assert_eq!(curl(&[&url]), PEER_NOT_VERIFIED);
}

#[test]
fn clients_trust_the_next_start_with_the_same_key() {
    let folder = Folder::new();
    let (ca, key) = (folder.path("ca.pem"), folder.path("ca.key"));
    let args = ["--kind", "sensor", "--ca-key", &key];
    let (first, _) = Process::serve(1, &[&args[..], &["--ca-out", &ca]].concat());
    drop(first);
    let (_process, lines) = Process::serve(1, &args);
    assert_eq!(curl(&["--cacert", &ca, &lines[0].url]), 0);
    let mode = fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let wrong = folder.write("wrong.key", "no key");
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let end = refused(&["--ca-key", &wrong]);
    assert!(end.err.contains("cannot use the CA's key"), "{}", end.err);
    let failing = [&args[..], &["--fail", "swapped_certificate"]].concat();
    let (_process, lines) = Process::serve(1, &failing);
    assert_eq!(curl(&["--cacert", &ca, &lines[0].url]), 0, "of the same CA");
}

#[test]
fn clients_are_asked_for_a_certificate() {
    let folder = Folder::new();
    let own = Identified::new(&["client.test"]);
    let (cert, key) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
    );
    let args = ["--kind", "sensor", "--client-ca", &cert];
    let (mut process, lines) = Process::serve(1, &args);
    let url = &lines[0].url;
    assert_eq!(curl(&["-k", "--cert", &cert, "--key", &key, url]), 0);
    assert_ne!(curl(&["-k", url]), 0);
    process.says("the client shows no certificate, which --client-ca or a failure mode asks for");
    let other = Identified::new(&["client.test"]);
    let (cert, key) = (
        folder.write("o.pem", &other.cert),
        folder.write("o.key", &other.key),
    );
    assert_ne!(curl(&["-k", "--cert", &cert, "--key", &key, url]), 0);
    process
        .says("the client's certificate is of no CA that --client-ca or a failure mode asks for");
    let end = refused(&["--client-ca", &folder.write("none.pem", "none")]);
    assert!(end.err.contains("no BEGIN CERTIFICATE"), "{}", end.err);
}

#[test]
fn an_advertised_name_stands_in_urls_and_in_the_certificate() {
    let folder = Folder::new();
    let ca = folder.path("ca.pem");
    let args = [
        "--kind",
        "sensor",
        "--ca-out",
        &ca,
        "--advertise",
        "sensor.test",
    ];
    let (_process, lines) = Process::serve(1, &args);
    let port = lines[0].port();
    assert_eq!(lines[0].url, format!("https://sensor.test:{port}"));
    let resolve = format!("sensor.test:{port}:127.0.0.1");
    let end = curl(&["--cacert", &ca, "--resolve", &resolve, &lines[0].url]);
    assert_eq!(end, 0);
    let end = refused(&["--advertise", "sensor.test:8443"]);
    assert!(end.err.contains("without a port"), "{}", end.err);
}

#[test]
fn a_certificate_of_one_s_own_is_served() {
    let folder = Folder::new();
    let own = Identified::new(&["127.0.0.1"]);
    let (cert, key, file) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
        folder.path("ready.json"),
    );
    let (_process, lines) = Process::serve(
        1,
        &[
            "--kind",
            "sensor",
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
            "--ready-file",
            &file,
        ],
    );
    assert!(answers(&lines[0].url, Some(&own.cert)));
    let ready: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(ready.ca, None);
}

#[rstest]
#[case::another_s_key(
    "cert.pem",
    "other.pem",
    "the key does not belong to the first certificate"
)]
#[case::swapped("key.pem", "cert.pem", "no BEGIN CERTIFICATE in the certificate file")]
#[case::no_key("cert.pem", "cert.pem", "no BEGIN PRIVATE KEY")]
#[case::empty("empty.pem", "key.pem", "no BEGIN CERTIFICATE in the certificate file")]
#[case::damaged("cert.pem", "damaged.pem", "a BEGIN line without its END line")]
#[case::encrypted("cert.pem", "encrypted.pem", "the key is encrypted")]
#[case::missing("nowhere.pem", "key.pem", "No such file")]
fn a_certificate_that_cannot_be_served_starts_nothing(
    #[case] cert: &str,
    #[case] key: &str,
    #[case] expected: &str,
) {
    let folder = Folder::new();
    let (own, other) = (
        Identified::new(&["127.0.0.1"]),
        Identified::new(&["127.0.0.1"]),
    );
    folder.write("cert.pem", &own.cert);
    folder.write("key.pem", &own.key);
    folder.write("other.pem", &other.key);
    folder.write("empty.pem", "");
    folder.write("damaged.pem", &own.key.replace("-----END", "-----"));
    folder.write(
        "encrypted.pem",
        &own.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
    );
    let end = refused(&[
        "--tls-cert",
        &folder.path(cert),
        "--tls-key",
        &folder.path(key),
    ]);
    assert!(end.err.contains(expected), "{}", end.err);
    assert!(end.err.contains(cert), "the file is not named: {}", end.err);
    // A line of the key, wherever it stood.
    let secret = own.key.lines().nth(1).unwrap();
    assert!(!end.err.contains(&secret[..20]), "the key is shown");
}

/// curl's exit code for a certificate it does not trust.
const PEER_NOT_VERIFIED: i32 = 60;

#[test]
fn a_ca_of_the_users_issues_the_certificates() {
    let folder = Folder::new();
    let authority = |name: &str| {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let subject = &mut params.distinguished_name;
        subject.push(rcgen::DnType::OrganizationName, "Plant \u{e4}");
        subject.push(rcgen::DnType::CommonName, name);
        let key = rcgen::KeyPair::generate().unwrap();
        let cert = folder.write(
            &format!("{name}.pem"),
            &params.self_signed(&key).unwrap().pem(),
        );
        let key = folder.write(&format!("{name}.key"), &key.serialize_pem());
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        (cert, key)
    };
    let (cert, key) = authority("own");
    let own = ["--kind", "sensor", "--ca-cert", &cert, "--ca-key", &key];
    for failing in ["slow", "swapped_certificate"] {
        let (_process, lines) = Process::serve(1, &[&own[..], &["--fail", failing]].concat());
        assert_eq!(curl(&["--cacert", &cert, &lines[0].url]), 0, "{failing}");
    }
    let expired = [&own[..], &["--fail", "expired_certificate"]].concat();
    let (_process, lines) = Process::serve(1, &expired);
    let refused_by_curl = curl(&["--cacert", &cert, &lines[0].url]);
    assert_eq!(refused_by_curl, PEER_NOT_VERIFIED);
    let (_, other) = authority("other");
    for (args, expected) in [
        (
            vec!["--ca-cert", &cert, "--ca-key", &other],
            "the key does not belong to the first certificate",
        ),
        (
            vec!["--ca-cert", &key, "--ca-key", &key],
            "no BEGIN CERTIFICATE",
        ),
        (
            vec!["--ca-cert", &cert, "--ca-key", "/nowhere/ca.key"],
            "/nowhere/ca.key: No such file",
        ),
        (vec!["--ca-cert", &cert], "--ca-key"),
    ] {
        let end = refused(&args);
        assert!(end.err.contains(expected), "{}", end.err);
    }
}

#[test]
fn a_failure_mode_asks_clients_for_a_certificate() {
    let folder = Folder::new();
    let own = Identified::new(&["client.test"]);
    let (cert, key) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
    );
    let args = ["--kind", "sensor", "--fail", "client_certificate_required"];
    let (mut process, lines) = Process::serve(1, &args);
    let url = &lines[0].url;
    assert_ne!(curl(&["-k", url]), 0);
    process.says("the client shows no certificate");
    assert_ne!(curl(&["-k", "--cert", &cert, "--key", &key, url]), 0);
    process.says("the client's certificate is of no CA");
}

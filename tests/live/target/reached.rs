//! How a target is reached: whom it is believed to be, by which way, and what is said where it is not reached.

use std::fs;

use rstest::rstest;
use rustls::crypto::{ring, ring::cipher_suite};

use crate::target::{
    front::{Authority, Front, Https, provider},
    stage::{Behaviour, CONSENT, FIXTURE, Ran, Stage},
};

// — whom to believe —

/// Which part of TLS it was, and which option helps.
#[rstest]
#[case::expired(
    "certificate: expired",
    "TLS failed: certificate date: it expired on ",
    "-k accepts any certificate"
)]
#[case::not_yet_valid(
    "certificate: not_yet_valid",
    "TLS failed: certificate date: it is valid from ",
    "correct the clock"
)]
#[case::wrong_name(
    "certificate: wrong_name",
    "TLS failed: certificate name: it is for another-appliance.invalid, not for 127.0.0.1",
    "--resolve NAME:PORT:ADDRESS; or --pin-spki sha256//"
)]
#[case::cn_only(
    "certificate: cn_only",
    "TLS failed: certificate name: it has no subject alternative name",
    "--pin-spki sha256//"
)]
#[case::unknown_ca(
    "certificate: unknown_ca",
    "TLS failed: certificate chain: it is not trusted (unknown issuer",
    "--cacert PEM"
)]
#[case::incomplete_chain(
    "certificate: incomplete_chain",
    "TLS failed: certificate chain: it is not trusted (unknown issuer; the server sent no intermediate)",
    "of a missing intermediate"
)]
#[case::plaintext(
    "handshake: plaintext",
    "TLS failed: the answer is not TLS",
    "--allow-http"
)]
#[case::abort(
    "handshake: abort",
    "closed the connection during the TLS handshake",
    "check the appliance's TLS service"
)]
#[case::stall("handshake: stall", "no TLS connection to ", "use a longer --timeout")]
fn what_of_tls_was_refused_is_said_with_the_option_that_helps(
    #[case] mode: &str,
    #[case] says: &str,
    #[case] hint: &str,
) {
    let (stage, https) = (Stage::new(), Https::with(mode));
    let ran = stage.reach(
        &https.url,
        &[
            "--cacert",
            &stage.keep("ca.pem", &https.ca),
            "--timeout",
            "1s",
        ],
    );
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(
        ran.said("error: the target could not be reached: ") && ran.said(says) && ran.said(hint),
        "{ran}"
    );
    // The report says so too, for a reader who has nothing else.
    assert!(
        String::from_utf8_lossy(&ran.0.stdout).contains(says),
        "{ran}"
    );
}

#[rstest]
#[case::well("")]
#[case::of_one_version("tls: [1.2]")]
#[case::of_the_other("tls: [1.3]")]
fn a_target_whose_ca_is_given_is_believed(#[case] mode: &str) {
    let (stage, https) = (Stage::new(), Https::with(mode));
    let ran = stage.reach(&https.url, &["--cacert", &stage.keep("ca.pem", &https.ca)]);
    assert_eq!(ran.code(), 0, "{ran}");
}

#[rstest]
#[case::cipher(
    b"\x15\x03\x03\x00\x02\x02\x28",
    "TLS failed: cipher: ",
    "enable ECDHE"
)]
#[case::version(
    b"\x15\x03\x01\x00\x02\x02\x46",
    "TLS failed: version: the target supports neither TLS 1.2 nor 1.3",
    "needs newer TLS"
)]
#[case::an_old_server_s_hello(
    OLD_HELLO,
    "TLS failed: version: the target supports neither TLS 1.2 nor 1.3",
    "needs newer TLS"
)]
#[case::name(b"\x15\x03\x03\x00\x02\x02\x70", "TLS failed: name: ", "--resolve")]
#[case::banner(
    b"SSH-2.0-OpenSSH_9.6\r\n",
    "TLS failed: the answer is not TLS",
    "check the port"
)]
#[case::silence(b"", "during the TLS handshake", "check the appliance's TLS service")]
fn an_alert_is_told_in_words(#[case] bytes: &'static [u8], #[case] says: &str, #[case] hint: &str) {
    let (stage, front) = (Stage::new(), Front::answering(bytes));
    let ran = stage.reach(&format!("https://{}", front.address), &["-k"]);
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.said(says) && ran.said(hint), "{ran}");
}

#[test]
fn a_server_whose_ciphers_do_not_match_is_told_so() {
    let (stage, authority) = (Stage::new(), Authority::new());
    // Suites for RSA keys alone, and a key that is none: nothing is left to agree on.
    let suites = provider(&[cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]);
    let front = Front::tls(authority.server(suites, false), &stage.url);
    let ran = stage.reach(
        &format!("https://{}", front.address),
        &["--cacert", &stage.keep("ca.pem", &authority.pem())],
    );
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(
        ran.said("TLS failed: cipher: ") && ran.said("ECDHE with AES-GCM or ChaCha20-Poly1305"),
        "{ran}"
    );
}

/// The pin in a hint is the one of the key that was shown.
#[test]
fn a_pin_replaces_chain_and_name_and_no_date() {
    let stage = Stage::new();
    for (mode, reaches) in [
        ("certificate: cn_only", true),
        ("certificate: unknown_ca", true),
        ("certificate: wrong_name", true),
        ("certificate: expired", false),
    ] {
        let https = Https::with(mode);
        let refused = stage.reach(&https.url, &["--pin-spki", OTHER]).to_string();
        let pin = refused
            .split("the key is not the pinned one: it is ")
            .nth(1)
            .unwrap_or_else(|| panic!("{refused}"))
            .split_whitespace()
            .next()
            .unwrap();
        let ran = stage.reach(&https.url, &["--pin-spki", pin]);
        assert_eq!(ran.code(), if reaches { 0 } else { 3 }, "{mode}: {ran}");
        assert!(reaches || ran.said("it expired on"), "{ran}");
        if mode.contains("cn_only") {
            let told = stage.reach(&https.url, &["--cacert", &stage.keep("ca.pem", &https.ca)]);
            assert!(
                told.said(&format!("--pin-spki {pin}, if that is the key")),
                "{told}"
            );
        }
    }
}

#[test]
fn without_options_the_system_trust_store_is_used() {
    let (stage, https) = (Stage::new(), Https::with(""));
    let ca = stage.keep("ca.pem", &https.ca);
    let mut command = stage.reaching(&https.url, &[]);
    assert_eq!(Ran::of(command.env("SSL_CERT_FILE", &ca)).code(), 0);
    let ran = Ran::of(stage.reaching(&https.url, &[]).env(
        "SSL_CERT_FILE",
        stage.keep("other.pem", &Authority::new().pem()),
    ));
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.said("it is not trusted (unknown issuer"), "{ran}");
    // An image that has no certificates at all.
    let ran = Ran::of(
        stage
            .reaching(&https.url, &[])
            .env("SSL_CERT_FILE", stage.keep("none.pem", "")),
    );
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.said("--cacert"), "{ran}");
}

#[test]
fn whoever_takes_any_certificate_reads_so_in_every_report() {
    let (stage, https) = (Stage::new(), Https::with("certificate: expired"));
    let formats = [
        "text", "json", "junit", "markdown", "github", "html", "profile",
    ];
    let reports: Vec<String> = formats
        .iter()
        .map(|format| format!("{format}={}", stage.path(format)))
        .collect();
    let mut options = vec!["-k"];
    options.extend(reports.iter().flat_map(|report| ["--report", report]));
    assert_eq!(stage.reach(&https.url, &options).code(), 0);
    for format in formats {
        let report = fs::read_to_string(stage.path(format)).unwrap();
        assert!(
            report.contains("-k: any certificate was accepted"),
            "{format}: {report}"
        );
    }
}

// — who we are —

#[test]
fn a_target_may_want_the_client_s_certificate() {
    let (stage, authority) = (Stage::new(), Authority::new());
    let front = Front::tls(authority.server(ring::default_provider(), true), &stage.url);
    let url = format!("https://{}", front.address);
    let ca = stage.keep("ca.pem", &authority.pem());
    let with = |authority: &Authority| {
        let (certificate, key) = authority.issue("client");
        stage.reach(
            &url,
            &[
                "--cacert",
                &ca,
                "--cert",
                &stage.keep("client.pem", &certificate),
                "--key",
                &stage.keep("client.key", &key),
            ],
        )
    };
    let none = stage.reach(&url, &["--cacert", &ca]);
    assert_eq!(none.code(), 3, "{none}");
    assert!(
        none.said("client certificate: the target requires one")
            && none.said("--cert PEM --key PEM"),
        "{none}"
    );
    let stranger = with(&Authority::new());
    assert_eq!(stranger.code(), 3, "{stranger}");
    assert!(
        stranger.said("client certificate: the target rejects it"),
        "{stranger}"
    );
    let ran = with(&authority);
    assert_eq!(ran.code(), 0, "{ran}");
}

#[rstest]
#[case::no_certificate(
    "nonsense",
    "-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n",
    "the client's certificate and key: no BEGIN CERTIFICATE"
)]
#[case::swapped(
    "KEY",
    "CERTIFICATE",
    "the client's certificate and key: no BEGIN CERTIFICATE"
)]
#[case::passphrase(
    "CERTIFICATE",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\nSECRETSECRET\n-----END ENCRYPTED PRIVATE KEY-----\n",
    "openssl pkey"
)]
#[case::torn(
    "CERTIFICATE",
    "-----BEGIN PRIVATE KEY-----\nSECRETSECRET",
    "a BEGIN line without its END line"
)]
#[case::another_s("CERTIFICATE", "OTHER", "cannot be used")]
fn certificate_errors_are_explained_without_their_content(
    #[case] certificate: &str,
    #[case] key: &str,
    #[case] says: &str,
) {
    let (stage, authority) = (Stage::new(), Authority::new());
    let (own, of_it) = authority.issue("client");
    let other = authority.issue("client").1;
    let text = |what: &str| match what {
        "CERTIFICATE" => own.clone(),
        "KEY" => of_it.clone(),
        "OTHER" => other.clone(),
        text => text.to_owned(),
    };
    let ran = stage.reach(
        "https://127.0.0.1:1",
        &[
            "-k",
            "--cert",
            &stage.keep("c.pem", &text(certificate)),
            "--key",
            &stage.keep("k.pem", &text(key)),
        ],
    );
    assert_eq!(ran.code(), 2, "{ran}");
    assert!(
        ran.says(says) && !ran.says("SECRET") && !of_it.lines().skip(1).any(|line| ran.says(line)),
        "{ran}"
    );
}

// — by which way —

#[test]
fn a_name_may_be_resolved_by_hand() {
    let (stage, https) = (Stage::new(), Https::with(""));
    let port = https.url.rsplit(':').next().unwrap();
    let (url, ca) = (
        format!("https://sensor.lab:{port}"),
        stage.keep("ca.pem", &https.ca),
    );
    let ran = stage.reach(
        &url,
        &[
            "--cacert",
            &ca,
            "--delay",
            "0s",
            "--resolve",
            &format!("sensor.lab:{port}:127.0.0.1"),
        ],
    );
    assert_eq!(ran.code(), 0, "{ran}");
    let ran = stage.reach(
        &url,
        &[
            "--cacert",
            &ca,
            "--resolve",
            &format!("sensor.lab:{port}9:127.0.0.1"),
        ],
    );
    assert_eq!(ran.code(), 2, "{ran}");
}

const SECRET: &str = "Proxy-Passw0rd-9";
/// `door:Proxy-Passw0rd-9`, as it goes over the wire.
const BASIC: &str = "ZG9vcjpQcm94eS1QYXNzdzByZC05";

#[rstest]
#[case::https(true)]
#[case::http(false)]
fn a_proxy_leads_to_a_target_and_its_password_is_shown_nowhere(#[case] tls: bool) {
    let (stage, https) = (Stage::new(), Https::with(""));
    let behind = if tls {
        https.url.clone()
    } else {
        stage.url.clone()
    };
    let front = Front::proxy(&behind, Some(BASIC));
    let proxy = format!("http://{}", front.address);
    let ca = stage.keep("ca.pem", &https.ca);
    let options = |proxy| {
        if tls {
            vec!["--cacert", &ca, "--proxy", proxy]
        } else {
            vec!["--proxy", proxy]
        }
    };
    let refused = stage.reach(&behind, &options(&proxy));
    assert!(refused.code() != 0, "{refused}");
    if tls {
        assert_eq!(refused.code(), 3, "{refused}");
        assert!(
            refused.said("without credentials (407)") && refused.said("`proxy: { username"),
            "{refused}"
        );
    }
    stage.write_accounts(&format!(
        "{}proxy: {{ username: door, password: {SECRET} }}\n",
        crate::target::stage::ACCOUNTS
    ));
    let mut all = options(&proxy);
    all.extend(CONSENT);
    all.extend(["--report", "json=all.json", "-v"]);
    let ran = stage.reach(&behind, &all);
    assert_eq!(ran.code(), 0, "{ran}");
    let report = fs::read_to_string(stage.path("all.json")).unwrap();
    for text in [ran.to_string(), report] {
        assert!(!text.contains(SECRET) && !text.contains(BASIC), "{text}");
    }
    let heard = front.heard.lock().unwrap();
    assert!(
        heard.len() > 15
            && heard.iter().all(|head| head.starts_with(if tls {
                "CONNECT 127.0.0.1:"
            } else {
                ""
            })),
        "{}",
        heard.len()
    );
}

/// A proxy that repeats what it was told must not bring its password into a report.
#[test]
fn what_a_proxy_repeats_is_redacted() {
    let stage = Stage::new();
    let front = Front::proxy(&stage.url, Some("another"));
    stage.write_accounts(&format!(
        "{}proxy: {{ username: door, password: {SECRET} }}\n",
        crate::target::stage::ACCOUNTS
    ));
    let ran = stage.reach(
        &stage.url,
        &[
            "--proxy",
            &format!("http://{}", front.address),
            "--report",
            "json=all.json",
            "--snapshots",
            "snaps",
        ],
    );
    assert_eq!(ran.code(), 1, "{ran}");
    let report = fs::read_to_string(stage.path("all.json")).unwrap();
    assert!(report.contains("«proxy.credentials»"), "{report}");
    assert!(!report.contains(BASIC) && !ran.says(BASIC), "{ran}");
}

#[rstest]
#[case::credentials(&["--proxy", "http://door:Proxy-Passw0rd-9@127.0.0.1:3128"], 2, "accounts file")]
#[case::of_another_sort(&["--proxy", "socks5://127.0.0.1:1080"], 2, "expected http://HOST:PORT")]
#[case::no_address(&["--proxy", "nonsense"], 2, "expected http://HOST:PORT")]
#[case::both(&["--proxy", "http://127.0.0.1:1", "--resolve", "a:1:127.0.0.1"], 2, "cannot be used with")]
#[case::no_tls(&["--pin-spki", OTHER], 2, "needs TLS")]
#[case::no_pin(&["--pin-spki", "abc"], 2, "64 hexadecimal digits")]
#[case::key_alone(&["--key", "k.pem"], 2, "--cert")]
#[case::any_and_one(&["-k", "--pin-spki", OTHER], 2, "cannot be used with")]
#[case::no_resolution(&["--resolve", "sensor.lab:443"], 2, "HOST:PORT:ADDRESS")]
fn an_option_that_cannot_be_meant_is_refused(
    #[case] options: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let stage = Stage::new();
    let ran = stage.check(options);
    assert_eq!(ran.code(), code, "{ran}");
    assert!(ran.says(says) && !ran.says(SECRET), "{ran}");
    assert_eq!(stage.seen().len(), 0);
}

#[test]
fn a_proxy_elsewhere_takes_clear_text_off_this_machine() {
    let stage = Stage::new();
    let ran = stage.check(&["--proxy", "http://10.0.0.5:3128"]);
    assert_eq!(ran.code(), 6, "{ran}");
    assert!(ran.says("--allow-http"), "{ran}");
}

#[rstest]
#[case::refused("http://127.0.0.1:1", "refused the connection: nothing listens there")]
#[case::nameless(
    "https://no-such-appliance.invalid",
    "cannot resolve https://no-such-appliance.invalid"
)]
fn what_else_is_in_the_way_is_said(#[case] url: &str, #[case] says: &str) {
    let ran = Stage::new().reach(url, &["--delay", "0s"]);
    assert_eq!(ran.code(), 3, "{ran}");
    assert!(ran.said(says), "{ran}");
}

// — the way back —

/// What a run was told of the way, `recover` knows from the journal: a pin, a client's certificate, a name, a proxy.
#[test]
fn recover_goes_the_way_the_run_went() {
    let (authority, stage) = (Authority::new(), Stage::of(FIXTURE, Behaviour::Kill(60)));
    let front = Front::tls(authority.server(ring::default_provider(), true), &stage.url);
    let url = format!("https://{}", front.address);
    let proxy = Front::proxy(&url, Some(BASIC));
    stage.write_accounts(&format!(
        "{}proxy: {{ username: door, password: {SECRET} }}\n",
        crate::target::stage::ACCOUNTS
    ));
    let (certificate, key) = authority.issue("client");
    let (certificate, key) = (
        stage.keep("client.pem", &certificate),
        stage.keep("client.key", &key),
    );
    let proxy = format!("http://{}", proxy.address);
    let way = [
        "--cert",
        &certificate,
        "--key",
        &key,
        "--cacert",
        &stage.keep("ca.pem", &authority.pem()),
        "--proxy",
        &proxy,
        CONSENT[0],
        CONSENT[1],
    ];
    assert_eq!(
        stage.launch(&url, &way).wait().unwrap().code(),
        None,
        "it is killed"
    );
    assert!(!stage.left().is_empty());
    for name in stage
        .left()
        .iter()
        .filter(|name| name.ends_with(".journal"))
    {
        let journal =
            fs::read_to_string(stage.path(&format!("state/d4iot-double/journals/{name}"))).unwrap();
        assert!(
            journal.contains("client.key")
                && journal.contains(&proxy)
                && !journal.contains(SECRET)
                && !journal.contains(BASIC),
            "{journal}"
        );
    }
    let recovered = stage.recover();
    assert_eq!(recovered.code(), 0, "{recovered}");
    stage.is_as_before();
}

const OTHER: &str = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
/// A ServerHello of TLS 1.0: version 3.1, a random of zeros, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
const OLD_HELLO: &[u8] =
    b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x00\x2f\x00";

//! `healthcheck` against a running `serve`.

use std::{fs, net::TcpListener, thread};

use rstest::rstest;
use rustix::process::Signal;

use super::{Folder, Identified, healthcheck};
use crate::process::Process;

#[rstest]
#[case::https(&[])]
#[case::http(&["--http"])]
fn healthcheck_is_content_while_all_answer_and_not_after(#[case] args: &[&str]) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let args: Vec<&str> = ["--ready-file", &file]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let (process, ready) = Process::serve(2, &args);
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (Some(0), "", "")
    );
    let kept = folder.write("kept.json", &fs::read_to_string(&file).unwrap());
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    let gone = healthcheck(&["--ready-file", &file]);
    assert_eq!(gone.code, Some(3));
    assert!(
        gone.err.contains(&file) && gone.err.contains("hint: serve writes it"),
        "{}",
        gone.err
    );
    let silent = healthcheck(&["--ready-file", &kept]);
    assert_eq!(silent.code, Some(3));
    assert!(
        ready.iter().all(|line| silent
            .err
            .contains(&format!("{} does not answer: ", line.url))),
        "{}",
        silent.err
    );
}

#[test]
fn healthcheck_names_the_one_that_does_not_answer() {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let (_process, lines) = Process::serve(1, &["--kind", "sensor", "--ready-file", &file]);
    // It takes connections and ends each without a word.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", mute.local_addr().unwrap());
    thread::spawn(move || mute.incoming().for_each(drop));
    let mut ready: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    ready["appliances"]
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({ "name": "mute", "kind": "sensor", "url": url }));
    let end = healthcheck(&[
        "--ready-file",
        &folder.write("both.json", &ready.to_string()),
    ]);
    assert_eq!(end.code, Some(3));
    assert!(
        end.err.contains(&url) && !end.err.contains(&lines[0].url),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_does_not_ask_whose_certificate_it_is() {
    let folder = Folder::new();
    let own = Identified::new(&["elsewhere.example"]);
    let (cert, key, file) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
        folder.path("ready.json"),
    );
    let (_process, _) = Process::serve(
        2,
        &[
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
            "--ready-file",
            &file,
        ],
    );
    assert_eq!(healthcheck(&["--ready-file", &file]).code, Some(0));
}

#[test]
fn healthcheck_refuses_a_file_that_is_none() {
    let folder = Folder::new();
    let file = folder.write("ready.json", "{\"version\":1}");
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(end.code, Some(1));
    assert!(
        end.err.contains("is not a ready file: missing field"),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_without_a_file_asks_the_default_address() {
    let end = healthcheck(&[]);
    // Somebody on this machine may be serving there.
    assert!(
        end.code == Some(0)
            || (end.code == Some(3) && end.err.contains("https://127.0.0.1:8443 does not answer")),
        "{end:?}"
    );
}

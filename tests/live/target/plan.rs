//! What would be sent, and that it is not.

use std::net::TcpListener;

use crate::target::stage::{CONSENT, Ran, Stage, command};

#[test]
fn a_plan_needs_nobody_at_home() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (stage, url) = (Stage::new(), format!("https://{closed}"));
    let ran = Ran::of(
        command()
            .args([
                "plan",
                &url,
                "--kind",
                "sensor",
                "--accounts",
                stage.accounts().to_str().unwrap(),
            ])
            .args(CONSENT),
    );
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(ran.says("nothing was sent"), "{ran}");
}

#[test]
fn a_plan_sends_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let stage = Stage::new();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let accounts = stage.accounts();
    let ran = Ran::of(
        command()
            .args([
                "plan",
                &url,
                "--kind",
                "sensor",
                "--accounts",
                accounts.to_str().unwrap(),
            ])
            .args(CONSENT),
    );
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(ran.says("$USER_NEW_PASSWORD") && ran.says("curl") && ran.says("nothing was sent"));
    assert!(listener.accept().is_err(), "somebody called");
}

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

#[test]
fn a_plan_counts_earlier_failures_and_lists_own_requests() {
    let stage = Stage::new();
    assert_eq!(stage.check(&[]).code(), 0);
    let failed = stage.failures();
    assert!(failed > 0);
    let sent = stage.seen().len();
    let accounts = stage.accounts();
    let mut plan = stage.command(&["plan", &stage.url, "--kind", "sensor", "--accounts"]);

    let ran = Ran::of(plan.arg(accounts).args(CONSENT));

    assert_eq!((ran.code(), stage.seen().len()), (0, sent), "{ran}");
    let earlier = format!("{failed} of them in the last 15 minutes; nothing was sent");
    assert!(ran.says(&earlier), "{ran}");
    for words in [
        "each account is validated once",
        "$BYSTANDER_PASSWORD",
        "its password set to itself, before any change",
    ] {
        assert!(ran.says(words), "{words}: {ran}");
    }
}

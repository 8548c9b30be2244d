//! What is done to an appliance while it runs, and what is refused with nothing changed.

use d4iot_double::{fixture, server::MockAppliance};

use crate::state::read;

fn host(failures: &str) -> MockAppliance {
    MockAppliance::from_fixture(
        &read(&format!(
            "appliance: sensor\nseed: 7\nfailures: {failures}\n"
        )),
        7,
    )
}

fn written(host: &MockAppliance) -> String {
    host.export().export()
}

#[test]
fn users_come_and_go_until_a_reset() {
    let host = host("[]");
    let before = written(&host);
    let user = fixture::read_user(
        "body",
        r#"{"username": "svc", "password": "x", "role": "admin"}"#,
    )
    .unwrap();
    assert!(host.put_user(user.clone()) && !host.put_user(user));
    assert_eq!(
        (host.remove_user("test"), host.remove_user("test")),
        (Ok(true), Ok(false))
    );
    assert_eq!(
        host.users()
            .iter()
            .map(|user| user.username.as_str())
            .collect::<Vec<_>>(),
        ["admin", "adminUser", "myUser", "svc"]
    );
    host.reset();
    assert_eq!(written(&host), before);
}

#[test]
fn a_user_whom_a_mode_is_about_stays() {
    let host = host("[{ name: m, user: test, do: { status: 503 } }]");
    let before = written(&host);
    assert_eq!(host.remove_user("test"), Err(vec!["m".to_owned()]));
    assert_eq!(written(&host), before);
    assert!(host.remove_failure("m"));
    assert_eq!(host.remove_user("test"), Ok(true));
}

#[test]
fn readings_that_a_mode_cannot_live_with_change_nothing() {
    let host = host("[{ name: m, on: validation, do: { outcome: authenticated, truncate: 34 } }]");
    let before = written(&host);
    let shorter =
        fixture::read_readings("body", "validation.authenticated.body: table", host.kind())
            .unwrap();
    let error = host.set_readings(&shorter).unwrap_err().to_string();
    assert!(
        error.contains("truncate") && error.contains(" --> m:1:"),
        "{error}"
    );
    assert_eq!(written(&host), before);
    assert!(host.remove_failure("m"));
    host.set_readings(&shorter).unwrap();
    assert_eq!(host.readings(), shorter);
    host.reset();
    assert!(host.readings().is_empty() && written(&host) == before);
}

#[test]
fn a_mode_is_added_as_it_is_written_and_a_name_once() {
    let host = host("[{ name: m, do: { status: 503 } }]");
    let added = host
        .add_failure("body", |context| {
            let text = r#"{"name":"late","do":{"delay":"1s"},"armed":false}"#;
            fixture::read_mode("body", text, context)
        })
        .unwrap()
        .unwrap();
    assert_eq!(
        added.written.to_string(),
        r#"{"name":"late","do":{"delay":"1s"},"armed":false}"#
    );
    assert!(
        host.add_failure("body", |context| {
            fixture::read_mode("body", "{name: m, do: {status: 500}}", context)
        })
        .unwrap()
        .is_none()
    );
    let modes = host.failures();
    assert_eq!(
        modes
            .iter()
            .map(|(failure, _)| failure.written["do"].to_string())
            .collect::<Vec<_>>(),
        [r#"{"status":503}"#, r#"{"delay":"1s"}"#]
    );
    let late = &modes[1].1;
    assert_eq!(
        (late.mode.as_str(), late.armed, late.seen, late.fired),
        ("late", false, 0, 0)
    );
}

#[test]
fn no_more_modes_are_added_than_a_fixture_can_have() {
    let host = host("[]");
    let add = |number: u32| {
        host.add_failure("body", |context| {
            let text = format!("{{name: m{number}, armed: false, do: {{status: 503}}}}");
            fixture::read_mode("body", &text, context)
        })
    };
    assert!((0..1_000).all(|number| add(number).is_ok_and(|added| added.is_some())));
    assert_eq!(
        add(1_000).unwrap_err().message,
        "too many failure modes, expected at most 1000"
    );
    assert_eq!(read(&written(&host)).failures.len(), 1_000);
}

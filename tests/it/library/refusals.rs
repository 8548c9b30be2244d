//! What means nothing is refused with the place in the test or in the fixture, the value, and a way out; no password is shown.

use std::time::Duration;

use d4iot_double::{Builder, Double, Failure, Operation, Scope};
use rstest::rstest;

#[rstest]
#[case::empty_name(Double::sensor().user("", "hunter22"), "error: username is empty\n --> tests/it/library/refusals.rs:")]
#[case::empty_password(Double::sensor().user("test", ""), "error: password is empty\n")]
#[case::twice(Double::sensor().user("test", "hunter22").user("test", "hunter23"), "error: duplicate user \"test\"\n")]
#[case::policy(Double::sensor().policy("product_9"), "unknown policy `product_9`, expected one of examples, product_8, product_16")]
#[case::lockout(Double::sensor().lockout(0, Scope::Account, Duration::from_secs(1)), "error: after is `0`, expected a whole number from 1 to 1000000")]
#[case::no_time(Double::sensor().lockout(5, Scope::Account, Duration::ZERO), "error: ")]
#[case::fact(Double::sensor().reading("X99", "table"), "error: unknown fact `X99`")]
#[case::reading(Double::sensor().reading("X11", "tabel"), "error: unknown reading `tabel`, expected one of example, table\n")]
#[case::address(Double::sensor().listen("localhost:0"), "error: listen is `localhost:0`, expected ADDRESS:PORT\n")]
#[case::not_ours(Double::sensor().listen("192.0.2.1:0"), "error: binding 192.0.2.1:0: ")]
#[case::san(Double::sensor().san("no name"), "error: ")]
#[case::no_file(
    Double::fixture("fixtures/absent.yaml"),
    "error: reading fixtures/absent.yaml: No such file"
)]
#[case::text(
    Double::from_yaml("appliance: sensor\npolicy: none"),
    "error: line 2 column 9 of the fixture: unknown policy `none`"
)]
#[case::times(Double::sensor().failure(Failure::hang().times(0)), "error: failure mode `hang`: times is `0`, expected")]
#[case::rate(Double::sensor().failure(Failure::hang().rate(1.5)), "error: failure mode `hang`: rate is `1.5`, expected")]
#[case::no_rate(Double::sensor().failure(Failure::hang().rate(f64::NAN)), "error: failure mode `hang`: rate is null, expected")]
#[case::status(Double::sensor().failure(Failure::status(99)), "error: failure mode `status`: status is `99`, expected")]
#[case::user(Double::sensor().failure(Failure::hang().user("nobody")), "error: failure mode `hang`: unknown user `nobody`, expected one of")]
#[case::name(Double::sensor().failure(Failure::hang().named("no name")), "error: failure mode `no name`: name is `no name`, expected")]
#[case::unknown(Double::sensor().failure(Failure::ready_made("reboting")), "error: unknown failure mode `reboting`\n")]
#[case::hint(Double::sensor().failure(Failure::ready_made("reboting")), "\n  hint: did you mean `rebooting`?")]
#[case::tls(Double::sensor().http().failure(Failure::ready_made("wrong_name")), "which cannot happen over plain HTTP")]
#[case::two_of_a_name(Double::sensor().failure(Failure::hang().named("a")).failure(Failure::hang().named("a")), "there is a failure mode `a` already")]
#[case::yaml(Double::sensor().failure(Failure::from_yaml("do:\n  stats: 500")), "error: line 2 column 3 of the failure's YAML: unknown key `stats`")]
#[case::yaml_shifted(
    Double::sensor().failure(Failure::from_yaml("# a\n {when: {every: 0}, do: {status: 500}}").times(1)),
    "error: line 2 column 3 of the failure's YAML: duplicate key `when`"
)]
#[case::yaml_value(Double::sensor().failure(Failure::from_yaml("{when: {every: 0}, do: {status: 500}}")), "error: line 1 column 16 of the failure's YAML: every is `0`")]
#[case::yaml_empty(Double::sensor().failure(Failure::from_yaml("")), "expected a map with the key `do`")]
#[case::yaml_torn(Double::sensor().failure(Failure::from_yaml("do: {")), "of the failure's YAML")]
#[tokio::test]
async fn what_means_nothing_is_refused(#[case] builder: Builder, #[case] says: &str) {
    let error = builder.start().await.unwrap_err().to_string();
    assert!(error.contains(says), "{error}");
    assert!(
        error.contains("\n --> tests/it/library/refusals.rs:"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_mistake_in_a_file_is_shown_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plant.yaml");
    std::fs::write(
        &file,
        "appliance: sensor\nusers:\n  - { username: test, password: hunter22, role: adm }\n",
    )
    .unwrap();
    let error = Double::fixture(&file).start().await.unwrap_err();
    assert_eq!(error.place, format!("{}:3:49", file.display()));
    assert!(
        error
            .message
            .starts_with("unknown role `adm`, expected one of")
            && !format!("{error:?}").contains("hunter22"),
        "{error}"
    );
}

#[tokio::test]
async fn a_taken_port_is_reported_with_a_remedy() {
    let first = Double::sensor().http().start().await.unwrap();
    let error = Double::console()
        .http()
        .listen(first.url().trim_start_matches("http://"))
        .start()
        .await
        .unwrap_err();
    assert!(
        error.message.starts_with("binding 127.0.0.1:")
            && error.hint.as_deref() == Some("port 0 takes any free one"),
        "{error}"
    );
}

#[tokio::test]
async fn while_it_runs_a_refusal_changes_nothing() {
    let sensor = Double::sensor().http().start().await.unwrap();
    for failure in [
        Failure::hang().calls([0]),
        Failure::ready_made("no_such"),
        Failure::ready_made("expired_certificate"),
        Failure::from_yaml("- a"),
    ] {
        let error = sensor.try_fail(failure).unwrap_err();
        assert!(
            error.place.starts_with("tests/it/library/refusals.rs:"),
            "{error}"
        );
    }
    assert_eq!(sensor.counters(), []);
    let error = sensor.reading("X11", "tabel").unwrap_err();
    assert!(
        error.message.contains("expected one of example, table"),
        "{error}"
    );
    sensor.reading("X11", "table").unwrap();
}

#[tokio::test]
async fn a_failure_that_means_nothing_panics_at_the_line_that_arms_it() {
    let sensor = Double::sensor().start().await.unwrap();
    let fail = std::panic::AssertUnwindSafe(|| {
        sensor.fail(Operation::Validation, Failure::ready_made("no_such"))
    });
    let text = *std::panic::catch_unwind(fail)
        .unwrap_err()
        .downcast::<String>()
        .unwrap();
    assert!(
        text.starts_with("error: unknown failure mode `no_such`")
            && text.contains("tests/it/library/refusals.rs:"),
        "{text}"
    );
}

//! Failures as a test writes them: each does what it says, when it says so, and is counted.

use std::time::Duration;

use d4iot_double::{Double, Failure, Operation, Outcome, Progress, fixture};
use rstest::rstest;

use crate::library::client;

#[tokio::test]
async fn lost_answer_changes_the_password_only_after_commit() {
    for (failure, changed) in [
        (Failure::reset_after_commit(), true),
        (Failure::reset_before_commit(), false),
    ] {
        let sensor = Double::sensor().start().await.unwrap();
        let name = sensor.fail(Operation::SetPassword, failure.times(1));
        let target = client::target(&sensor);
        assert!(
            client::set_password(&target, "test", "Test12345!", "Other-1234!")
                .await
                .is_err()
        );
        assert_eq!(sensor.password_is("test", "Other-1234!"), changed);
        let again = client::set_password(&target, "test", "Test12345!", "Other-1234!")
            .await
            .unwrap();
        assert_eq!(again.status() == 200, !changed);
        assert_eq!(sensor.fired(&name), Some(1));
        assert_eq!(
            sensor.journal().failure(&name).state(Progress::Cut).count(),
            1
        );
    }
}

#[rstest]
#[case::always(Failure::status(503), [503, 503, 503, 503])]
#[case::once(Failure::status(503).times(1), [503, 200, 200, 200])]
#[case::some(Failure::status(503).calls([2, 4]), [200, 503, 200, 503])]
#[case::every_second(Failure::status(418).every(2), [200, 418, 200, 418])]
#[case::from_the_third(Failure::status(503).after(2), [200, 200, 503, 503])]
#[case::hardly_ever(Failure::status(503).rate(1e-9), [200, 200, 200, 200])]
#[case::almost_always(Failure::status(503).rate(0.999_999_999), [503, 503, 503, 503])]
#[case::another_outcome(Failure::outcome(Outcome::LockedOut).times(2), [403, 403, 200, 200])]
#[case::of_another_operation(Failure::status(503).on([Operation::SetPassword]), [200, 200, 200, 200])]
#[case::of_this_operation(Failure::status(503).on([Operation::SetPassword, Operation::Validation]), [503, 503, 503, 503])]
#[case::of_another_user(Failure::status(503).user("admin"), [200, 200, 200, 200])]
#[case::of_this_user(Failure::status(503).user("test").times(3), [503, 503, 503, 200])]
#[case::ready_made(Failure::ready_made("proxy_error").times(1), [502, 200, 200, 200])]
#[case::yaml(Failure::from_yaml("# mine\ndo: { status: 500 }\n").calls([1]), [500, 200, 200, 200])]
#[case::yaml_in_braces(Failure::from_yaml("{ do: { status: 500 }, when: { times: 1 } }"), [500, 200, 200, 200])]
#[case::json(Failure::from_yaml(r#"{"name": "mine", "do": {"status": 500}}"#).user("test"), [500, 500, 500, 500])]
#[tokio::test]
async fn a_failure_fires_when_it_says(#[case] failure: Failure, #[case] expected: [u16; 4]) {
    for at_the_start in [true, false] {
        let builder = Double::sensor().http();
        let builder = if at_the_start {
            builder.failure(failure.clone())
        } else {
            builder
        };
        let sensor = builder.start().await.unwrap();
        if !at_the_start {
            sensor.fail_any(failure.clone());
        }
        let target = client::target(&sensor);
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(
                client::validate(&target, "test", "Test12345!")
                    .await
                    .unwrap()
                    .status()
                    .as_u16(),
            );
        }
        assert_eq!(statuses, expected);
        let fired = expected.iter().filter(|status| **status != 200).count() as u64;
        assert_eq!(
            sensor
                .counters()
                .iter()
                .map(|counter| counter.fired)
                .sum::<u64>(),
            fired
        );
    }
}

#[tokio::test]
async fn the_same_seed_fires_on_the_same_calls() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let sensor = Double::sensor()
            .http()
            .seed(seed)
            .failure(Failure::status(503).rate(0.5))
            .start()
            .await
            .unwrap();
        let target = client::target(&sensor);
        let mut fired = Vec::new();
        for _ in 0..32 {
            fired.push(
                client::validate(&target, "test", "Test12345!")
                    .await
                    .unwrap()
                    .status()
                    == 503,
            );
        }
        runs.push(fired);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn failures_have_names_and_can_be_disarmed_and_armed() {
    let sensor = Double::sensor().start().await.unwrap();
    let slow = || Failure::slow(Duration::from_millis(1));
    assert_eq!(
        [
            sensor.fail_any(slow()),
            sensor.fail_any(slow()),
            sensor.fail_any(slow().named("mine"))
        ],
        ["slow", "slow-2", "mine"]
    );
    let taken = sensor.try_fail(slow().named("mine")).unwrap_err();
    assert!(
        taken.to_string().starts_with(
            "error: there is a failure mode `mine` already\n --> tests/it/library/failures.rs:"
        ),
        "{taken}"
    );
    assert!(sensor.disarm("slow") && !sensor.disarm("unheard_of") && !sensor.counters()[0].armed);
    assert!(sensor.arm("slow") && sensor.counters()[0].armed);
    assert_eq!(
        (sensor.fired("slow"), sensor.fired("unheard_of")),
        (Some(0), None)
    );
}

#[tokio::test]
async fn every_ready_made_mode_can_be_armed() {
    let sensor = Double::sensor().start().await.unwrap();
    for name in fixture::READY_MADE {
        assert_eq!(sensor.fail_any(Failure::ready_made(*name)), *name);
    }
    assert_eq!(sensor.counters().len(), fixture::READY_MADE.len());
}

#[tokio::test]
async fn a_redirection_leads_to_a_sign_in_page() {
    let redirected = Failure::ready_made("redirected");
    let sensor = Double::sensor().http().failure(redirected).start().await;
    let sensor = sensor.unwrap();
    let target = client::target(&sensor);
    for (path, status, header) in [
        ("/external/authentication/validation", 302, "location"),
        ("/login", 200, "content-type"),
    ] {
        let request = http::Request::get(path).body(Default::default()).unwrap();
        let answer = target.send(&request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let value = answer.headers()[header].to_str().unwrap();
        assert!(
            ["/login", "text/html; charset=utf-8"].contains(&value),
            "{value}"
        );
    }
    assert_eq!(sensor.journal().outcome(Outcome::UnknownPath).count(), 0);
    assert_eq!(sensor.journal().judged(Outcome::UnknownPath).count(), 2);
    let error = Failure::status(503);
    sensor.reset();
    sensor.disarm("redirected");
    sensor.fail(Operation::SetPassword, error);
    let answer = client::set_password(&target, "test", "Test12345!", "Other-1234!").await;
    let answer = answer.unwrap();
    assert_eq!(
        (answer.status(), answer.body().len()),
        (503.try_into().unwrap(), 0)
    );
    assert!(!answer.headers().contains_key("content-type"));
    assert!(!sensor.password_is("test", "Other-1234!"));
}

#[tokio::test]
async fn a_mode_of_an_outcome_applies_to_that_outcome_alone() {
    let refused = "when: { outcome: credentials_rejected, calls: 2 }\ndo: { outcome: credentials_rejected, status: 400 }";
    let sensor = Double::sensor()
        .http()
        .failure(Failure::from_yaml(refused).named("refused"))
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    for (password, expected) in [
        ("wrong", 401),
        ("Test12345!", 200),
        ("wrong", 400),
        ("wrong", 401),
    ] {
        let answer = client::validate(&target, "test", password).await.unwrap();
        assert_eq!(answer.status(), expected);
        assert_eq!(answer.body().starts_with(b"{\"error"), expected != 200);
    }
    assert_eq!(
        (sensor.counters()[0].seen, sensor.fired("refused")),
        (3, Some(1))
    );
}

#[tokio::test]
async fn a_status_and_a_body_can_be_anything() {
    let body = r#"{"detail":"Not found"}"#;
    let sensor = Double::sensor()
        .http()
        .reading("any.unknown_path.body", body)
        .reading("any.unknown_path.status", "410")
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    let answer = target.send(&client::post("/nowhere", "{}")).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.body()[..]),
        (410, body.as_bytes())
    );
    let documented = Double::sensor()
        .http()
        .reading("validation.authenticated.body", body);
    let documented = documented.start().await.unwrap();
    let target = client::target(&documented);
    let answer = client::validate(&target, "test", "Test12345!").await;
    assert_eq!(&answer.unwrap().body()[..], body.as_bytes());
}

#[tokio::test]
async fn a_fixture_in_a_file_uses_files_of_modes() {
    let folder = tempfile::tempdir().unwrap();
    let modes =
        "failures: [{ name: own, operations: validation, user: test, do: { status: 503 } }]";
    std::fs::write(folder.path().join("modes.yaml"), modes).unwrap();
    let text = "appliance: sensor\nuse: [slow_first_answer, ./modes.yaml]\n";
    let file = folder.path().join("plant.yaml");
    std::fs::write(&file, text).unwrap();
    let sensor = Double::fixture(&file).http().start().await.unwrap();
    let names: Vec<_> = sensor
        .counters()
        .into_iter()
        .map(|counter| counter.mode)
        .collect();
    assert_eq!(names, ["slow_first_answer", "own"]);
    let error = Double::from_yaml(text).start().await.unwrap_err();
    assert!(
        error.message.contains("only a fixture in a file"),
        "{error}"
    );
    std::fs::write(
        folder.path().join("modes.yaml"),
        "failures: [{ name: own, do: { statsu: 503 } }]",
    )
    .unwrap();
    let error = Double::fixture(&file).start().await.unwrap_err();
    assert!(error.place.starts_with("./modes.yaml:1:"), "{error}");
}

#[rstest]
#[case::that_verifies(false, 0)]
#[case::that_accepts_anything(true, 2)]
#[tokio::test]
async fn the_journal_names_a_bad_certificate(#[case] accepts: bool, #[case] expected: u64) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sensor = Double::sensor().start().await.unwrap();
    sensor.fail_any(Failure::ready_made("unknown_ca").times(1));
    sensor.fail_any(Failure::ready_made("bom"));
    let ca = reqwest::Certificate::from_pem(sensor.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([ca]);
    let client = client.tls_danger_accept_invalid_certs(accepts).build();
    let client = client.unwrap();
    for _ in 0..2 {
        let request = client.post(format!(
            "{}/external/authentication/validation",
            sensor.url()
        ));
        let sent = request.body("{}").send().await;
        assert_eq!(sent.is_ok(), accepts);
        if !accepts {
            break;
        }
    }
    // Both requests came over the connection that showed it, whatever else happened to the answers.
    let journal = sensor.journal().failure("unknown_ca");
    assert_eq!(journal.count(), expected);
    assert_eq!(sensor.journal().failure("bom").count(), expected);
}

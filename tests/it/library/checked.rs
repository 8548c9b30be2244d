//! The suite from a test: at a double of our own, as at anybody's server.

use d4iot_double::{Account, Double, Failure, Kind, Role};

#[tokio::test]
async fn double_passes_the_suite_and_its_readings_are_reported() {
    let sensor = Double::sensor()
        .reading("X11", "table")
        .start()
        .await
        .unwrap();
    let check = d4iot_double::check(sensor.url(), Kind::Sensor)
        .trust(sensor.ca_pem())
        .user("test", "Test12345!")
        .admin("admin", "Test0987");
    let checked = check.max_auth_failures(1000).run().await.unwrap();
    checked.assert_passed();
    assert!(
        checked.counts().documented > 5 && checked.counts().deviation == 0,
        "{checked}"
    );
    assert_eq!(
        checked.reading("validation.authenticated.body"),
        Some("table")
    );
    let text = checked.to_string();
    assert!(
        text.contains("none fails") && !text.contains("Test12345!") && !text.contains("Test0987"),
        "{text}"
    );
    assert!(sensor.password_is("test", "Test12345!") && sensor.journal().count() > 50);
}

#[tokio::test]
async fn a_server_that_deviates_fails_and_the_report_says_where() {
    let console = Double::console()
        .http()
        .failure(Failure::from_yaml(
            "do: { json: { msg: Quite another text } }",
        ))
        .start()
        .await
        .unwrap();
    let checked = d4iot_double::check(console.url(), Kind::Console)
        .user("test", "Test12345!")
        .case("validation.authenticated*")
        .run()
        .await
        .unwrap();
    assert!(
        !checked.passed()
            && checked
                .deviations()
                .iter()
                .any(|case| case.id == "validation.authenticated"),
        "{checked}"
    );
    let panic = std::panic::catch_unwind(|| checked.assert_passed()).unwrap_err();
    let text = *panic.downcast::<String>().unwrap();
    assert!(
        text.starts_with("the server is not as documented\n\n")
            && text.contains("Quite another text")
            && !text.contains("Test12345!"),
        "{text}"
    );
}

#[test]
fn passwords_are_changed_by_consent_alone_and_given_back() {
    let builder = Double::sensor()
        .http()
        .user_with_role("boss", "Boss-1234!", Role::Admin)
        .user("lab", "Lab-12345!");
    let sensor = builder.start_blocking().unwrap();
    let check = || {
        let check = d4iot_double::check(sensor.url(), Kind::Sensor)
            .account(Account::User, "lab", "Lab-12345!")
            .admin("boss", "Boss-1234!");
        check.case("set_password.password_replaced")
    };
    let folder = tempfile::tempdir().unwrap();
    let without = check().run_blocking().unwrap();
    assert!(
        !without.passed() && without.counts().not_judged == 1,
        "{without}"
    );
    let changes = || {
        sensor
            .journal()
            .entries()
            .iter()
            .filter(|entry| entry.changed)
            .count()
    };
    assert_eq!(changes(), 0);
    let with = check()
        .change_passwords_on("127.0.0.1")
        .journal_in(folder.path())
        .run_blocking()
        .unwrap();
    with.assert_passed();
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    // A wrong password was validated before the first change: the next run counts that too.
    assert!(
        left.len() == 1
            && left[0]
                .extension()
                .is_some_and(|extension| extension == "failures"),
        "the journal is closed: {left:?}"
    );
    assert!(
        changes() >= 2 && sensor.password_is("lab", "Lab-12345!"),
        "{with}"
    );
}

#[tokio::test]
async fn wrong_check_options_are_refused_before_any_request() {
    let sensor = Double::sensor().http().start().await.unwrap();
    let check = |url: &str| d4iot_double::check(url, Kind::Sensor);
    let cases = [
        (
            check("sensor"),
            "the address lacks https://; did you mean https://sensor?",
        ),
        (
            check("ftp://127.0.0.1"),
            "the address is not https:// or http://",
        ),
        (
            check("http://me:hunter22@127.0.0.1"),
            "the address contains credentials",
        ),
        (check("http://192.0.2.1"), "is not on this machine"),
        (
            check(sensor.url()).case("no.such.case"),
            "no case is selected",
        ),
        (check(sensor.url()).case("[a"), "error"),
        (
            check(sensor.url()).change_passwords_on("10.0.0.5"),
            "passwords may be changed on `10.0.0.5`, but the target is `127.0.0.1:",
        ),
        (
            check(sensor.url())
                .user("admin", "hunter22")
                .change_passwords_on("127.0.0.1"),
            "account `user`: the password of `admin` is never changed",
        ),
    ];
    for (check, says) in cases {
        let error = check.run().await.unwrap_err().to_string();
        assert!(
            error.contains(says)
                && error.contains(" --> tests/it/library/checked.rs:")
                && !error.contains("hunter22"),
            "{error}"
        );
    }
    assert_eq!(sensor.journal().count(), 0);
    drop(sensor);
    let gone = check("http://127.0.0.1:1").run().await.unwrap();
    assert!(
        !gone.passed() && gone.to_string().contains("could not be reached"),
        "{gone}"
    );
}

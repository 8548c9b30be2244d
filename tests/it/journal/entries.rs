//! The journal: what it says.

use super::*;

#[tokio::test]
async fn an_entry_tells_why_and_what_is_wrong_with_the_client() {
    let double = open("");
    let body = r#"{"admin_user": "admin", "admin_password": "Test0987", "username": "test", "new_password": "Else1234!"}"#;
    ask(
        &double,
        "/api/external/authentication/set_password_by_admin",
        body,
    )
    .await;
    ask(
        &double,
        VALIDATION,
        r#"{"username": "test", "password": "wrong"}"#,
    )
    .await;
    ask(&double, "/external/authentication/validation", "{}").await;
    let entries = double
        .appliance()
        .journal(&EntryFilter::default(), 9)
        .entries;
    assert_eq!(entries[0].findings[0].name, "admin_user");
    assert_eq!(entries[1].reason, "user exists, password differs");
    assert!(
        entries[2]
            .suggestion
            .as_ref()
            .unwrap()
            .starts_with("this is the console's path of validation; this appliance is a sensor")
    );
    assert_eq!(
        double.appliance().findings(),
        [(Finding::AdminUser, 1), (Finding::UnknownPath, 1)]
    );
    let shown = serde_json::to_string(&entries).unwrap();
    assert!(
        !shown.contains("Test0987") && !shown.contains("Else1234!"),
        "{shown}"
    );
}

#[tokio::test]
async fn long_replaced_password_is_hidden_anywhere() {
    let double = open("");
    let change = |old: &str, new: &str| {
        format!(r#"{{"username": "test", "password": "{old}", "new_password": "{new}"}}"#)
    };
    ask(
        &double,
        "/api/external/authentication/set_password",
        &change("Test12345!", "Middle123!"),
    )
    .await;
    ask(
        &double,
        "/api/external/authentication/set_password",
        &change("Middle123!", "Last1234!"),
    )
    .await;
    for secret in ["Test12345!", "Middle123!", "Last1234!"] {
        ask(
            &double,
            &format!("/x/{secret}"),
            &format!(r#"{{"username": "{secret}"}}"#),
        )
        .await;
    }
    let shown = serde_json::to_string(
        &double
            .appliance()
            .journal(&EntryFilter::default(), 9)
            .entries,
    )
    .unwrap();
    assert!(
        !["Test12345!", "Middle123!", "Last1234!"]
            .iter()
            .any(|secret| shown.contains(secret)),
        "{shown}"
    );
    assert_eq!(shown.matches("/x/«secret»").count(), 3);
}

#[tokio::test]
async fn to_explain_changes_and_counts_nothing() {
    let double = open("outcome: locked_out");
    let body = r#"{"username": "test", "password": "Test12345!", "new_password": "Else1234!"}"#;
    let request = http::Request::post("/api/external/authentication/set_password")
        .header("content-type", "application/json");
    let request = request.body(body.into()).unwrap();
    let explained = double.appliance().explain(&request, [127, 0, 0, 1].into());
    assert_eq!(
        (
            explained.outcome,
            explained.failure.as_deref(),
            explained.changes
        ),
        (Some(Outcome::LockedOut), Some("bad"), false)
    );
    assert_eq!(
        (
            explained.reason.as_str(),
            explained.answer.status().as_u16()
        ),
        ("every check holds", 403)
    );
    assert_eq!(
        (
            double.appliance().count(&EntryFilter::default()),
            double.appliance().counters()[0].seen
        ),
        (0, 0)
    );
    double.appliance().set_armed("bad", false);
    let explained = double.appliance().explain(&request, [127, 0, 0, 1].into());
    assert_eq!(
        (explained.outcome, explained.changes),
        (Some(Outcome::PasswordReplaced), true)
    );
    assert_eq!(
        double
            .appliance()
            .state()
            .directory
            .find("test")
            .unwrap()
            .password
            .expose(),
        "Test12345!"
    );
}

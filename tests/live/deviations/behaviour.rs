//! An appliance that says the right words at the wrong time, or says one thing and does another.

use bytes::Bytes;
use d4iot_double::{
    contract,
    contract::{Kind, Operation, Outcome},
};
use http::Response;
use rstest::rstest;
use serde_json::Value;

use crate::deviations::runs::{Meddle, assert_deviates, run_cases, text, worded};

#[rstest]
#[tokio::test]
async fn a_required_field_that_is_not_required_is_a_deviation(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[values(
        Operation::SetPassword,
        Operation::SetPasswordByAdmin,
        Operation::Validation
    )]
    asked: Operation,
) {
    for field in contract::of(kind).clause(asked).fields.keys() {
        for wrap in [as_documented, under_another_key, as_html] {
            let id = |how: &str| format!("{asked}.{field}.{how}");
            let meddle = succeeds_if(kind, asked, wrap, move |body| {
                body.get(field.name())
                    .is_none_or(|value| *value == Value::Null || *value == "")
            });
            let ids = [id("missing"), id("null"), id("empty")];
            let run = run_cases(kind, meddle, |id| ids.iter().any(|wanted| wanted == id)).await;
            assert_deviates(&run, &ids.each_ref().map(String::as_str));
        }
    }
}

/// The appliance that answers "replaced" and did nothing.
#[rstest]
#[tokio::test]
async fn a_change_that_is_promised_and_not_made_is_a_deviation(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
) {
    let meddle: Meddle = Box::new(|exchange| exchange.answer_and_forget());
    let run = run_cases(kind, meddle, |id| id.contains(".then.")).await;
    assert_deviates(
        &run,
        &[
            "set_password.then.new_validates_old_does_not",
            "set_password.then.old_cannot_change",
            "set_password.then.again",
            "set_password_by_admin.then.new_validates_old_does_not",
            "set_password_by_admin.then.own_password_changed",
        ],
    );
}

/// The appliance that refuses, and changes the password all the same.
#[rstest]
#[tokio::test]
async fn a_change_that_is_refused_and_made_is_a_deviation(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
) {
    let meddle: Meddle = Box::new(|exchange| {
        let (answer, body) = (exchange.answer(), exchange.body.clone());
        let changes = exchange
            .operation
            .is_some_and(|operation| operation != Operation::Validation);
        if let (true, Some(username), Some(password)) = (
            changes,
            body["username"].as_str(),
            body["new_password"].as_str(),
        ) {
            exchange.fake.set_password(username, password);
        }
        answer
    });
    let run = run_cases(kind, meddle, |id| id.contains(".refused.")).await;
    assert_deviates(
        &run,
        &[
            "set_password.refused.wrong_password",
            "set_password.refused.policy",
            "set_password.refused.missing_password",
            "set_password_by_admin.refused.wrong_password",
            "set_password_by_admin.refused.permission",
            "set_password_by_admin.refused.policy",
            "set_password_by_admin.refused.missing_admin_password",
        ],
    );
}

/// The appliance that takes any password for the right one.
#[rstest]
#[case::of_the_user("password", "username", &[
    "set_password.authentication_failed.wrong_password",
    "set_password.authentication_failed.another_user_s_password",
    "set_password.token.no_substitute",
    "validation.credentials_rejected.wrong_password",
    "validation.characters.longer",
    "validation.password.number",
    "validation.content_type.form_and_wrong_password",
])]
#[case::of_the_administrator("admin_password", "admin_username", &[
    "set_password_by_admin.authentication_failed.wrong_password",
    "set_password_by_admin.authentication_failed.user_s_password",
    "set_password_by_admin.token.no_substitute",
    "set_password_by_admin.admin_password.number",
])]
#[tokio::test]
async fn a_password_that_is_not_checked_is_a_deviation(
    #[case] field: &'static str,
    #[case] name: &'static str,
    #[case] ids: &[&str],
) {
    let meddle: Meddle = Box::new(move |exchange| {
        let mut body = exchange.body.clone();
        let right = body
            .get(name)
            .and_then(Value::as_str)
            .and_then(|name| exchange.password(name));
        match (body.get_mut(field), right) {
            (Some(given), Some(right)) => {
                *given = right.into();
                exchange.answer_to(&exchange.request.clone().map(|_| body.to_string().into()))
            }
            _ => exchange.answer(),
        }
    });
    // The console's validation reads what a form's type names too.
    let run = run_cases(Kind::Console, meddle, |id| ids.contains(&id)).await;
    assert_deviates(&run, ids);
}

/// Where several checks fail, which speaks first is not judged; that one of them speaks is.
#[rstest]
#[tokio::test]
async fn a_success_where_several_checks_fail_is_a_deviation(
    #[values(Operation::SetPassword, Operation::SetPasswordByAdmin)] asked: Operation,
) {
    let kind = Kind::Sensor;
    let run = run_cases(
        kind,
        succeeds_if(kind, asked, as_documented, |_| true),
        |id| id.contains(".order."),
    )
    .await;
    let ids: Vec<&str> = run
        .summary
        .cases
        .iter()
        .map(|case| case.id.as_str())
        .filter(|id| id.starts_with(&format!("{asked}.")))
        .collect();
    assert!(ids.len() > 1);
    assert_deviates(&run, &ids);
}

#[tokio::test]
async fn who_is_locked_and_no_administrator_does_not_act() {
    let kind = Kind::Sensor;
    let meddle = succeeds_if(kind, Operation::SetPasswordByAdmin, as_documented, |_| true);
    let run = run_cases(kind, meddle, |id| id.contains(".state.acting.")).await;
    assert_deviates(
        &run,
        &[
            "set_password_by_admin.state.acting.locked",
            "set_password_by_admin.state.acting.disabled",
        ],
    );
}

/// One deviating step makes a deviating case, whatever the other steps are.
#[tokio::test]
async fn a_sequence_is_as_grave_as_its_gravest_step() {
    let kind = Kind::Sensor;
    let meddle = succeeds_if(kind, Operation::Validation, as_documented, |_| true);
    let run = run_cases(kind, meddle, |id| {
        id == "set_password.refused.missing_password"
    })
    .await;
    assert_deviates(&run, &["set_password.refused.missing_password"]);
    assert_eq!(run.summary.counts.deviation, 1);
    assert_eq!(
        run.summary.cases[0]
            .reasons
            .iter()
            .map(|finding| finding.step)
            .collect::<Vec<_>>(),
        [3]
    );
}

/// Answers that an operation succeeded, if its body is like that; all else is the appliance's.
fn succeeds_if(
    kind: Kind,
    asked: Operation,
    wrap: fn(Kind, Operation, Outcome) -> Response<Bytes>,
    like: impl Fn(&Value) -> bool + Send + Sync + 'static,
) -> Meddle {
    let success = if asked == Operation::Validation {
        Outcome::Authenticated
    } else {
        Outcome::PasswordReplaced
    };
    Box::new(move |exchange| {
        let meant = exchange.operation == Some(asked) && like(&exchange.body.clone());
        if meant {
            wrap(kind, asked, success)
        } else {
            exchange.answer()
        }
    })
}

fn as_documented(kind: Kind, asked: Operation, success: Outcome) -> Response<Bytes> {
    Response::builder()
        .header("content-type", "application/json")
        .body(worded(kind, asked, success, None, "").into())
        .unwrap()
}

fn under_another_key(kind: Kind, asked: Operation, success: Outcome) -> Response<Bytes> {
    let body = serde_json::json!({ "message": text(kind, asked, success) });
    Response::builder()
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

fn as_html(kind: Kind, asked: Operation, success: Outcome) -> Response<Bytes> {
    let body = format!("<html><body>{}</body></html>", text(kind, asked, success));
    Response::builder()
        .header("content-type", "text/html")
        .body(body.into())
        .unwrap()
}

//! The right thing said in a form of its own: which forms deviate, and which mean the same.

use bytes::Bytes;
use d4iot_double::{
    contract::{Kind, Operation, Outcome},
    report::Conformance,
};
use http::{HeaderValue, Response, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json as value};

use crate::deviations::runs::{
    assert_deviates, bent, documented, failed, json, plain, run, run_cases, text, verdicts,
    with_body,
};

type Answer = Response<Bytes>;
type Bend = fn(Answer) -> Answer;

/// Every case that an honest appliance passes as documented deviates.
#[rstest]
#[case::another_wording(|answer: Answer| rewritten(answer, |body| map_text(body, &|text| format!("{text}!"))))]
#[case::capitals(|answer: Answer| rewritten(answer, |body| map_text(body, &|text| text.to_uppercase())))]
#[case::a_list_around_it(|answer: Answer| rewritten(answer, |body| *body = value!([body.clone()])))]
#[case::a_duplicate_key(|answer: Answer| replaced(answer, "{", r#"{"msg":"x","error":"x","#))]
#[case::a_byte_order_mark(|answer: Answer| replaced(answer, "{", "\u{feff}{"))]
#[case::something_behind_it(|answer: Answer| { let body = [&answer.body()[..], b";"].concat(); with_body(answer, body) })]
#[case::html(|answer: Answer| typed(with_body(answer, "<html><body>It works</body></html>"), "text/html"))]
#[case::plain_text(|answer: Answer| typed(answer, "text/plain"))]
#[case::another_charset(|answer: Answer| typed(answer, "application/json; charset=iso-8859-1"))]
#[case::no_content_type(|mut answer: Answer| { answer.headers_mut().remove(header::CONTENT_TYPE); answer })]
#[case::two_content_types(|mut answer: Answer| { answer.headers_mut().append(header::CONTENT_TYPE, HeaderValue::from_static("text/html")); answer })]
#[case::empty(|answer: Answer| with_body(answer, ""))]
#[case::cut(|answer: Answer| { let half = answer.body().slice(..answer.body().len() / 2); with_body(answer, half) })]
#[tokio::test]
async fn another_form_of_every_answer_deviates(#[case] bend: Bend) {
    every_documented_case_deviates(Kind::Console, bend).await;
}

/// The sensor, which has two paths, once for all forms.
#[tokio::test]
async fn another_wording_of_every_answer_of_a_sensor_deviates() {
    every_documented_case_deviates(Kind::Sensor, |answer| {
        rewritten(answer, |body| map_text(body, &|text| format!("{text}!")))
    })
    .await;
}

async fn every_documented_case_deviates(kind: Kind, bend: Bend) {
    let run = run(kind, bent(bend)).await;
    let (bent, documented) = (verdicts(&run), documented(kind).await);
    assert!(documented.len() > 80);
    let spared = documented
        .into_iter()
        .filter(|id| bent[id] != Conformance::Deviation);
    assert_eq!(spared.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[tokio::test]
async fn message_is_not_msg() {
    let bend = |answer| {
        rewritten(answer, |body| {
            if let Some(text) = body.as_object_mut().and_then(|body| body.remove("msg")) {
                body["message"] = text;
            }
        })
    };
    let run = run(Kind::Console, bent(bend)).await;
    assert_deviates(
        &run,
        &[
            "validation.authenticated",
            "set_password.password_replaced",
            "set_password_by_admin.password_replaced",
        ],
    );
    // Where two readings lead to one success, neither has these words.
    assert_deviates(
        &run,
        &[
            "validation.content_type.form",
            "validation.quote.c257_filled",
            "set_password.role.read_only",
        ],
    );
}

#[rstest]
#[case::another_name(|_: &str| "somebody".into(), &["braces", "percent", "not_ascii"])]
#[case::no_name(|_: &str| String::new(), &["braces", "percent", "not_ascii"])]
#[case::decoded(|name: &str| name.replace("%41", "A"), &["percent"])]
#[case::ascii(|name: &str| name.chars().filter(char::is_ascii).collect(), &["not_ascii"])]
#[tokio::test]
async fn a_name_that_is_not_the_one_sent_deviates(
    #[case] echo: fn(&str) -> String,
    #[case] cases: &[&str],
) {
    let run = run_cases(
        Kind::Sensor,
        echoing(move |name| Value::String(echo(name)).to_string()),
        |id| id.contains("user_unknown."),
    )
    .await;
    assert_deviates(
        &run,
        &cases
            .iter()
            .map(|case| format!("set_password_by_admin.user_unknown.{case}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
}

#[tokio::test]
async fn a_name_that_is_not_escaped_is_not_judged() {
    let run = run_cases(Kind::Sensor, echoing(|name| format!("\"{name}\"")), |id| {
        id.contains("user_unknown.")
    })
    .await;
    for id in ["json", "quote"] {
        let id = format!("set_password_by_admin.user_unknown.{id}");
        assert_eq!(verdicts(&run)[&*id], Conformance::Undocumented);
    }
}

/// What means the same gets the same verdicts.
#[rstest]
#[case::always_200(|answer: Answer| status(answer, StatusCode::OK))]
#[case::always_500(|answer: Answer| status(answer, StatusCode::INTERNAL_SERVER_ERROR))]
#[case::a_status_nobody_lists(|answer: Answer| status(answer, StatusCode::IM_A_TEAPOT))]
#[case::pretty_printed(|answer: Answer| { let body = serde_json::to_string_pretty(&json(answer.body())).unwrap(); with_body(answer, body) })]
#[case::an_extra_field(|answer: Answer| rewritten(answer, |body| { body["code"] = value!(1); }))]
#[case::a_line_end_behind_it(|answer: Answer| { let body = [&answer.body()[..], b"\r\n"].concat(); with_body(answer, body) })]
#[case::escaped_letters(|answer: Answer| replaced(answer, "e", "\\u0065"))]
#[case::a_type_in_capitals(|answer: Answer| typed(answer, "Application/JSON"))]
#[case::an_empty_parameter(|answer: Answer| typed(answer, "application/json;"))]
#[case::further_headers(|mut answer: Answer| {
    answer.headers_mut().insert("x-request-id", HeaderValue::from_static("7"));
    answer.headers_mut().insert(header::SERVER, HeaderValue::from_static("nginx"));
    answer.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static("a=b"));
    answer
})]
#[case::chunked(|mut answer: Answer| { answer.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")); answer })]
#[case::closing(|mut answer: Answer| { answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close")); answer })]
#[tokio::test]
async fn what_means_the_same_passes(#[case] bend: Bend) {
    let run = run(Kind::Console, bent(bend)).await;
    assert_eq!(&verdicts(&run), plain(Kind::Console).await);
    assert_eq!((failed(&run), run.summary.inconsistent.len()), (vec![], 0));
}

/// Each of these spellings of a charset is the one reading that names it.
#[rstest]
#[tokio::test]
async fn a_charset_has_many_spellings(
    #[values(
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/json; charset=utf8"
    )]
    spelling: &'static str,
) {
    let passes = |id: &str| id.contains(".wrong_password") || id.contains("path.trailing_slash");
    let run = run_cases(
        Kind::Sensor,
        bent(move |answer| typed(answer, spelling)),
        passes,
    )
    .await;
    assert_eq!(
        (run.summary.counts.deviation, run.summary.counts.documented),
        (0, 0)
    );
    let reported = run
        .summary
        .profile
        .iter()
        .filter(|followed| followed.fact.ends_with(".answer_type"));
    assert_eq!(
        reported
            .map(|followed| followed.readings.join(" or "))
            .collect::<Vec<_>>(),
        ["with_charset"; 4]
    );
}

fn rewritten(answer: Answer, rewrite: impl Fn(&mut Value)) -> Answer {
    let mut body = json(answer.body());
    rewrite(&mut body);
    with_body(answer, body.to_string())
}

fn map_text(body: &mut Value, map: &dyn Fn(&str) -> String) {
    match body {
        Value::String(text) => *text = map(text),
        Value::Object(fields) => fields.values_mut().for_each(|value| map_text(value, map)),
        _ => {}
    }
}

fn replaced(answer: Answer, from: &str, to: &str) -> Answer {
    let body = String::from_utf8_lossy(answer.body()).replace(from, to);
    with_body(answer, body)
}

fn typed(mut answer: Answer, content_type: &'static str) -> Answer {
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

fn status(mut answer: Answer, status: StatusCode) -> Answer {
    *answer.status_mut() = status;
    answer
}

/// Words the unknown user's answer with the name as `echo` spells it, quotes and all.
fn echoing(
    echo: impl Fn(&str) -> String + Send + Sync + 'static,
) -> crate::deviations::runs::Meddle {
    let template = text(
        Kind::Sensor,
        Operation::SetPasswordByAdmin,
        Outcome::UserUnknown,
    );
    Box::new(move |exchange| {
        let answer = exchange.answer();
        let Some(name) = exchange
            .body
            .clone()
            .get("username")
            .and_then(Value::as_str)
            .map(str::to_owned)
        else {
            return answer;
        };
        let sent = Value::String(template.replace("{username}", &name)).to_string();
        let spelt = echo(&name);
        let echoed = format!(
            "\"{}\"",
            template.replace("{username}", &spelt[1..spelt.len() - 1])
        );
        replaced(answer, &sent, &echoed)
    })
}

//! Bodies that cannot be read, content types, and values that cannot be.

use rstest::rstest;

use super::{JSON, YAML, is_explained_and_changes_nothing};

#[rstest]
// — bodies that cannot be read —
#[case("POST", "", JSON, "", 400, "malformed_body", "empty")]
#[case(
    "POST",
    "",
    JSON,
    "{\"appliance\":\n \"sensor\",}",
    400,
    "malformed_body",
    "line 2 column 11"
)]
#[case(
    "POST",
    "",
    JSON,
    "{\"appliance\":\"sensor\"} x",
    400,
    "malformed_body",
    "trailing characters"
)]
#[case("POST", "/s/clock", JSON, "", 400, "malformed_body", "empty")]
#[case(
    "POST",
    "/s/clock",
    JSON,
    "{",
    400,
    "malformed_body",
    "line 1 column 1"
)]
#[case(
    "POST",
    "/s/explain",
    JSON,
    "nonsense",
    400,
    "malformed_body",
    "not JSON"
)]
#[case(
    "POST",
    "",
    YAML,
    "appliance: 'sensor",
    422,
    "invalid_body",
    "not YAML"
)]
#[case("POST", "", YAML, "", 422, "invalid_body", "empty")]
// — content types —
#[case(
    "POST",
    "",
    "text/plain",
    "appliance: sensor",
    415,
    "unsupported_content_type",
    "`text/plain`"
)]
#[case(
    "POST",
    "",
    "",
    "appliance: sensor",
    415,
    "unsupported_content_type",
    "there is none"
)]
#[case(
    "POST",
    "/s/clock",
    YAML,
    "frozen: true",
    415,
    "unsupported_content_type",
    "expected the content type application/json, "
)]
// — what cannot be —
#[case("POST", "", JSON, "[]", 422, "invalid_body", "a map")]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensr","name":"x"}"#,
    422,
    "invalid_body",
    "did you mean `sensor`?"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","nam":"x"}"#,
    422,
    "invalid_body",
    "unknown key `nam`, expected one of appliance, name"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"name":"x"}"#,
    422,
    "invalid_body",
    "missing key `appliance`"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"a b"}"#,
    422,
    "invalid_body",
    "A-Z a-z 0-9 _ . -"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"x","name":"y"}"#,
    422,
    "invalid_body",
    "duplicate key `name`"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"x","listen":"127.0.0.1:99999"}"#,
    422,
    "invalid_body",
    "listen is `127.0.0.1:99999`, expected ADDRESS:PORT"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"x","listen":"192.0.2.1:0"}"#,
    422,
    "invalid_body",
    "no such address"
)]
#[case(
    "POST",
    "",
    JSON,
    r#"{"appliance":"sensor","name":"x","use":["expired_certificate"]}"#,
    422,
    "invalid_body",
    "plain HTTP"
)]
#[case(
    "POST",
    "/s/users",
    JSON,
    r#"{"username":"x","password":"Canary-5555"}"#,
    422,
    "invalid_body",
    "missing key `role`"
)]
#[case(
    "POST",
    "/s/users",
    JSON,
    r#"{"username":"x","password":{"Canary-5555":1},"role":"admin"}"#,
    422,
    "invalid_body",
    "column 28"
)]
#[case(
    "PUT",
    "/s/users/x",
    JSON,
    r#"{"username":"x","Canary-5555":"","password":"x","role":"admin"}"#,
    422,
    "invalid_body",
    "unknown key, "
)]
#[case(
    "POST",
    "/s/failures",
    JSON,
    r#"{"name":"x","do":{"truncat":1}}"#,
    422,
    "invalid_body",
    "did you mean `truncate`?"
)]
#[case(
    "POST",
    "/s/failures",
    JSON,
    r#"{"name":"x","user":"nobody","do":{"status":500}}"#,
    422,
    "invalid_body",
    "unknown user `nobody`"
)]
#[case(
    "PATCH",
    "/s/failures/mode",
    JSON,
    r#"{"armed":"yes"}"#,
    422,
    "invalid_body",
    "\"pointer\":\"/armed\""
)]
#[case(
    "PATCH",
    "/s/failures/mode",
    JSON,
    "{}",
    422,
    "invalid_body",
    "missing field `armed`"
)]
#[case(
    "PATCH",
    "/s/failures/mode",
    JSON,
    r#"{"user":"test"}"#,
    422,
    "invalid_body",
    "POST …/failures adds a mode"
)]
#[case(
    "POST",
    "/s/clock",
    JSON,
    "{}",
    422,
    "invalid_body",
    "expected `frozen`, `advance`, or both"
)]
#[case(
    "POST",
    "/s/clock",
    JSON,
    r#"{"frozn":true}"#,
    422,
    "invalid_body",
    "expected `frozen` or `advance`"
)]
#[case(
    "POST",
    "/s/clock",
    JSON,
    r#"{"frozen":null}"#,
    422,
    "invalid_body",
    "\"pointer\":\"/frozen\""
)]
#[case(
    "POST",
    "/s/clock",
    JSON,
    r#"{"frozen":true,"advance":"5 s"}"#,
    422,
    "invalid_body",
    "as `500ms`, `5s` or `1h30m`"
)]
#[case(
    "PUT",
    "/s/readings",
    JSON,
    r#"{"X11":"tabel"}"#,
    422,
    "invalid_body",
    "did you mean `table`?"
)]
#[case(
    "PATCH",
    "/s/readings",
    JSON,
    r#"{"X99":"table"}"#,
    422,
    "invalid_body",
    "unknown fact `X99`"
)]
#[case(
    "PUT",
    "/s/state",
    JSON,
    r#"{"appliance":"sensor","users":7}"#,
    422,
    "invalid_body",
    "line"
)]
#[case(
    "POST",
    "/s/explain",
    JSON,
    r#"{"path":"no slash"}"#,
    422,
    "invalid_body",
    "\"pointer\":\"/path\""
)]
#[case(
    "POST",
    "/s/explain",
    JSON,
    r#"{"path":"/","headers":"Authorization: Canary-5555"}"#,
    422,
    "invalid_body",
    "invalid type: string, expected a map"
)]
#[case(
    "POST",
    "/s/explain",
    JSON,
    r#"{"path":"/","headers":{"a b":"c"}}"#,
    422,
    "invalid_body",
    "\"pointer\":\"/headers/a b\""
)]
#[tokio::test]
async fn a_bad_body_is_explained_and_changes_nothing(
    #[case] method: &str,
    #[case] path: &str,
    #[case] content_type: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] name: &str,
    #[case] says: &str,
) {
    is_explained_and_changes_nothing(method, path, content_type, body, status, name, says).await;
}

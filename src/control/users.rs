//! An appliance's users: listed without their passwords, added, replaced, removed.

use axum::{Json, response::IntoResponse};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    appliance::User,
    control::{
        appliances::{BODY, created},
        extract::{AppliancePath, RequestJson, RequestText},
        problem::{JsonResult, Problem, shorten},
    },
    fixture,
};

pub(super) async fn list(AppliancePath(running, _): AppliancePath) -> Json<Value> {
    let users: Value = running.appliance().users().iter().map(shown).collect();
    Json(json!({ "users": users }))
}

pub(super) async fn add(
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> Result<impl IntoResponse, Problem> {
    let user = fixture::read_user(BODY, &text)?;
    let (name, shown) = (user.username.clone(), shown(&user));
    if !running.appliance().add_user(user) {
        let detail = format!("there is a user named `{name}` already");
        return Err(Problem::name_taken(detail).hint("PUT replaces a user"));
    }
    let appliance = running.appliance().name();
    Ok(created(&[&appliance, "users", &name], Json(shown)))
}

pub(super) async fn one(AppliancePath(running, username): AppliancePath) -> JsonResult {
    let users = running.appliance().users();
    let found = users.iter().find(|user| user.username == username);
    let user = found.ok_or_else(|| unknown(&username))?;
    Ok(Json(shown(user)))
}

pub(super) async fn put(
    AppliancePath(running, username): AppliancePath,
    RequestText(text): RequestText,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let user = read(&username, &text)?;
    let shown = Json(shown(&user));
    Ok((created_or_ok(running.appliance().put_user(user)), shown))
}

/// Changes what the body has of a user, and keeps the rest.
pub(super) async fn patch(
    AppliancePath(running, username): AppliancePath,
    RequestJson(changes): RequestJson<Map<String, Value>>,
) -> JsonResult {
    let change = |user: &User| {
        let mut written = json!({ "username": username, "password": user.password.expose(), "role": user.role, "state": user.state });
        for (key, value) in changes {
            written[key] = value;
        }
        read(&username, &written.to_string())
    };
    let changed = running.appliance().change_user(&username, change);
    let user = changed.ok_or_else(|| unknown(&username))??;
    Ok(Json(shown(&user)))
}

/// A password that a user may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordCandidate {
    password: String,
}

pub(super) async fn password_is(
    AppliancePath(running, username): AppliancePath,
    RequestJson(PasswordCandidate { password }): RequestJson<PasswordCandidate>,
) -> JsonResult {
    let answer = running.appliance().password_is(&username, &password);
    let answer = answer.ok_or_else(|| unknown(&username))?;
    Ok(Json(json!({ "password_is": answer })))
}

/// Reads a user of this name.
fn read(username: &str, text: &str) -> Result<User, Problem> {
    let user = fixture::read_user(BODY, text)?;
    if user.username == username {
        return Ok(user);
    }
    let detail = "the username in the body is not the one in the path, expected the same";
    Err(Problem::invalid_body(detail).pointer("/username".to_owned()))
}

/// Returns the status of a PUT (RFC 9110 section 9.3.4).
pub(super) fn created_or_ok(is_new: bool) -> StatusCode {
    match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    }
}

pub(super) async fn remove(
    AppliancePath(running, username): AppliancePath,
) -> Result<StatusCode, Problem> {
    match running.appliance().remove_user(&username) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(unknown(&username)),
        Err(modes) => {
            let detail = format!("failure modes name this user: {}", modes.join(", "));
            Err(Problem::in_use(detail).hint("remove them first"))
        }
    }
}

fn shown(user: &User) -> Value {
    json!({ "username": user.username, "role": user.role.name(), "state": user.state.name() })
}

fn unknown(username: &str) -> Problem {
    let detail = format!("no user is named `{}`", shorten(username));
    Problem::unknown_user(detail).hint("GET …/users lists all")
}

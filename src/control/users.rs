//! An appliance's users: listed without their passwords, put in, replaced, removed.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    appliance::User,
    control::{
        AppState,
        appliance::{AppliancePath, ItemPath, encoded},
        appliances::BODY,
        body::Text,
        problem::{Problem, ProblemKind, shorten},
    },
    fixture,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(one, put, remove))
}

/// The users of an appliance.
#[derive(Debug, Serialize, ToSchema)]
struct Users {
    /// In the order of their names.
    users: Vec<UserDto>,
}

/// A user. Only `state` has the password.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownUser)]
struct UserDto {
    /// The name.
    username: String,
    /// What the user may do.
    #[schema(pattern = "^(admin|read_only|security_analyst)$")]
    role: &'static str,
    /// Whether the user can sign in, and how.
    #[schema(pattern = "^(active|directory|disabled|locked|must_change)$")]
    state: &'static str,
}

impl From<&User> for UserDto {
    fn from(user: &User) -> UserDto {
        UserDto {
            username: user.username.clone(),
            role: user.role.name(),
            state: user.state.name(),
        }
    }
}

/// All users, without their passwords.
#[utoipa::path(get, path = "/v1/appliances/{name}/users", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "All", body = Users)))]
async fn list(AppliancePath(running): AppliancePath) -> Json<Users> {
    Json(Users {
        users: running
            .appliance()
            .users()
            .iter()
            .map(UserDto::from)
            .collect(),
    })
}

/// Puts in a user, as a fixture writes one.
#[utoipa::path(post, path = "/v1/appliances/{name}/users", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/User") = "application/json"), (ref("#/components/schemas/User") = "application/yaml"))),
    responses((status = 201, description = "The user can sign in", body = UserDto, headers(("Location" = String, description = "Where the user is found here")))))]
async fn add(AppliancePath(running): AppliancePath, Text(text): Text) -> Result<Response, Problem> {
    let user = fixture::read_user(BODY, &text)?;
    let shown = UserDto::from(&user);
    if !running.appliance().add_user(user) {
        let detail = format!("a user named `{}` is there already", shown.username);
        return Err(Problem::new(ProblemKind::NameTaken, detail).hint("PUT replaces a user"));
    }
    let location = format!(
        "/v1/appliances/{}/users/{}",
        running.appliance().name(),
        encoded(&shown.username)
    );
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(shown),
    )
        .into_response())
}

/// One user, without the password.
#[utoipa::path(get, path = "/v1/appliances/{name}/users/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The user's name")),
    responses((status = 200, description = "There is one", body = UserDto)))]
async fn one(
    AppliancePath(running): AppliancePath,
    ItemPath(username): ItemPath,
) -> Result<Json<UserDto>, Problem> {
    let users = running.appliance().users();
    users
        .iter()
        .find(|user| user.username == username)
        .map(|user| Json(UserDto::from(user)))
        .ok_or_else(|| unknown(&username))
}

/// Puts in a user in place of one of the same name, if there is one. No former password of theirs validates any longer.
#[utoipa::path(put, path = "/v1/appliances/{name}/users/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The user's name, as in the body")),
    request_body(content((ref("#/components/schemas/User") = "application/json"), (ref("#/components/schemas/User") = "application/yaml"))),
    responses((status = 200, description = "The user is as the body says", body = UserDto)))]
async fn put(
    AppliancePath(running): AppliancePath,
    ItemPath(username): ItemPath,
    Text(text): Text,
) -> Result<Json<UserDto>, Problem> {
    let user = fixture::read_user(BODY, &text)?;
    if user.username != username {
        let detail = "the username in the body is not the one in the path, expected the same";
        return Err(Problem::new(ProblemKind::InvalidBody, detail).pointing("/username".to_owned()));
    }
    let shown = UserDto::from(&user);
    running.appliance().put_user(user);
    Ok(Json(shown))
}

/// Removes a user; one whom a failure mode is about stays.
#[utoipa::path(delete, path = "/v1/appliances/{name}/users/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The user's name")),
    responses((status = 204, description = "Nobody has that name")))]
async fn remove(
    AppliancePath(running): AppliancePath,
    ItemPath(username): ItemPath,
) -> Result<StatusCode, Problem> {
    match running.appliance().remove_user(&username) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(unknown(&username)),
        Err(about) => {
            let detail = format!("failure modes are about this user: {}", about.join(", "));
            Err(Problem::new(ProblemKind::InUse, detail).hint("remove them first"))
        }
    }
}

fn unknown(username: &str) -> Problem {
    let shown = shorten(username);
    Problem::new(
        ProblemKind::UnknownUser,
        format!("no user is named `{shown}`"),
    )
    .hint("GET …/users lists all")
}

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
        Desk,
        appliance::{Named, Second, encoded},
        appliances::BODY,
        body::Text,
        problem::{Problem, What},
    },
    fixture,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(one, put, remove))
}

/// The users of an appliance.
#[derive(Debug, Serialize, ToSchema)]
struct Users {
    /// In the order of their names.
    users: Vec<Shown>,
}

/// A user. The password is told by `state` alone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownUser)]
struct Shown {
    /// The name.
    username: String,
    /// What the user may do.
    #[schema(pattern = "^(admin|read_only|security_analyst)$")]
    role: &'static str,
    /// Whether the user can sign in, and how.
    #[schema(pattern = "^(active|directory|disabled|locked|must_change)$")]
    state: &'static str,
}

impl From<&User> for Shown {
    fn from(user: &User) -> Shown {
        Shown {
            username: user.username.clone(),
            role: user.role.name(),
            state: user.state.name(),
        }
    }
}

/// All users, without their passwords.
#[utoipa::path(get, path = "/v1/appliances/{name}/users", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "All", body = Users)))]
async fn list(Named(member): Named) -> Json<Users> {
    Json(Users {
        users: member.host().users().iter().map(Shown::from).collect(),
    })
}

/// Puts in a user, as a fixture writes one.
#[utoipa::path(post, path = "/v1/appliances/{name}/users", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/User") = "application/json"), (ref("#/components/schemas/User") = "application/yaml"))),
    responses((status = 201, description = "The user can sign in", body = Shown, headers(("Location" = String, description = "Where the user is found here")))))]
async fn add(Named(member): Named, Text(text): Text) -> Result<Response, Problem> {
    let user = fixture::read_user(BODY, &text)?;
    let shown = Shown::from(&user);
    if !member.host().add_user(user) {
        let detail = format!("a user named `{}` is there already", shown.username);
        return Err(Problem::new(What::NameTaken, detail).hint("PUT replaces a user"));
    }
    let location = format!(
        "/v1/appliances/{}/users/{}",
        member.name(),
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
    responses((status = 200, description = "There is one", body = Shown)))]
async fn one(Named(member): Named, Second(username): Second) -> Result<Json<Shown>, Problem> {
    let users = member.host().users();
    users
        .iter()
        .find(|user| user.username == username)
        .map(|user| Json(Shown::from(user)))
        .ok_or_else(|| unknown(&username))
}

/// Puts in a user in place of one of the same name, if there is one. No former password of theirs validates any longer.
#[utoipa::path(put, path = "/v1/appliances/{name}/users/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The user's name, as in the body")),
    request_body(content((ref("#/components/schemas/User") = "application/json"), (ref("#/components/schemas/User") = "application/yaml"))),
    responses((status = 200, description = "The user is as the body says", body = Shown)))]
async fn put(
    Named(member): Named,
    Second(username): Second,
    Text(text): Text,
) -> Result<Json<Shown>, Problem> {
    let user = fixture::read_user(BODY, &text)?;
    if user.username != username {
        let detail = "the username in the body is not the one in the path, expected the same";
        return Err(Problem::new(What::InvalidBody, detail).pointing("/username".to_owned()));
    }
    let shown = Shown::from(&user);
    member.host().put_user(user);
    Ok(Json(shown))
}

/// Removes a user; one whom a failure mode is about stays.
#[utoipa::path(delete, path = "/v1/appliances/{name}/users/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The user's name")),
    responses((status = 204, description = "Nobody has that name")))]
async fn remove(Named(member): Named, Second(username): Second) -> Result<StatusCode, Problem> {
    match member.host().remove_user(&username) {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(unknown(&username)),
        Err(about) => {
            let detail = format!("failure modes are about this user: {}", about.join(", "));
            Err(Problem::new(What::InUse, detail).hint("remove them first"))
        }
    }
}

fn unknown(username: &str) -> Problem {
    let shown: String = username.chars().take(64).collect();
    Problem::new(What::UnknownUser, format!("no user is named `{shown}`"))
        .hint("GET …/users lists all")
}

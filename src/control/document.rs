//! The OpenAPI document; and the answer to a request for what is not in it.

use std::sync::LazyLock;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::header;
use serde_json::Value;

use crate::{contract, control::problem::Problem, fixture};

/// The document, completed with the version and the schemas of fixtures.
pub(super) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document: Value =
        serde_saphyr::from_str(include_str!("openapi.yaml")).expect("tests read it");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    for (name, schema) in fixture::component_schemas() {
        document["components"]["schemas"][name] = schema;
    }
    document
});

pub(super) async fn openapi() -> impl IntoResponse {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, format!("{:#}\n", *DOCUMENT))
}

/// Answers a request for a path that does not exist, with the nearest that does.
pub(super) async fn no_such_path(request: Request) -> Problem {
    let path = request.uri().path();
    let shown: String = path.chars().take(MAX_PATH_CHARS).collect();
    let problem = Problem::unknown_path(format!("nothing is at `{shown}`"));
    // What stands where a documented path has a placeholder is taken for its value.
    let filled = |known: &String| {
        let mut given = path.split('/');
        let parts = known.split('/').map(|part| {
            let given = given.next().filter(|_| part.starts_with('{'));
            given.unwrap_or(part)
        });
        parts.collect::<Vec<_>>().join("/")
    };
    let paths = DOCUMENT["paths"].as_object().expect("tests read it");
    let known: Vec<String> = paths.keys().map(filled).collect();
    // All paths begin with the version: only the rest is compared.
    let known = known.iter().filter_map(|path| path.strip_prefix(VERSION));
    match contract::nearest(path.strip_prefix(VERSION).unwrap_or(path), known) {
        Some(near) => problem.hint(format!(
            "did you mean `{VERSION}{near}`? /v1/openapi.json lists all"
        )),
        None => problem.hint("/v1/openapi.json lists all"),
    }
}

/// Refuses a query where none is documented: a condition that is passed over would let `DELETE` remove more than was meant.
pub(super) async fn check_query(path: MatchedPath, request: Request, next: Next) -> Response {
    let method = request.method().as_str();
    let documented = &DOCUMENT["paths"][path.as_str()][method.to_ascii_lowercase()];
    let parameters = documented["parameters"].as_array().into_iter().flatten();
    let is_query = |parameter: &Value| match parameter["$ref"].as_str() {
        Some(place) => DOCUMENT.pointer(&place[1..]).expect("tests read it")["in"] == "query",
        None => parameter["in"] == "query",
    };
    let has_query = request.uri().query().is_some_and(|query| !query.is_empty());
    if has_query && documented.is_object() && !parameters.into_iter().any(is_query) {
        let detail = format!("{method} takes no query here");
        let problem = Problem::invalid_query(detail);
        return problem
            .hint("nothing was changed; ask without the `?…`")
            .into_response();
    }
    next.run(request).await
}

/// Answers a method that a path does not take; the router adds those it takes, as `Allow`.
pub(super) async fn no_such_method(request: Request) -> Problem {
    let detail = format!("{} is not for `{}`", request.method(), request.uri().path());
    Problem::method_not_allowed(detail).hint("the header Allow lists the methods of this path")
}

const VERSION: &str = "/v1/";
/// How much of a path is shown, in characters.
const MAX_PATH_CHARS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contract::{Operation, Outcome},
        journal::Progress,
    };

    #[test]
    fn queries_list_every_operation_outcome_and_state() {
        for (schema, names) in [
            ("parameters/Operation/schema", Operation::NAMES),
            ("schemas/Outcome", Outcome::NAMES),
            ("parameters/State/schema", Progress::NAMES),
        ] {
            let listed = DOCUMENT.pointer(&format!("/components/{schema}/enum"));
            let names = Value::from_iter(names.iter().copied());
            assert_eq!(listed, Some(&names), "{schema}");
        }
    }
}

//! The OpenAPI document, completed with the schemas of fixtures; and what a request gets that is not in it.

use std::{collections::BTreeSet, sync::OnceLock};

use axum::extract::{Request, State};
use bytes::Bytes;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::{
    contract,
    control::{
        AppState,
        problem::{PROBLEM_JSON, Problem, ProblemBody, ProblemKind},
    },
    fixture,
};

/// The document: made once, and written out when it is first asked for.
#[derive(Default)]
pub(super) struct Document {
    api: OnceLock<utoipa::openapi::OpenApi>,
    text: OnceLock<Bytes>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "d4iot-double control API",
        description = "Create, control and inspect appliances while they run. Errors are application/problem+json (RFC 9457); a request that is refused changes nothing.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(ProblemBody)),
    tags(
        (name = "process", description = "The process and all its appliances"),
        (name = "appliances", description = "Appliances, each with a port, users, failure modes, journal and clock of its own"),
        (name = "appliance", description = "One appliance"),
    )
)]
struct Preface;

/// Returns the document as it is before any path is in it.
pub(super) fn preface() -> utoipa::openapi::OpenApi {
    Preface::openapi()
}

impl Document {
    pub(super) fn fill(&self, api: utoipa::openapi::OpenApi) {
        // It is filled once, when the router is made.
        drop(self.api.set(api));
    }

    /// Returns its text.
    pub(super) fn text(&self) -> Bytes {
        self.text
            .get_or_init(|| Bytes::from(format!("{:#}\n", self.complete())))
            .clone()
    }

    /// Returns the document with what its types do not say: schemas of fixtures, problems, and the token.
    fn complete(&self) -> Value {
        let mut document = serde_json::to_value(self.api.get()).expect("the document is JSON");
        let schemas = &mut document["components"]["schemas"];
        for (name, schema) in fixture::component_schemas() {
            schemas[name] = schema;
        }
        document["components"]["securitySchemes"] =
            json!({ "token": { "type": "http", "scheme": "bearer" } });
        // With --control-token-file the token is needed, without it is not.
        document["security"] = json!([{}, { "token": [] }]);
        let problem = json!({ "description": "What is wrong, and the way out", "content": { PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } } });
        let paths = document["paths"]
            .as_object_mut()
            .into_iter()
            .flat_map(|paths| paths.values_mut());
        for operation in paths.flat_map(|path| {
            path.as_object_mut()
                .into_iter()
                .flat_map(|path| path.values_mut())
        }) {
            if operation.get("responses").is_some() {
                operation["responses"]["default"] = problem.clone();
            }
            // No resource that takes a body can do without it.
            if let Some(body) = operation.get_mut("requestBody") {
                body["required"] = true.into();
            }
        }
        document
    }

    fn paths(&self) -> BTreeSet<String> {
        self.api
            .get()
            .map(|api| api.paths.paths.keys().cloned().collect())
            .unwrap_or_default()
    }
}

/// Answers a path that is none, with the nearest one that is.
pub(super) async fn no_such_path(State(app): State<AppState>, request: Request) -> Problem {
    let path = request.uri().path();
    let shown: String = path.chars().take(MAX_PATH_CHARS).collect();
    let problem = Problem::new(ProblemKind::UnknownPath, format!("nothing is at `{shown}`"));
    let paths = app.document().paths();
    // What stands where a path has a name is taken for one.
    let like = |known: &String| {
        let mut given = path.split('/');
        let filled: Vec<&str> = known
            .split('/')
            .map(|part| {
                given
                    .next()
                    .filter(|_| part.starts_with('{'))
                    .unwrap_or(part)
            })
            .collect();
        filled.join("/")
    };
    let known: Vec<String> = paths.iter().map(like).collect();
    // All paths begin alike: only what follows the version is compared.
    let known = known.iter().filter_map(|path| path.strip_prefix(VERSION));
    let near = contract::nearest(path.strip_prefix(VERSION).unwrap_or(path), known);
    match near.map(|near| format!("{VERSION}{near}")) {
        Some(near) => problem.hint(format!("did you mean `{near}`? /v1/openapi.json lists all")),
        None => problem.hint("/v1/openapi.json lists all"),
    }
}

/// Answers a method that a path does not take; the router adds which it takes, as `Allow`.
pub(super) async fn no_such_method(request: Request) -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        format!("{} is not for `{}`", request.method(), request.uri().path()),
    )
    .hint("the header Allow says which are")
}

/// The beginning of every path.
const VERSION: &str = "/v1/";
/// How much of a path is shown, in characters.
const MAX_PATH_CHARS: usize = 200;

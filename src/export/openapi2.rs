//! OpenAPI 2.0, which connectors of Logic Apps and Power Automate import: the document of version 3, its choices merged.

use serde_json::{Map, Value as Json, json};

use super::{ADDRESS, Format, Source, openapi3, schema};

pub(super) const FORMAT: Format = Format {
    name: "openapi2",
    about: "OpenAPI 2.0 document, for connectors of Logic Apps and Power Automate",
    has_exchanges: false,
    has_passwords: false,
    render: |source| format!("{:#}\n", document(source)),
};

fn document(source: &Source) -> Json {
    let mut document = openapi3::document(source);
    let schemas = document["components"]["schemas"].take();
    for item in members(&mut document["paths"]) {
        for operation in members(item) {
            convert(operation, &schemas);
        }
    }
    json!({
        "swagger": "2.0",
        "info": document["info"],
        "host": ADDRESS,
        "basePath": "/",
        "schemes": ["https"],
        "security": [],
        "paths": document["paths"],
    })
}

/// Converts an operation. Version 2 has no choice of schemas: what is merged stands beside its parts, in `x-` keys.
fn convert(operation: &mut Json, schemas: &Json) {
    let body = operation["requestBody"]["content"].take();
    let mut content = body.as_object().into_iter().flatten();
    operation["consumes"] = content.clone().map(|(name, _)| name.clone()).collect();
    let schema = content
        .next()
        .map(|(_, media)| schema::merged(&media["schema"], schemas));
    operation["parameters"] =
        json!([{ "name": "body", "in": "body", "required": true, "schema": schema }]);
    let mut produces: Vec<Json> = Vec::new();
    for response in members(&mut operation["responses"]) {
        let content = response["content"].take();
        for (name, media) in content.as_object().into_iter().flatten() {
            response["schema"] = schema::merged(&media["schema"], schemas);
            if !produces.contains(&name.as_str().into()) {
                produces.push(name.as_str().into());
            }
        }
        for header in response.get_mut("headers").into_iter().flat_map(members) {
            *header = header["schema"].take();
        }
        remove(response, "content");
    }
    operation["produces"] = produces.into();
    remove(operation, "requestBody");
}

fn members(object: &mut Json) -> impl Iterator<Item = &mut Json> {
    object.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn remove(object: &mut Json, key: &str) {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove(key);
    }
}

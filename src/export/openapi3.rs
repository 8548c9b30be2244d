//! OpenAPI 3.0: every reading of a contradiction as `oneOf`, and what no document says as `x-assumed`.

use http::header;
use serde_json::{Map, Value as Json, json};

use super::{ADDRESS, Format, Source, answers::Answer, product, schema, schema::USERNAME};
use crate::{appliance::ResponseKey, contract::Operation};

pub(super) const FORMAT: Format = Format {
    name: "openapi3",
    about: "OpenAPI 3.0 document",
    has_exchanges: false,
    has_passwords: false,
    render: |source| format!("{:#}\n", document(source)),
};

/// Returns the document.
pub(super) fn document(source: &Source) -> Json {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for operation in Operation::ALL {
        let described = operation_object(source, *operation, &mut schemas);
        let method = &source.contract.clause(*operation).method;
        let served = source.served(&format!("{operation}.method"));
        let method = method.pick(served).is.0.to_lowercase();
        let fact = &source.contract.clause(*operation).path;
        let listed = source.listed(format!("{operation}.path"), fact, |paths| &paths.0);
        for (index, path) in listed.into_iter().enumerate() {
            let mut described = described.clone();
            if index > 0 {
                described["operationId"] = format!("{operation}_{}", index + 1).into();
            }
            paths.insert(path.clone(), json!({ method.clone(): described }));
        }
    }
    // Such a document is given to others: its examples have no user of a fixture.
    for exchange in source.with_public_users().exchanges().0 {
        let has_example = |schema: &Json| !schema["example"].is_null();
        let name = body_name(exchange.operation);
        if exchange.response.status().is_success()
            && let Some(schema) = schemas.get_mut(&name).filter(|schema| !has_example(schema))
        {
            schema["example"] = serde_json::from_slice(exchange.request.body()).unwrap_or_default();
        }
    }
    let kind = source.contract.kind;
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": format!("Authentication API of a Microsoft Defender for IoT {kind}"),
            "description": "x-source: lines of the documentation. x-readings: which of its readings this is. x-assumed: no line says it.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": "https://{address}", "variables": { "address": { "default": ADDRESS } } }],
        "security": [],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn operation_object(
    source: &Source,
    operation: Operation,
    schemas: &mut Map<String, Json>,
) -> Json {
    let clause = source.contract.clause(operation);
    let served = |point: &str| source.served(&format!("{operation}.{point}"));
    let roles = clause.roles.pick(served("roles")).is.0.iter();
    schemas.insert(body_name(operation), body_schema(source, operation));
    let schema = reference(&body_name(operation));
    let accepts = &clause.accepts.pick(served("accepts")).is.0;
    let types = accepts.iter().filter(|accepted| accepted.ends_with("json"));
    let facts = source.request_facts(operation);
    let documented = facts.iter().flat_map(|fact| source.open_readings(fact));
    let content = types.map(|accepted| (accepted.clone(), json!({ "schema": schema })));
    json!({
        "operationId": operation.name(),
        "summary": operation.name().replace('_', " "),
        "tags": ["authentication"],
        "x-source": source.lines(&documented.collect::<Vec<_>>()),
        "x-roles": roles.map(|role| role.name()).collect::<Vec<_>>(),
        "x-accepts": accepts,
        "requestBody": { "required": true, "content": content.collect::<Map<_, _>>() },
        "responses": responses(source, operation, schemas),
    })
}

/// Returns the schema of an operation's body: a choice where a field has several names.
fn body_schema(source: &Source, operation: Operation) -> Json {
    let fields = source.contract.clause(operation).fields.iter();
    let names = fields.map(|(field, fact)| {
        let name = format!("{operation}.{}", field.name());
        source.listed(name, fact, |names| &names.0)
    });
    let bodies = product(&names.collect::<Vec<_>>());
    let object = |names: &Vec<&String>| {
        let properties = names.iter().map(|name| ((*name).clone(), property(name)));
        let properties: Map<String, Json> = properties.collect();
        json!({ "type": "object", "required": names, "properties": properties })
    };
    schema::choice("oneOf", bodies.iter().map(object).collect())
}

fn property(name: &str) -> Json {
    let mut property = json!({ "type": "string", "minLength": 1 });
    if name.ends_with("password") {
        property["format"] = "password".into();
    }
    property
}

/// Returns the responses by status, and adds the schemas of their bodies. A status may stand for several outcomes.
fn responses(source: &Source, operation: Operation, schemas: &mut Map<String, Json>) -> Json {
    let mut responses = Map::new();
    for key in source.outcomes(operation) {
        let answers = source.answers(key, USERNAME);
        let Some(served) = answers.first() else {
            continue;
        };
        let place = source.contract.response_spec(key.operation, key.outcome);
        let name = format!("{}.{}", place.map_or("", |(place, _)| place), key.outcome);
        let bodies = answers.iter().map(|answer| answer_schema(key, answer));
        schemas.insert(name.clone(), schema::choice("oneOf", bodies.collect()));
        let response = responses
            .entry(served.response.status().as_str())
            .or_insert_with(|| json!({ "description": "" }));
        let others = response["description"].as_str().unwrap_or_default();
        response["description"] = match others {
            "" => key.outcome.name().into(),
            _ => format!("{others}, {}", key.outcome).into(),
        };
        if let Some(because) = source.assumed_status(key) {
            response["x-assumed"][key.outcome.name()] = because.into();
        }
        for (header, value) in served.response.headers() {
            if header != header::CONTENT_TYPE {
                response["headers"][header.as_str()] = json!({ "schema": { "type": "string" } });
                continue;
            }
            let content_type = value.to_str().unwrap_or_default();
            let schema = &mut response["content"][content_type]["schema"];
            let mut choices = schema["anyOf"].as_array().cloned().unwrap_or_default();
            choices.extend((!schema["$ref"].is_null()).then(|| schema.clone()));
            choices.push(reference(&name));
            *schema = schema::choice("anyOf", choices);
        }
    }
    responses.into()
}

fn answer_schema(key: ResponseKey, answer: &Answer) -> Json {
    let body = serde_json::from_slice(answer.response.body()).unwrap_or_default();
    let mut schema = schema::of(&body);
    schema["title"] = key.outcome.name().into();
    schema["x-readings"] = json!(answer.readings);
    if !answer.lines.is_empty() {
        schema["x-source"] = answer.lines.clone().into();
    }
    if answer.is_assumed {
        schema["x-assumed"] = true.into();
    }
    schema
}

fn body_name(operation: Operation) -> String {
    format!("{operation}.request")
}

fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

//! The three operations as an OpenAPI document, made from the contract: what schemathesis reads in the long mode.

use std::fs;

use d4iot_double::{
    contract,
    contract::{Kind, Operation, Outcome},
};
use rstest::rstest;
use serde_json::{Map, Value, json};

/// Writes `openapi-KIND.json` into the folder that cargo keeps for tests' files, `target/tmp`.
#[rstest]
fn the_operations_are_written_as_openapi(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    let document = document(kind);
    let paths = document["paths"].as_object().unwrap();
    // Two paths of the sensor's password operations are documented requests.
    assert_eq!(paths.len(), if kind == Kind::Sensor { 5 } else { 3 });
    for path in paths.values() {
        let required =
            path["post"]["requestBody"]["content"]["application/json"]["schema"]["required"]
                .as_array()
                .unwrap();
        assert!(
            required.len() >= 2 && path["post"]["responses"].get("200").is_some(),
            "{path}"
        );
    }
    fs::write(
        format!("{}/openapi-{kind}.json", env!("CARGO_TARGET_TMPDIR")),
        document.to_string(),
    )
    .unwrap();
}

fn document(kind: Kind) -> Value {
    let contract = contract::of(kind);
    let mut paths = Map::new();
    for operation in Operation::ALL {
        for path in &contract.clause(*operation).path.default_reading().is.0 {
            paths.insert(path.clone(), json!({ "post": described(kind, *operation) }));
        }
    }
    json!({ "openapi": "3.0.3", "info": { "title": format!("{kind}"), "version": "1" }, "paths": paths })
}

fn described(kind: Kind, operation: Operation) -> Value {
    let contract = contract::of(kind);
    let clause = contract.clause(operation);
    let names: Vec<&str> = clause
        .fields
        .values()
        .map(|names| names.default_reading().is.0[0].as_str())
        .collect();
    // The documents call them required; that an empty string is no value is assumed.
    let properties: Map<String, Value> = names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!({ "type": "string", "minLength": 1 }),
            )
        })
        .collect();
    let body = json!({ "type": "object", "required": names, "properties": properties });
    let mut responses = Map::new();
    for outcome in Outcome::ALL {
        let Some((_, spec)) = contract.response_spec(Some(operation), *outcome) else {
            continue;
        };
        let status = spec.status.default_reading().is.0.as_u16();
        let schema = if status == 200 { success() } else { failure() };
        let content_type = clause.answer_type.default_reading().is.0.clone();
        responses.insert(status.to_string(), json!({ "description": outcome.name(), "content": { content_type: { "schema": schema } } }));
    }
    let content: Map<String, Value> = clause
        .accepts
        .default_reading()
        .is
        .0
        .iter()
        .filter(|accepted| accepted.ends_with("json"))
        .map(|accepted| (accepted.clone(), json!({ "schema": body })))
        .collect();
    json!({ "operationId": operation.name(), "requestBody": { "required": true, "content": content }, "responses": responses })
}

fn success() -> Value {
    json!({ "type": "object", "required": ["msg"], "properties": { "msg": { "type": "string" } }, "additionalProperties": false })
}

fn failure() -> Value {
    let texts = json!({ "userDisplayErrorMessage": { "type": "string" }, "internalSystemErrorMessage": { "type": "string" } });
    let error = json!({ "type": "object", "required": ["userDisplayErrorMessage"], "properties": texts, "additionalProperties": false });
    json!({ "type": "object", "required": ["error"], "properties": { "error": error }, "additionalProperties": false })
}

//! Holds answers of the control API against its OpenAPI document.

use std::sync::LazyLock;

use serde_json::Value;

use super::control_server::Answer;
use crate::json_schema::violations_in;

/// The document without the schemas of fixtures, which no answer has; its objects have no other keys than those listed.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../src/control/openapi.yaml");
    let mut document: Value = serde_saphyr::from_str(text).unwrap();
    for schema in document["components"]["schemas"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        close(schema);
    }
    document
});

/// Panics where an answer is not as its operation's description.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let item = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(known, _)| matches(known, path));
    let operation = item.and_then(|(_, item)| item.get(method.to_lowercase()));
    let response = match operation {
        // Only documented operations have answers that are no problems.
        None if method == "HEAD" => return,
        None => &DOCUMENT["components"]["responses"]["Problem"],
        Some(operation) => {
            let responses = operation["responses"].as_object().unwrap();
            resolve(
                responses
                    .get(&answer.status.to_string())
                    .unwrap_or(&responses["default"]),
            )
        }
    };
    let Some(content) = response.get("content") else {
        return assert_eq!(answer.body, Value::Null, "{method} {path}: {answer:?}");
    };
    let schema = &content[&answer.content_type]["schema"];
    assert!(
        schema.is_object(),
        "{method} {path} is not documented with {answer:?}"
    );
    let violations = violations_in(&DOCUMENT, schema, &answer.body);
    assert!(violations.is_empty(), "{method} {path}: {violations:?}");
}

fn matches(known: &str, path: &str) -> bool {
    let (known, path) = (known.split('/'), path.split('/'));
    known.clone().count() == path.clone().count()
        && known
            .zip(path)
            .all(|(known, given)| known.starts_with('{') || known == given)
}

fn resolve(value: &Value) -> &Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn close(schema: &mut Value) {
    let Some(keywords) = schema.as_object_mut() else {
        return;
    };
    if keywords.contains_key("properties") && !keywords.contains_key("additionalProperties") {
        keywords.insert("additionalProperties".to_owned(), false.into());
    }
    keywords.values_mut().for_each(close);
}

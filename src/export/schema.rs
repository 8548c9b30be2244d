//! JSON Schemas of bodies, made from the bodies themselves.

use serde_json::{Map, Value as Json, json};

use super::escaped;

/// What stands for the user's name in a body of which the schema is wanted.
pub(super) const USERNAME: &str = "\u{1}username\u{1}";

/// Returns the schema of exactly this body; a text that repeats [`USERNAME`] becomes a pattern.
pub(super) fn of(body: &Json) -> Json {
    match body {
        Json::Object(members) => {
            let names: Vec<&String> = members.keys().collect();
            let properties: Map<String, Json> = members
                .iter()
                .map(|(name, value)| (name.clone(), of(value)))
                .collect();
            json!({ "type": "object", "required": names, "properties": properties, "additionalProperties": false })
        }
        Json::Array(_) => json!({ "type": "array", "items": {} }),
        Json::String(text) if text.contains(USERNAME) => {
            let parts: Vec<String> = text.split(USERNAME).map(escaped).collect();
            json!({ "type": "string", "pattern": format!("^{}$", parts.join("[\\s\\S]*")) })
        }
        Json::String(_) => json!({ "type": "string", "enum": [body] }),
        Json::Number(_) => json!({ "type": "number", "enum": [body] }),
        _ => json!({}),
    }
}

/// Returns the one schema of several, or their choice under `oneOf` or `anyOf`.
pub(super) fn choice(keyword: &str, mut schemas: Vec<Json>) -> Json {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => json!({ keyword: schemas }),
    }
}

/// Returns a schema without references and choices, which allows whatever one of its choices allows, and perhaps more.
pub(super) fn merged(schema: &Json, named: &Json) -> Json {
    let path = schema["$ref"].as_str();
    let name = path.and_then(|path| path.rsplit('/').next());
    if let Some(name) = name {
        return merged(&named[name], named);
    }
    let mut keywords = ["oneOf", "anyOf"].into_iter();
    let Some(keyword) = keywords.find(|keyword| schema[keyword].is_array()) else {
        return schema.clone();
    };
    let choices = list(schema, keyword).map(|choice| merged(choice, named));
    let choices: Vec<Json> = choices.collect();
    let each = choices.iter().cloned();
    let union = each.reduce(|one, other| union(&one, &other));
    let mut all = union.unwrap_or_default();
    if !schema["example"].is_null() {
        all["example"] = schema["example"].clone();
    }
    all[format!("x-{keyword}")] = choices.into();
    all
}

fn union(one: &Json, other: &Json) -> Json {
    if one["type"] != other["type"] {
        return json!({});
    }
    let mut union = json!({ "type": one["type"] });
    let [these, those] = [one, other].map(|schema| schema["properties"].as_object());
    if let (Some(these), Some(those)) = (these, those) {
        let mut properties = these.clone();
        for (name, theirs) in those {
            let both = these.get(name).map(|ours| self::union(ours, theirs));
            properties.insert(name.clone(), both.unwrap_or_else(|| theirs.clone()));
        }
        let required =
            list(one, "required").filter(|name| list(other, "required").any(|it| it == *name));
        let required: Vec<&Json> = required.collect();
        if !required.is_empty() {
            union["required"] = json!(required);
        }
        union["properties"] = properties.into();
    }
    if !one["enum"].is_null() && !other["enum"].is_null() {
        let more = list(other, "enum").filter(|text| !list(one, "enum").any(|it| it == *text));
        union["enum"] = list(one, "enum").chain(more).cloned().collect();
    }
    union
}

fn list<'a>(schema: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    schema[key].as_array().into_iter().flatten()
}

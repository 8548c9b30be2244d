//! Validates JSON against a JSON Schema, as far as this project's schemas use the language. An unknown keyword panics.

use regex_lite::Regex;
use serde_json::{Map, Value};

/// Returns what is wrong, each with its place as a JSON pointer. Empty if the value is valid.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    violations_in(schema, schema, value)
}

/// Returns the same for a schema that is part of a document.
pub(crate) fn violations_in(root: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Validator { root }.check(schema, value, "", &mut found);
    found
}

struct Validator<'a> {
    root: &'a Value,
}

impl Validator<'_> {
    fn is_valid(&self, schema: &Value, value: &Value) -> bool {
        let mut found = Vec::new();
        self.check(schema, value, "", &mut found);
        found.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
        let keywords = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return found.push(format!("{at}: nothing is allowed here")),
            Value::Object(keywords) => keywords,
            other => panic!("{other} is no schema"),
        };
        for (keyword, rule) in keywords {
            if !self.holds(keyword, rule, keywords, value, at, found) {
                found.push(format!("{at}: {value} violates `{keyword}`: {rule}"));
            }
        }
    }

    /// Checks one keyword. Pushes what is wrong with parts, and returns whether the value itself is right.
    fn holds(
        &self,
        keyword: &str,
        rule: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
        found: &mut Vec<String>,
    ) -> bool {
        let limit = || rule.as_u64().unwrap() as usize;
        let schemas = || rule.as_array().unwrap().iter();
        let valid = || {
            schemas()
                .filter(|schema| self.is_valid(schema, value))
                .count()
        };
        match keyword {
            "$schema" | "$comment" | "$defs" | "title" | "description" | "default" | "examples"
            | "format" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().strip_prefix('#').unwrap();
                self.check(self.root.pointer(pointer).unwrap(), value, at, found);
                true
            }
            "type" => match rule {
                Value::Array(types) => types.iter().any(|one| is_of_type(value, one)),
                one => is_of_type(value, one),
            },
            "const" => value == rule,
            "enum" => schemas().any(|one| one == value),
            "anyOf" => valid() > 0,
            "oneOf" => valid() == 1,
            "allOf" => valid() == schemas().count(),
            "not" => !self.is_valid(rule, value),
            "minimum" => value
                .as_f64()
                .is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value
                .as_f64()
                .is_none_or(|number| number <= rule.as_f64().unwrap()),
            "exclusiveMinimum" => value
                .as_f64()
                .is_none_or(|number| number > rule.as_f64().unwrap()),
            "exclusiveMaximum" => value
                .as_f64()
                .is_none_or(|number| number < rule.as_f64().unwrap()),
            "minLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() >= limit()),
            "maxLength" => value
                .as_str()
                .is_none_or(|text| text.chars().count() <= limit()),
            "pattern" => {
                let pattern = Regex::new(rule.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minItems" => value.as_array().is_none_or(|items| items.len() >= limit()),
            "maxItems" => value.as_array().is_none_or(|items| items.len() <= limit()),
            "uniqueItems" => value.as_array().is_none_or(|items| are_unique(items)),
            "minProperties" => value
                .as_object()
                .is_none_or(|members| members.len() >= limit()),
            "maxProperties" => value
                .as_object()
                .is_none_or(|members| members.len() <= limit()),
            "required" => value.as_object().is_none_or(|members| {
                schemas().all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                assert!(
                    !schema.contains_key("prefixItems"),
                    "{at}: not supported here"
                );
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(rule, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "prefixItems" => {
                let items = value.as_array().into_iter().flatten();
                for (index, (item, schema)) in items.zip(schemas()).enumerate() {
                    self.check(schema, item, &format!("{at}/{index}"), found);
                }
                true
            }
            "patternProperties" => {
                for (pattern, rule) in rule.as_object().unwrap() {
                    let pattern = Regex::new(pattern).unwrap();
                    let members = value.as_object().into_iter().flatten();
                    for (name, member) in members.filter(|(name, _)| pattern.is_match(name)) {
                        self.check(rule, member, &format!("{at}/{name}"), found);
                    }
                }
                true
            }
            "properties" | "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let patterns = schema.get("patternProperties").and_then(Value::as_object);
                let mut patterns = patterns.into_iter().flatten().map(|(pattern, _)| pattern);
                let patterns: Vec<Regex> = patterns
                    .by_ref()
                    .map(|pattern| Regex::new(pattern).unwrap())
                    .collect();
                for (name, member) in value.as_object().into_iter().flatten() {
                    let its = known.and_then(|known| known.get(name));
                    match (keyword, its) {
                        ("properties", Some(its)) => {
                            self.check(its, member, &format!("{at}/{name}"), found)
                        }
                        ("additionalProperties", None)
                            if !patterns.iter().any(|pattern| pattern.is_match(name)) =>
                        {
                            self.check(rule, member, &format!("{at}/{name}"), found)
                        }
                        _ => {}
                    }
                }
                true
            }
            other => panic!("{at}: the keyword `{other}` is not supported here"),
        }
    }
}

fn is_of_type(value: &Value, named: &Value) -> bool {
    match named.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("{other} is no type"),
    }
}

fn are_unique(items: &[Value]) -> bool {
    items
        .iter()
        .enumerate()
        .all(|(index, item)| !items[..index].contains(item))
}

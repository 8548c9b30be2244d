//! The files of `deploy/` and `action.yml` can be read, and use options and variables that exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;
use serde_json::Value;

#[rstest]
fn manifests_use_options_that_exist(
    #[files("action.yml")]
    #[files("deploy/**/*.yaml")]
    path: PathBuf,
) {
    let text = fs::read_to_string(&path).unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let help = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let known = fs::read_to_string(help).unwrap();
    let known: BTreeSet<&str> = known.split(|c: char| !is_of_name(c)).collect();

    let mut used = Vec::new();
    documents
        .iter()
        .for_each(|document| collect(document, &mut used));

    assert!(!documents.is_empty());
    let unknown: Vec<&&str> = used.iter().filter(|name| !known.contains(*name)).collect();
    assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
}

/// Collects options and variables of ours, wherever they stand.
fn collect<'a>(value: &'a Value, used: &mut Vec<&'a str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, used)),
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            used.extend(name(key));
            collect(value, used);
        }),
        Value::String(text) => used.extend(name(text)),
        _ => {}
    }
}

fn name(text: &str) -> Option<&str> {
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    let name = &text[..end];
    (name.starts_with("--") || name.starts_with("D4IOT_DOUBLE_")).then_some(name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

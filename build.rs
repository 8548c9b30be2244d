//! Lists the snapshots, so that the binary carries a copy of them, and puts the law into a form that is read at once.
//!
//! Also says when the files they come from must be read anew.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "a build script turns files into files")]
fn main() {
    println!("cargo::rerun-if-changed=conformance");
    println!("cargo::rerun-if-changed=snapshots");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let mut list = String::new();
    for kind in ["sensor", "console"] {
        let folder = Path::new(&root).join("snapshots").join(kind);
        let mut names: Vec<String> =
            fs::read_dir(&folder).map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()).unwrap_or_default();
        names.retain(|name| name.ends_with(".snap"));
        names.sort();
        writeln!(list, "static {}: &[(&str, &str)] = &[", kind.to_uppercase()).expect("a string takes it");
        for name in names {
            let path = folder.join(&name);
            let id = name.trim_end_matches(".snap");
            writeln!(list, "    ({id:?}, include_str!({path:?})),").expect("a string takes it");
        }
        writeln!(list, "];").expect("a string takes it");
        let law = Path::new(&root).join("conformance/contract").join(kind).with_extension("yaml");
        let text = fs::read_to_string(&law).unwrap_or_else(|error| panic!("{}: {error}", law.display()));
        fs::write(Path::new(&out).join(kind).with_extension("json"), compact(&law, &text)).expect("cargo's own folder can be written");
    }
    fs::write(Path::new(&out).join("snapshots.rs"), list).expect("cargo's own folder can be written");
}

/// Turns a contract's YAML into JSON, its aliases resolved: at every start, YAML would cost ten times the time and the memory.
fn compact(path: &Path, text: &str) -> String {
    let mut law: Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    plain(&mut law);
    law.to_string()
}

/// YAML keeps `220` a string where the law's types ask for one; in JSON it must be written as one. Only values are numbers.
fn plain(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| match value {
            Value::Number(number) => *value = Value::String(number.to_string()),
            value => plain(value),
        }),
        Value::Object(object) => object.values_mut().for_each(plain),
        _ => {}
    }
}

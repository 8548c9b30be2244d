//! Packs the snapshots, so that the binary carries a copy of them, and puts the law and the cases into a form that is read at once.
//!
//! Also says when the files they come from must be read anew.

use std::env;
use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::Value;
use serde_saphyr::Spanned;

#[expect(clippy::disallowed_methods, reason = "a build script turns files into files")]
fn main() {
    println!("cargo::rerun-if-changed=conformance");
    println!("cargo::rerun-if-changed=snapshots");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for kind in ["sensor", "console"] {
        let folder = Path::new(&root).join("snapshots").join(kind);
        let mut names: Vec<String> =
            fs::read_dir(&folder).map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()).unwrap_or_default();
        names.retain(|name| name.ends_with(".snap"));
        names.sort();
        let texts = names.iter().map(|name| (name.trim_end_matches(".snap"), fs::read_to_string(folder.join(name)).expect("it is a text")));
        fs::write(Path::new(&out).join(kind).with_extension("snapshots"), packed(texts)).expect("cargo's own folder can be written");
        let law = Path::new(&root).join("conformance/contract").join(kind).with_extension("yaml");
        let text = fs::read_to_string(&law).unwrap_or_else(|error| panic!("{}: {error}", law.display()));
        fs::write(Path::new(&out).join(kind).with_extension("json"), compact(&law, &text)).expect("cargo's own folder can be written");
    }
    cases(Path::new(&root), Path::new(&out));
}

/// Turns each file of cases into JSON, `[[line, case], …]`: read as YAML they took a good part of a `check`.
#[expect(clippy::disallowed_methods, reason = "a build script turns files into files")]
fn cases(root: &Path, out: &Path) {
    let out = out.join("cases");
    fs::create_dir_all(&out).expect("cargo's own folder can be written");
    for entry in fs::read_dir(root.join("conformance/cases")).expect("the cases are there") {
        let path = entry.expect("the cases are there").path();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let cases: Vec<Spanned<Value>> = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let placed: Vec<Value> = cases.into_iter().map(|case| Value::Array(vec![case.referenced.line().into(), case.value])).collect();
        let name = path.with_extension("json").file_name().expect("it is a file").to_owned();
        fs::write(out.join(name), Value::Array(placed).to_string()).expect("cargo's own folder can be written");
    }
}

/// Packs named texts into one: name and text of each, with the separators that ASCII has for units and records.
fn packed<'a>(texts: impl Iterator<Item = (&'a str, String)>) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    for (name, text) in texts {
        assert!(!text.contains(['\u{1e}', '\u{1f}']), "{name} holds a separator");
        write!(packer, "{name}\u{1f}{text}\u{1e}").expect("memory takes it");
    }
    packer.finish().expect("memory takes it")
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

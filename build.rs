//! Puts the law and the cases into a form that is read at once, and packs what most commands read nothing of: the binary carries it all.
//!
//! Also says when the files they come from must be read anew.

use std::{
    collections::BTreeMap,
    env,
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::DeflateEncoder};
use serde_json::Value;
use serde_saphyr::Spanned;

#[expect(
    clippy::disallowed_methods,
    reason = "a build script turns files into files"
)]
fn main() {
    println!("cargo::rerun-if-changed=conformance");
    println!("cargo::rerun-if-changed=snapshots");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    for kind in ["sensor", "console"] {
        let folder = Path::new(&root).join("snapshots").join(kind);
        let names = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let text = |name: String| {
            Some((
                name.strip_suffix(".snap")?.to_owned(),
                fs::read_to_string(folder.join(&name)).expect("it is a text"),
            ))
        };
        fs::write(
            Path::new(&out).join(kind).with_extension("packed"),
            packed(&names.filter_map(text).collect()),
        )
        .expect("cargo's own folder can be written");
        let law = Path::new(&root)
            .join("conformance/contract")
            .join(kind)
            .with_extension("yaml");
        let text =
            fs::read_to_string(&law).unwrap_or_else(|error| panic!("{}: {error}", law.display()));
        fs::write(
            Path::new(&out).join(kind).with_extension("json"),
            compact(&law, &text),
        )
        .expect("cargo's own folder can be written");
    }
    order(Path::new(&root), Path::new(&out));
    let conformance = Path::new(&root).join("conformance");
    let cases = cases(&conformance.join("cases"));
    fs::write(Path::new(&out).join("cases.packed"), packed(&cases))
        .expect("cargo's own folder can be written");
    let mutants =
        fs::read_to_string(conformance.join("mutants.yaml")).expect("the mutants are there");
    fs::write(
        Path::new(&out).join("mutants.packed"),
        packed(&BTreeMap::from([("mutants".to_owned(), mutants)])),
    )
    .expect("cargo's own folder can be written");
}

/// Has the linker put beside one another what a start and an answer run, where the profile is `dist`: a third less memory is held then.
///
/// GNU's linker and LLVM's take the list, others may not. So no other build asks for it, and `D4IOT_ANY_ORDER` in the environment does without.
fn order(root: &Path, out: &Path) {
    println!("cargo::rerun-if-changed=deploy/linker/first.ld");
    println!("cargo::rerun-if-env-changed=D4IOT_ANY_ORDER");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|given| given == value);
    // target/PROFILE/build/NAME/out
    let is_dist = out.ancestors().nth(3).and_then(Path::file_name) == Some(OsStr::new("dist"));
    if is_dist
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
        && env::var_os("D4IOT_ANY_ORDER").is_none()
    {
        println!(
            "cargo::rustc-link-arg-bin=d4iot-double=-Wl,-T,{}",
            root.join("deploy/linker/first.ld").display()
        );
    }
}

/// Turns each file of cases into JSON, `[[line, case], …]`, by its name: read as YAML they took a good part of a `check`.
#[expect(
    clippy::disallowed_methods,
    reason = "a build script turns files into files"
)]
fn cases(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("the cases are there").path());
    let one = |path: PathBuf| {
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let cases: Vec<Spanned<Value>> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let placed: Vec<Value> = cases
            .into_iter()
            .map(|case| Value::Array(vec![case.referenced.line().into(), case.value]))
            .collect();
        (
            path.file_stem()
                .and_then(OsStr::to_str)
                .expect("the names are plain")
                .to_owned(),
            Value::Array(placed).to_string(),
        )
    };
    files.map(one).collect()
}

/// Packs named texts into one: name and text of each, with the separators that ASCII has for units and records.
fn packed(texts: &BTreeMap<String, String>) -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    for (name, text) in texts {
        assert!(
            !text.contains(['\u{1e}', '\u{1f}']),
            "{name} holds a separator"
        );
        write!(packer, "{name}\u{1f}{text}\u{1e}").expect("memory takes it");
    }
    packer.finish().expect("memory takes it")
}

/// Turns a contract's YAML into JSON, its aliases resolved: at every start, YAML would cost ten times the time and the memory.
fn compact(path: &Path, text: &str) -> String {
    let mut law: Value =
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
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

//! Lists the snapshots, so that the binary carries a copy of them, and says when the case files must be read anew.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

#[expect(clippy::disallowed_methods, reason = "a build script writes into the folder that cargo gives it")]
fn main() {
    println!("cargo::rerun-if-changed=conformance");
    println!("cargo::rerun-if-changed=snapshots");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
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
    }
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("snapshots.rs"), list).expect("cargo's own folder can be written");
}

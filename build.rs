//! Lists the snapshot files, so that the crate can embed them: one constant a kind, with the name and the text of each.

use std::{env, error::Error, fmt::Write, fs, path::Path};

#[expect(
    clippy::disallowed_methods,
    reason = "a build script turns files into files"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=snapshots");
    let snapshots = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("snapshots");
    let mut list = String::new();
    for kind in ["console", "sensor"] {
        let mut paths = Vec::new();
        for entry in fs::read_dir(snapshots.join(kind))? {
            paths.push(entry?.path());
        }
        paths.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "snap")
        });
        // By the name alone: with its ending, `a.b.snap` would come before `a.snap`.
        paths.sort_by_key(|path| path.file_stem().map(ToOwned::to_owned));
        let name = kind.to_uppercase();
        writeln!(list, "pub(super) const {name}: &[(&str, &str)] = &[")?;
        for path in paths {
            let stem = path.file_stem().unwrap_or_default();
            writeln!(list, "    ({stem:?}, include_str!({path:?})),")?;
        }
        writeln!(list, "];")?;
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("snapshots.rs"), list)?;
    Ok(())
}

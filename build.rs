//! Lists the files that the crate embeds: the snapshots of each kind and the ready-made failure modes, by name.

use std::{
    env,
    error::Error,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    let (console, sensor) = (
        files("snapshots/console", "snap")?,
        files("snapshots/sensor", "snap")?,
    );
    let failures = files("fixtures/failures", "yaml")?;
    let list = "pub(super) const";
    write(
        "snapshots.rs",
        &[
            format!("{list} CONSOLE: &[(&str, &str)] = &[{}];", pairs(&console)),
            format!("{list} SENSOR: &[(&str, &str)] = &[{}];", pairs(&sensor)),
        ],
    )?;
    let names = failures.iter().map(|path| format!("{:?}, ", name(path)));
    write(
        "ready_made.rs",
        &[
            "/// The names of the ready-made failure modes, in alphabetical order.".to_owned(),
            format!(
                "pub const READY_MADE: &[&str] = &[{}];",
                names.collect::<String>()
            ),
            format!("const TEXTS: &[(&str, &str)] = &[{}];", pairs(&failures)),
        ],
    )
}

/// Returns the files of a folder with that ending, by name: with the ending, `a.b.snap` would come before `a.snap`.
fn files(folder: &str, ending: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    println!("cargo::rerun-if-changed={folder}");
    let mut paths = Vec::new();
    for entry in fs::read_dir(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(folder))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension() == Some(OsStr::new(ending)));
    paths.sort_by_key(|path| name(path));
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn pairs(paths: &[PathBuf]) -> String {
    let pairs = paths
        .iter()
        .map(|path| format!("({:?}, include_str!({path:?})), ", name(path)));
    pairs.collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a build script turns files into files"
)]
fn write(file: &str, lines: &[String]) -> Result<(), Box<dyn Error>> {
    fs::write(
        Path::new(&env::var("OUT_DIR")?).join(file),
        lines.join("\n"),
    )?;
    Ok(())
}

//! The project's files, and what `Cargo.toml` says of its dependencies.

use std::{fs, path::Path};

/// Returns the dependencies of a Cargo.toml above which no comment stands.
pub(crate) fn without_comment(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut inside, mut before) = (false, "");
    for line in manifest.lines() {
        if let Some(table) = line.strip_prefix('[') {
            inside = table.trim_end_matches(']').ends_with("dependencies");
        } else if inside
            && !line.starts_with(['#', ' ', ']'])
            && (!before.starts_with("# ") || before.starts_with("# —"))
        {
            found.extend(line.split_once('=').map(|(name, _)| name.trim().to_owned()));
        }
        before = line;
    }
    found
}

/// Returns the files below a folder of the project that end so, as paths from its root, sorted.
pub(crate) fn below(folder: &str, ending: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        // A folder that is not there has no files.
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.to_str().unwrap().ends_with(ending) {
                let inner = path.strip_prefix(root).unwrap();
                found.push(inner.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::with("[dependencies]\n# Saves us a parser.\na = \"1\"\n", "")]
    #[case::without("[dependencies]\n# Saves us a parser.\na = \"1\"\nb = \"1\"\n", "b")]
    #[case::heading_only("[dev-dependencies]\n# — the rest —\na = \"1\"\n", "a")]
    #[case::elsewhere("[package]\nname = \"x\"\n\n[lints.rust]\nx = \"y\"\n", "")]
    fn a_dependency_without_comment_is_seen(#[case] manifest: &str, #[case] expected: &str) {
        assert_eq!(without_comment(manifest).join(" "), expected);
    }
}

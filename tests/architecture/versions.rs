//! The Rust that the crate needs, and its dependencies.

use std::{env, process::Command};

use serde_json::Value;

/// A version of Rust, as `1.89` or `1.89.0` has it.
fn version(text: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = text.split('.').map(|part| part.parse().unwrap()).collect();
    parts.resize(3, 0);
    parts
}

/// Clippy holds what the crate uses of std; that the dependencies need no later Rust is held here. Only the newest compiler was run.
#[test]
fn no_dependency_needs_a_later_rust() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let packages = metadata["packages"].as_array().unwrap();
    let own = version(env!("CARGO_PKG_RUST_VERSION"));
    let mut needed = packages.iter().filter_map(|package| {
        // The project's own have no source.
        package["source"].as_str()?;
        let needs = package["rust_version"].as_str()?;
        Some((version(needs), package["name"].as_str()?))
    });
    assert!(
        needed.clone().any(|(needs, _)| needs == own),
        "it could be lower"
    );
    assert_eq!(needed.find(|(needs, _)| *needs > own), None);
}

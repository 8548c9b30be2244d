//! Relative links lead to files and headings that exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rstest::rstest;

#[rstest]
fn links_lead_to_files_and_headings(
    #[files("*.md")]
    #[files("clients/*.md")]
    #[files("docs/**/*.md")]
    #[files("helpers/**/*.md")]
    path: PathBuf,
) {
    let text = fs::read_to_string(&path).unwrap();
    let broken: Vec<&str> = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.contains(char::is_whitespace))
        .filter(|link| !leads_somewhere(&path, link))
        .collect();
    assert!(broken.is_empty(), "{}: {broken:?}", path.display());
}

fn leads_somewhere(page: &Path, link: &str) -> bool {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap().join(file),
    };
    if heading.is_empty() {
        return target.exists();
    }
    fs::read_to_string(target).is_ok_and(|text| {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .any(|line| anchor(line) == heading)
    })
}

/// Returns the anchor of a heading, as Git hosts make it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .replace(' ', "-")
        .replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '_', "")
}

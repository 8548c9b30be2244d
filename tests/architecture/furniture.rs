//! What else a tidy house shows: lengths with reasons, dependencies with comments, nothing unsafe.

/// Returns what is wrong with the lengths of files: too long without a reason, or a reason without a long file.
pub(crate) fn too_long(files: &[(String, usize)], reasons: &[(&str, &str)]) -> Vec<String> {
    let has_reason = |path: &str| reasons.iter().any(|(named, _)| *named == path);
    let long = files
        .iter()
        .filter(|(path, length)| *length > LONGEST && !has_reason(path));
    let long =
        long.map(|(path, length)| format!("{path} has {length} lines: split it, or give a reason"));
    let is_long = |path: &str| {
        files
            .iter()
            .any(|(named, length)| named == path && *length > LONGEST)
    };
    let stale = reasons
        .iter()
        .filter(|(path, _)| !is_long(path))
        .map(|(path, _)| format!("{path} is not over {LONGEST} lines: its reason can go"));
    long.chain(stale).collect()
}

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

/// Tells whether a text holds unsafe code; the word in a comment or as part of another is none.
pub(crate) fn is_unsafe(text: &str) -> bool {
    let code = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default());
    code.into_iter().any(|line| {
        line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
            .any(|word| word == "unsafe")
    })
}

/// What fits in the head.
const LONGEST: usize = 300;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::short(300, &[], "")]
    #[case::long(301, &[], "a.rs has 301 lines: split it, or give a reason")]
    #[case::long_with_a_reason(301, &[("a.rs", "a table")], "")]
    #[case::reason_outlived(300, &[("a.rs", "a table")], "a.rs is not over 300 lines: its reason can go")]
    #[case::reason_of_no_file(10, &[("b.rs", "a table")], "b.rs is not over 300 lines: its reason can go")]
    fn lengths_and_reasons_agree(
        #[case] length: usize,
        #[case] reasons: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        assert_eq!(
            too_long(&[("a.rs".to_owned(), length)], reasons).join("\n"),
            expected
        );
    }

    #[rstest]
    #[case::told("[dependencies]\n# Spares us a parser.\na = \"1\"\n", "")]
    #[case::silent("[dependencies]\n# Spares us a parser.\na = \"1\"\nb = \"1\"\n", "b")]
    #[case::heading_only("[dev-dependencies]\n# — the rest —\na = \"1\"\n", "a")]
    #[case::elsewhere(
        "[package]\nname = \"x\"\n\n[lints.rust]\nunsafe_code = \"forbid\"\n",
        ""
    )]
    fn a_silent_dependency_is_seen(#[case] manifest: &str, #[case] expected: &str) {
        assert_eq!(without_comment(manifest).join(" "), expected);
    }

    #[rstest]
    #[case::block("fn f() { unsafe { g() } }", true)]
    #[case::lint("#![forbid(unsafe_code)]", false)]
    #[case::comment("// unsafe is not needed", false)]
    fn unsafe_code_is_seen(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_unsafe(text), expected);
    }
}

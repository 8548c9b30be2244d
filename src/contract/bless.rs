//! Files that are generated from the data: each is compared with what is generated now.

/// Compares the part of a file between `<!-- NAME -->` and `<!-- end of NAME -->` with its new text.
#[expect(
    clippy::disallowed_methods,
    reason = "the test compares a file of the project"
)]
pub(crate) fn check_block(path: &str, name: &str, text: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let whole = std::fs::read_to_string(file).unwrap();
    let (start, end) = (
        format!("<!-- {name} -->\n\n"),
        format!("\n<!-- end of {name} -->"),
    );
    let (before, rest) = whole.split_once(&start).unwrap();
    let after = format!("\n{rest}");
    let (_, after) = after.split_once(&end).unwrap();
    check(path, &format!("{before}{start}{text}{end}{after}"));
}

/// Compares a file of the project with its new text. `D4IOT_BLESS=1` in the environment writes it.
#[expect(
    clippy::disallowed_methods,
    reason = "the test compares a file of the project"
)]
pub(crate) fn check(path: &str, text: &str) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("D4IOT_BLESS").is_some() {
        std::fs::write(&file, text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&file).unwrap_or_default() == text,
        "{path} is out of date: run the tests with D4IOT_BLESS=1"
    );
}

//! `documents`: compares both contracts with copies of the pages they were read from.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{
        code,
        error::{self, CliError, Result},
        print,
    },
    contract,
    contract::{
        Kind, places,
        places::{Finding, Pages},
    },
};

/// The arguments of `documents`.
#[derive(Args, Debug)]
pub(super) struct DocumentsArgs {
    /// The sensor's page
    #[arg(long, value_name = "FILE")]
    sensor: PathBuf,
    /// The console's page
    #[arg(long, value_name = "FILE")]
    console: PathBuf,
}

/// Prints a line for each difference between a contract and its page, then a summary. Ends with 1 if there is a difference.
///
/// Lines that start with `moved` name text that is unchanged on another line: the contract has to follow. Lines that start with
/// `lint` name mistakes of the page itself; they, and a page of another edition, change no exit code.
pub(super) fn run(options: &DocumentsArgs) -> Result {
    let (code, text) = compare(&options.sensor, &options.console)?;
    print(text)?;
    Ok(code)
}

fn compare(sensor: &Path, console: &Path) -> Result<(u8, String)> {
    let (sensor, console) = (read(Kind::Sensor, sensor)?, read(Kind::Console, console)?);
    let pages = Pages::following(&sensor, &console);
    let findings = hold(&pages);
    let mut lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    if !findings.is_empty() && hold(&Pages::following(&console, &sensor)).len() < findings.len() {
        lines.push(
            "hint: each file looks like the other kind's page; are --sensor and --console swapped?"
                .into(),
        );
    }
    for kind in SHOWN {
        let faults = places::lint(contract::of(kind), pages.of(kind));
        lines.extend(faults.iter().map(|fault| format!("lint {fault}")));
    }
    for kind in SHOWN {
        let (contract, page) = (contract::of(kind), pages.of(kind));
        let edition = if page.is(&contract.document) {
            "the edition transcribed".into()
        } else {
            let (sha256, transcribed) = (page.sha256(), &contract.document.sha256);
            format!("another edition: sha256 {sha256}, transcribed {transcribed}")
        };
        let own = findings.iter().filter(|finding| finding.document == kind);
        let (moved, differing): (Vec<&Finding>, Vec<_>) = own.partition(|finding| finding.moved);
        let result = if moved.len() + differing.len() == 0 {
            let (facts, quotes) = (contract.facts().len(), contract.quotes.len());
            format!("{facts} facts and {quotes} quotes hold")
        } else {
            format!("{} differ and {} moved", differing.len(), moved.len())
        };
        lines.push(format!(
            "{kind}: {result} on {} lines ({edition})",
            page.len()
        ));
    }
    let code = if findings.is_empty() {
        code::SUCCESS
    } else {
        code::DEVIATION
    };
    Ok((code, lines.join("\n") + "\n"))
}

fn read(kind: Kind, path: &Path) -> Result<String> {
    if path.is_dir() {
        let message = format!(
            "cannot read the {kind}'s page: {} is a folder",
            path.display()
        );
        let file = path.join(format!("{kind}.md"));
        return Err(
            CliError::usage(message).hint(format!("name the file in it, as in {}", file.display()))
        );
    }
    error::read_text(path)
}

fn hold(pages: &Pages<'_>) -> Vec<Finding> {
    SHOWN
        .iter()
        .flat_map(|kind| places::hold(contract::of(*kind), pages))
        .collect()
}

/// In the order of the command's options.
const SHOWN: [Kind; 2] = [Kind::Sensor, Kind::Console];

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn ran(sensor: &Path, console: &Path) -> std::result::Result<(u8, String), String> {
        compare(sensor, console).map_err(|error| error.to_string())
    }

    /// Returns the paths of the pages, where they are kept on this machine.
    fn true_pages() -> Option<(PathBuf, PathBuf)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/documents");
        let pages = (folder.join("sensor.md"), folder.join("console.md"));
        if !pages.0.exists() {
            eprintln!("skipped: no copies of the pages in {}", folder.display());
            return None;
        }
        Some(pages)
    }

    #[test]
    fn the_true_pages_hold() {
        let Some((sensor, console)) = true_pages() else {
            return;
        };
        let (code, said) = ran(&sensor, &console).expect("the pages can be read");
        let (faults, summaries): (Vec<&str>, Vec<&str>) =
            said.lines().partition(|line| line.starts_with("lint "));
        assert_eq!(
            (
                code,
                summaries.len(),
                said.matches("the edition transcribed").count()
            ),
            (0, 2, 2),
            "{said}"
        );
        assert!(faults.len() > 20, "{said}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes its own pages")]
    fn a_page_that_grew_is_followed() {
        let Some((sensor, console)) = true_pages() else {
            return;
        };
        let text = std::fs::read_to_string(&sensor).expect("the page can be read");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let grown = folder.path().join("grown.md");
        std::fs::write(
            &grown,
            text.replacen("\n## ", "\nA new sentence.\n\n## ", 1),
        )
        .expect("a file can be written");
        let (code, said) = ran(&grown, &console).expect("the pages can be read");
        assert_eq!(code, 1);
        assert!(said.starts_with("sensor:12 line: expected a fact, a quote or an excuse, found `A new sentence.`\nmoved sensor:"), "{said}");
        assert!(
            said.contains(
                "\nmoved sensor:20 set_password.path (heading): expected it on 18, found it on 20\n"
            ),
            "{said}"
        );
        assert!(!said.contains("hint: "), "{said}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes its own pages")]
    fn other_ends_of_lines_are_another_edition_that_holds() {
        let Some((sensor, console)) = true_pages() else {
            return;
        };
        let text = std::fs::read_to_string(&sensor).expect("the page can be read");
        let folder = tempfile::tempdir().expect("a folder can be made");
        let copy = folder.path().join("copy.md");
        std::fs::write(&copy, text.replace('\n', "\r\n")).expect("a file can be written");
        let (code, said) = ran(&copy, &console).expect("the pages can be read");
        assert_eq!(
            (code, said.matches("another edition").count()),
            (0, 1),
            "{said}"
        );
    }

    #[test]
    fn swapped_pages_get_a_hint() {
        let Some((sensor, console)) = true_pages() else {
            return;
        };
        let (code, said) = ran(&console, &sensor).expect("the pages can be read");
        assert_eq!(code, 1);
        assert!(
            said.contains("hint: ") && said.contains("another edition"),
            "{said}"
        );
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes its own pages")]
    fn other_pages_do_not_hold() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let page = folder.path().join("page.md");
        std::fs::write(&page, "A sentence.\n").expect("a file can be written");
        let (code, said) = ran(&page, &page).expect("the page can be read");
        assert_eq!(code, 1);
        assert!(
            said.contains(
                "\nsensor:1 line: expected a fact, a quote or an excuse, found `A sentence.`\n"
            ),
            "{said}"
        );
        assert!(!said.contains("hint: "), "{said}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test writes its own pages")]
    fn what_is_no_page_is_refused_with_its_path() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (missing, bytes) = (
            folder.path().join("missing.md"),
            folder.path().join("bytes.md"),
        );
        std::fs::write(&bytes, b"abc\xff").expect("a file can be written");
        for (path, expected) in [
            (&*missing, "missing.md: "),
            (folder.path(), " is a folder\n  hint: "),
            (&*bytes, "it is not UTF-8 after 3 bytes"),
        ] {
            let error = ran(path, path).expect_err("there is no page");
            assert!(
                error.starts_with("cannot read ") && error.contains(expected),
                "{error}"
            );
        }
    }
}

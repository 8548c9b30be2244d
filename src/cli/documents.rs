//! `documents`: compares what both contracts quote with copies of the pages they were read from.

use std::{
    fs,
    fs::File,
    io,
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        reports,
    },
    contract,
    contract::{
        Kind,
        encoding::hex,
        page,
        page::{
            Statement,
            compare::{self, Change},
            lint::{self, Fault},
            renumber::Moves,
        },
    },
    report,
    report::{Format, ReportRequest, ReportStyle, Templates},
    snapshot::write_file,
};

/// The arguments of `documents`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing said differs · 1 something does · 2 a file is not the page"
)]
pub(super) struct DocumentsArgs {
    /// The sensor's page in Markdown; - for standard input
    #[arg(long, value_name = "FILE", required_unless_present = "console")]
    sensor: Option<PathBuf>,
    /// The console's page in Markdown; - for standard input
    #[arg(long, value_name = "FILE")]
    console: Option<PathBuf>,
    /// Write the differences as text, json or markdown; to stdout without a path; repeatable
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<ReportRequest>,
    /// Renew the line numbers and hashes of the contract in this folder of the project's source
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = CONTRACT)]
    write: Option<PathBuf>,
}

/// What is known of one page.
#[derive(Serialize)]
struct PageReport {
    kind: Kind,
    sha256: String,
    is_recorded_edition: bool,
    statements: usize,
    changes: Vec<Change>,
    moved: Vec<(u32, u32, String)>,
    lint: Vec<Fault>,
    #[serde(skip)]
    moves: Moves,
}

/// Prints what the pages say otherwise than the edition that was transcribed. Ends with 1 if there is anything.
pub(super) fn run(options: &DocumentsArgs, console: &Console) -> Result {
    let wanted = [Format::Text, Format::Json, Format::Markdown];
    if let Some(other) = options
        .report
        .iter()
        .find(|one| !wanted.contains(&one.format))
    {
        let message = format!("--report {}: expected text, json or markdown", other.format);
        return Err(CliError::usage(message));
    }
    reports::prepare(&options.report)?;
    let files = [
        (Kind::Sensor, &options.sensor),
        (Kind::Console, &options.console),
    ];
    let files = files
        .into_iter()
        .filter_map(|(kind, path)| Some((kind, path.as_deref()?)));
    let files: Vec<(Kind, &Path)> = files.collect();
    if files.len() > 1 && files.iter().all(|(_, path)| *path == Path::new("-")) {
        return Err(
            CliError::usage("--sensor - and --console -: standard input is one page")
                .hint("name a file for one of them"),
        );
    }
    let pages = files
        .into_iter()
        .map(|(kind, path)| PageReport::new(kind, &read(kind, path)?));
    let pages: Vec<PageReport> = pages.collect::<Result<_>>()?;
    if let Some(folder) = &options.write {
        write(folder, &pages)?;
    }
    let render = |format: Format, style: ReportStyle| render(&pages, format, style.every_case);
    reports::write_all(&options.report, &render, console)?;
    Ok(match pages.iter().all(|page| page.changes.is_empty()) {
        true => code::SUCCESS,
        false => code::DEVIATION,
    })
}

impl PageReport {
    /// Compares the text of a kind's page with what is recorded.
    ///
    /// # Errors
    /// The text is not that page.
    fn new(kind: Kind, text: &str) -> Result<PageReport> {
        let contract = contract::of(kind);
        let recorded = page::recorded(contract);
        let said = page::read(text);
        check(kind, text, &recorded, &said)?;
        let moves = Moves::new(kind, &recorded, &said);
        let sha256 = hex(&Sha256::digest(text));
        Ok(PageReport {
            kind,
            is_recorded_edition: sha256 == contract.document.sha256,
            sha256,
            statements: recorded.len(),
            changes: compare::changes(kind, &recorded, &said),
            moved: moves.moved(),
            lint: lint::faults(&said),
            moves,
        })
    }
}

fn render(pages: &[PageReport], format: Format, every_line: bool) -> Vec<u8> {
    if format == Format::Json {
        let json = serde_json::to_vec_pretty(pages).unwrap_or_default();
        return [&json[..], b"\n"].concat();
    }
    let text = report::plain(TEXT, json!({ "pages": pages, "every_line": every_line }));
    let text = report::write_with(TEMPLATES, format, json!({ "text": text }), false);
    text.unwrap_or_default().into_bytes()
}

/// Refuses a text that is not a kind's page: HTML, another language, the other kind's.
fn check(kind: Kind, text: &str, recorded: &[Statement], said: &[Statement]) -> Result<()> {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let what = if start.is_empty() {
        "it is empty".to_owned()
    } else if start.starts_with('<') && !start.starts_with("<!--") {
        "it looks like HTML".to_owned()
    } else if said.len() > MAX_STATEMENTS {
        let count = said.len();
        format!("it has {count} statements, expected at most {MAX_STATEMENTS}")
    } else {
        let kept = |kind: Kind| compare::compare(&page::recorded(contract::of(kind)), said).kept;
        let (own, all) = (kept(kind), recorded.len());
        let other = Kind::ALL.iter().max_by_key(|kind| kept(**kind));
        match other.filter(|other| kept(**other) > own) {
            _ if own.max(other.map_or(0, |other| kept(*other))) < all / 2 => {
                format!("{own} of its {all} statements are in it, expected at least half")
            }
            Some(other) => format!("it looks like the {other}'s, for --{other}"),
            None => return Ok(()),
        }
    };
    let message = format!("--{kind}: this is not the {kind}'s page: {what}");
    Err(CliError::usage(message).hint("name a copy of the page in English, in Markdown"))
}

/// Reads a page, and not more of a file than a page can be.
fn read(kind: Kind, path: &Path) -> Result<String> {
    let failed = |what: String| CliError::usage(format!("cannot read {}: {what}", path.display()));
    if path.is_dir() {
        let file = path.join(format!("{kind}.md"));
        let hint = format!("name the file in it, as in {}", file.display());
        return Err(failed("it is a folder".into()).hint(hint));
    }
    let mut bytes = Vec::new();
    let read = match path.to_str() {
        Some("-") => io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes),
        _ => File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)),
    };
    read.map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > MAX_BYTES {
        let what = format!("it is larger than {MAX_BYTES} bytes, and the {kind}'s page is not");
        return Err(failed(what));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        failed(format!("it is not UTF-8 after {place} bytes"))
    })
}

/// Renews the numbers and hashes in the contract's files.
///
/// # Errors
/// The folder has another contract than this program was built with, or cannot be written.
#[expect(
    clippy::disallowed_methods,
    reason = "files of the project are renewed"
)]
fn write(folder: &Path, pages: &[PageReport]) -> Result<()> {
    let mut renewed = Vec::new();
    for (name, kind, built_in) in contract::FILES {
        let path = folder.join(name);
        // Not by `error::read_text`, after which it could not be replaced.
        let mut text = fs::read_to_string(&path).map_err(|error| {
            CliError::usage(format!("cannot read {}: {error}", path.display()))
                .hint("run it in a checkout of the project")
        })?;
        if text != built_in {
            let message = format!("{} is not what this program was built with", path.display());
            return Err(
                CliError::usage(message).hint("build it again, and run it with --write then")
            );
        }
        for page in pages {
            text = page.moves.renew(kind, &text, &page.sha256);
        }
        renewed.push((path, text));
    }
    for (path, text) in renewed {
        write_file(&path, text.as_bytes()).map_err(|error| {
            CliError::usage(format!("cannot write {}: {error}", path.display()))
        })?;
    }
    Ok(())
}

const TEXT: &str = include_str!("templates/documents.jinja");
const TEMPLATES: Templates = &[
    (
        Format::Text,
        "{% for line in text|lines %}{{ line }}\n{% endfor %}",
    ),
    (Format::Markdown, "{{ text|lines|join('\n')|fenced }}\n"),
];
/// Where the contract is in the project.
const CONTRACT: &str = "conformance/contract";
/// Pages are a quarter of it.
const MAX_BYTES: u64 = 32 * 1024;
/// Pages have a quarter of it.
const MAX_STATEMENTS: usize = 400;

//! The table of failure modes: each key of `do`, as a raw socket and as reqwest see it, over HTTP and HTTPS, on a fresh
//! connection and on one that was used before. With `D4IOT_TABLE=served` the program is asked, which the package for Windows is tried by.
//!
//! `D4IOT_DOCS=write cargo test --test it failure_table` writes what differs into `docs/failure-modes.md`, for a person to read.

mod bench;
mod client;
mod modes;
mod pairs;
mod raw;
mod rows;
mod served;
mod words;

use std::{
    collections::BTreeSet,
    env, fs,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use bench::Bench;
use d4iot_double::{fixture, server::tls::Identity};
use rows::{ROWS, Row};
use served::Program;
use tokio::{sync::Semaphore, task::JoinSet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_failure_looks_like_is_what_the_readme_says() {
    let identity = Identity::generate(&[]).unwrap();
    let quick = table(&observed(&identity, QUIET).await);
    if !writes() && shown("failures").trim() == quick.trim() {
        return;
    }
    // On a busy machine what comes late looks like what does not come: looked at again, with more patience.
    holds("failures", &table(&observed(&identity, QUIET * 5).await));
}

/// Observes all rows.
async fn observed(identity: &Identity, quiet: Duration) -> Vec<Vec<String>> {
    // Few at a time: that nothing comes is told by a pause, which the test must not make by itself.
    let few = Arc::new(Semaphore::new(12));
    let programs = [false, true].map(Program::start);
    let mut cells = JoinSet::new();
    for (index, row) in ROWS.iter().enumerate() {
        for column in 0..8 {
            let (identity, few) = (identity.clone(), Arc::clone(&few));
            let program = programs[usize::from(column % 4 > 1)].clone();
            cells.spawn(async move {
                let _one = few.acquire().await.unwrap();
                (
                    index,
                    column,
                    cell(row, column, &identity, quiet, program.as_ref()).await,
                )
            });
        }
    }
    let mut seen = vec![vec![String::new(); 8]; ROWS.len()];
    while let Some(cell) = cells.join_next().await {
        let (index, column, words) = cell.unwrap();
        seen[index][column] = words;
    }
    seen
}

#[test]
fn every_ready_made_mode_is_listed() {
    holds("modes", &modes::list());
}

#[test]
fn every_key_has_a_row() {
    let schema = fixture::schema();
    let keys = schema
        .pointer("/$defs/Do/properties")
        .and_then(|keys| keys.as_object())
        .expect("the schema tells the keys of do");
    let keys: BTreeSet<&str> = keys.keys().map(String::as_str).collect();
    let has = |key: &&str| ROWS.iter().any(|row| row.act.contains(&format!("{key}:")));
    assert!(keys.len() > 25);
    assert_eq!(
        keys.iter()
            .copied()
            .filter(|key| !has(key))
            .collect::<Vec<_>>(),
        [""; 0]
    );
}

/// Observes one row: columns are HTTP fresh, HTTP kept, HTTPS fresh, HTTPS kept; a raw socket's, then reqwest's.
async fn cell(
    row: &Row,
    column: usize,
    identity: &Identity,
    quiet: Duration,
    program: Option<&Arc<Program>>,
) -> String {
    let (tls, kept) = (column % 4 > 1, column % 2 == 1);
    match Bench::start(row, tls.then_some(identity), kept, quiet, program) {
        Err(_) => "refused at load".to_owned(),
        Ok(bench) if column < 4 => raw::seen(row, &bench, kept).await,
        Ok(bench) => client::seen(row, &bench, kept).await,
    }
}

/// Returns the table in Markdown; a cell that says what the one to its left says has a ditto mark.
fn table(seen: &[Vec<String>]) -> String {
    let mut text =
        "| `do` | seen by | HTTP, fresh | HTTP, kept alive | HTTPS, fresh | HTTPS, kept alive |\n| --- | --- | --- | --- | --- | --- |\n".to_owned();
    for (row, cells) in ROWS.iter().zip(seen) {
        for (observer, cells) in [("socket", &cells[..4]), ("reqwest", &cells[4..])] {
            let name = if observer == "socket" {
                format!("`{}`", row.act)
            } else {
                String::new()
            };
            let shown = cells.iter().enumerate().map(|(index, cell)| {
                if index > 0 && cells[index - 1] == *cell {
                    "″"
                } else {
                    cell
                }
            });
            text += &format!(
                "| {name} | {observer} | {} |\n",
                shown.collect::<Vec<_>>().join(" | ")
            );
        }
    }
    text
}

/// Compares a marked block of the page with what it should be, or writes it.
fn holds(name: &str, expected: &str) {
    if writes() {
        let _one = WRITING.lock().unwrap();
        let (page, block) = block(name);
        fs::write(
            PAGE,
            format!(
                "{}\n{expected}\n{}",
                &page[..block.start],
                &page[block.end..]
            ),
        )
        .unwrap();
        return;
    }
    let shown = shown(name);
    let differs: Vec<String> = similar::TextDiff::from_lines(shown.trim(), expected.trim())
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{change}", change.tag()))
        .collect();
    assert!(
        differs.is_empty(),
        "the {name} of the page:\n{}",
        differs.concat()
    );
}

fn shown(name: &str) -> String {
    let (page, block) = block(name);
    page[block].to_owned()
}

/// Returns the page and where in it a marked block is.
fn block(name: &str) -> (String, Range<usize>) {
    let page = fs::read_to_string(PAGE).unwrap();
    let (start, end) = (
        format!("<!-- {name} -->\n"),
        format!("<!-- end of {name} -->"),
    );
    let from = page.find(&start).expect("the page has the block") + start.len();
    let to = from + page[from..].find(&end).expect("the block has an end");
    (page, from..to)
}

fn writes() -> bool {
    env::var("D4IOT_DOCS").is_ok_and(|word| word == "write")
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failure-modes.md");
/// After this long without a byte, nothing is taken to come.
const QUIET: Duration = Duration::from_millis(250);
/// Two tests of this file write into one page.
static WRITING: Mutex<()> = Mutex::new(());

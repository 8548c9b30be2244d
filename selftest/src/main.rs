//! Runs the self-test of the conformance suite: `cargo run -p selftest [-- --matrix | --quick | --case ID]`.

use std::{
    env, panic,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use d4iot_double::suite::cases;
use selftest::{
    Extent,
    spec::{controls, mutants},
};

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (matrix, extent) = match arguments[..] {
        [] => (false, Extent::Whole),
        ["--matrix"] => (true, Extent::Whole),
        ["--quick"] => (false, Extent::Quick),
        ["--case", id] if cases::all().iter().any(|case| case.case.id == id) => {
            (false, Extent::Case(id.to_owned()))
        }
        ["--case", id] => {
            eprintln!("no case is named {id}");
            return ExitCode::from(2);
        }
        _ => {
            eprintln!("usage: selftest [--matrix | --quick | --case ID]");
            return ExitCode::from(2);
        }
    };
    // A mock that panics deviates in more than its mutant declares.
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{info}");
    }));
    match run(matrix, &extent).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(matrix: bool, extent: &Extent) -> Result<bool, String> {
    let mutants = mutants::all().map_err(|error| error.to_string())?;
    let controls = controls::all().map_err(|error| error.to_string())?;
    let progress = |done: usize, total: usize| {
        if done.is_multiple_of(PROGRESS_STEP) {
            eprintln!("{done} of {total} trials");
        }
    };
    let mut report = selftest::run(&mutants, &controls, extent, &progress).await?;
    let panics = PANICS.load(Ordering::Relaxed);
    if panics > 0 {
        report.problems.push(format!("{panics} panics"));
    }
    if matrix {
        print!("{}", report.matrix());
    }
    print!("{}", report.text());
    if let Extent::Case(id) = extent {
        for score in &report.cases {
            println!("{id} ({}) kills: {}", score.kind, score.kills.join(", "));
        }
    }
    Ok(report.problems.is_empty())
}

/// After how many trials a line of progress is written.
const PROGRESS_STEP: usize = 20;

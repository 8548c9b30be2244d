//! Runs the self-test of the conformance suite: `cargo run -p selftest [-- --matrix | --quick]`.

use std::{
    env, panic,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
};

use selftest::spec::{controls, mutants};

static PANICS: AtomicUsize = AtomicUsize::new(0);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (matrix, is_quick) = match arguments.as_slice() {
        [] => (false, false),
        [only] if only == "--matrix" => (true, false),
        [only] if only == "--quick" => (false, true),
        _ => {
            eprintln!("usage: selftest [--matrix | --quick]");
            return ExitCode::from(2);
        }
    };
    // A mock that panics deviates in more than its mutant declares.
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{info}");
    }));
    match run(matrix, is_quick).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(matrix: bool, is_quick: bool) -> Result<bool, String> {
    let mutants = mutants::all().map_err(|error| error.to_string())?;
    let controls = controls::all().map_err(|error| error.to_string())?;
    let progress = |done: usize, total: usize| {
        if done.is_multiple_of(PROGRESS_STEP) {
            eprintln!("{done} of {total} trials");
        }
    };
    let mut report = selftest::run(&mutants, &controls, is_quick, &progress).await?;
    let panics = PANICS.load(Ordering::Relaxed);
    if panics > 0 {
        report.problems.push(format!("{panics} panics"));
    }
    if matrix {
        print!("{}", report.matrix());
    }
    print!("{}", report.text());
    Ok(report.problems.is_empty())
}

/// After how many trials a line of progress is written.
const PROGRESS_STEP: usize = 20;

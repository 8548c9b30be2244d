//! `prove`: every mutant must be caught, every control accepted.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;

use crate::{
    cli::{code, serve, talk::Talk},
    conformance::{controls, controls::Control, mutants, mutants::Mutants},
    prover,
    report::{
        Format, Request,
        proof::{Proof, html, json, text},
    },
};

/// How a proof is told.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 proved · 1 a mutant survived, a control was refused, a fact or a case proves nothing · 2 usage"
)]
pub struct Options {
    /// How the proof is told: text, json, html; to stdout without a path
    #[arg(long, value_name = "FORMAT[=PATH]", value_parser = request)]
    report: Vec<Request>,
    /// Other mutants than those inside the binary, in the form of conformance/mutants.yaml
    #[arg(long, value_name = "FILE")]
    mutants: Option<PathBuf>,
    /// Other controls than those inside the binary, in the form of conformance/controls.yaml
    #[arg(long, value_name = "FILE")]
    controls: Option<PathBuf>,
}

/// Proves, reports, and returns the exit code.
#[expect(
    clippy::disallowed_methods,
    reason = "an edge: what a proof costs is said"
)]
pub fn run(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    let start = Instant::now();
    let (mutants, controls) = match read(options) {
        Ok(read) => read,
        Err(error) => {
            talk.error(error);
            return code::USAGE;
        }
    };
    let runtime = match serve::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk.error(format!("starting: {error}"));
            return code::INTERNAL;
        }
    };
    let step = |done: usize, total: usize| {
        if talk.wants_lines() && (done.is_multiple_of(STEP) || done == total) {
            talk.progress(format!("{done} of {total} trials"));
        }
    };
    let proof = match runtime.block_on(prover::prove(&mutants, &controls, &step)) {
        Ok(proof) => proof,
        Err(error) => {
            talk.error(error);
            return code::USAGE;
        }
    };
    talk.note(format!("it took {:.1} s", start.elapsed().as_secs_f64()));
    match write(&options.report, &proof, out) {
        Ok(()) if proof.holds() => code::GOOD,
        Ok(()) => code::WRONG,
        Err(error) => {
            talk.error(error);
            code::USAGE
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an edge: this is where these files are read"
)]
fn read(options: &Options) -> Result<(Mutants, Vec<Control>), String> {
    let text = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
    };
    let mutants = match &options.mutants {
        Some(path) => mutants::read(&path.display().to_string(), &text(path)?),
        None => mutants::all(),
    };
    let controls = match &options.controls {
        Some(path) => controls::read(&path.display().to_string(), &text(path)?),
        None => controls::all(),
    };
    Ok((
        mutants.map_err(|error| error.to_string())?,
        controls.map_err(|error| error.to_string())?,
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "reports go where the command line says"
)]
fn write(requests: &[Request], proof: &Proof, out: &mut dyn Write) -> Result<(), String> {
    for Request { format, path } in requests {
        let bytes = told(*format, proof);
        match path {
            Some(path) => fs::write(path, bytes).map_err(|error| {
                format!("writing the {format} report to {}: {error}", path.display())
            })?,
            // A reader that has seen enough closes the pipe; the verdict is the exit code.
            None => drop(out.write_all(&bytes)),
        }
    }
    if requests
        .iter()
        .all(|request| request.path.is_some() && request.format != Format::Text)
    {
        drop(out.write_all(text::write(proof).as_bytes()));
    }
    Ok(())
}

fn told(format: Format, proof: &Proof) -> Vec<u8> {
    match format {
        Format::Html => html::write(proof).into_bytes(),
        Format::Json => json::write(proof),
        _ => text::write(proof).into_bytes(),
    }
}

fn request(text: &str) -> Result<Request, String> {
    let request: Request = text.parse()?;
    match request.format {
        Format::Html | Format::Json | Format::Text => Ok(request),
        other => Err(format!(
            "a proof is not told as {other}, expected one of html, json, text"
        )),
    }
}

/// After how many trials something is said.
const STEP: usize = 20;

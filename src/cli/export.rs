//! `export FORMAT`: the contract in the formats of other tools.

use std::path::PathBuf;

use clap::{Args, builder::PossibleValuesParser};

use crate::{
    cli::{
        code,
        error::{CliError, Result},
        mocks, print,
    },
    contract::Kind,
    export::FORMATS,
    snapshot::{check_writable, write_file},
};

/// The arguments of `export`.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// What to make
    #[arg(value_parser = formats())]
    format: String,
    /// The fixture whose users, policy and readings it has (default: the built-in one)
    #[arg(value_name = "FIXTURE")]
    fixture: Option<PathBuf>,
    /// Whose contract, if no FIXTURE is given
    #[arg(long, value_parser = super::kind, default_value = "sensor", conflicts_with = "fixture")]
    kind: Kind,
    /// Follow one reading, as `X11=table`: a fact's name, a glob or an X number, and the reading; repeatable
    #[arg(long, value_name = "FACT=NAME")]
    reading: Vec<String>,
    /// Follow the readings of a profile, as `check --report profile=FILE` writes it. --reading overrides it
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// Write a file (default: stdout)
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Prints the contract in a format, or writes it into a file.
pub(super) fn run(options: &ExportArgs) -> Result {
    let mut mocks = mocks::load(options.fixture.as_slice(), Some(options.kind))?;
    mocks::configure(
        &mut mocks,
        options.readings.as_deref(),
        &options.reading,
        &[],
    )?;
    let [(_, fixture)] = mocks.as_slice() else {
        let message = format!("{} fixtures, expected one", mocks.len());
        return Err(CliError::usage(message).hint("name one file, of one appliance"));
    };
    let format = FORMATS.iter().find(|format| format.name == options.format);
    let exported = format.map(|format| format.render(fixture));
    let exported = exported.unwrap_or_default();
    let Some(path) = &options.output else {
        return print(exported);
    };
    let failed = |error| CliError::usage(format!("cannot write {}: {error}", path.display()));
    check_writable(path).map_err(failed)?;
    write_file(path, exported.as_bytes()).map_err(failed)?;
    Ok(code::SUCCESS)
}

fn formats() -> PossibleValuesParser {
    let formats = FORMATS.iter();
    formats
        .map(|format| clap::builder::PossibleValue::new(format.name).help(format.about))
        .collect::<Vec<_>>()
        .into()
}

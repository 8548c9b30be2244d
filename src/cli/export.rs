//! `export FORMAT`: the contract in the formats of other tools.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        mocks, print,
    },
    contract::Kind,
    export::{FORMATS, Format},
    snapshot::{check_writable, write_file, write_file_by},
    system::open_private,
};

/// The arguments of `export`.
#[derive(Args, Debug)]
pub(super) struct ExportArgs {
    /// What to make
    #[arg(value_parser = formats())]
    format: &'static Format,
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
pub(super) fn run(options: &ExportArgs, console: &Console) -> Result {
    let (file, format) = (options.fixture.as_slice(), options.format);
    let mut mocks = mocks::load_single(file, Some(options.kind))?;
    mocks::configure(
        &mut mocks,
        options.readings.as_deref(),
        &options.reading,
        &[],
    )?;
    let [(file, fixture)] = mocks.as_slice() else {
        let message = format!("{} fixtures, expected one", mocks.len());
        return Err(CliError::usage(message).hint("name one file, of one appliance"));
    };
    for left_out in format.left_out(fixture) {
        console.note(format!("left out: {left_out}"));
    }
    let secret = file
        .as_ref()
        .filter(|_| format.has_passwords && fixture.names_users);
    if let Some(file) = secret {
        console.note(format!("the file has the passwords of {}", file.display()));
    }
    let exported = format.render(fixture);
    let Some(path) = &options.output else {
        return print(exported);
    };
    let failed = |error| CliError::usage(format!("cannot write {}: {error}", path.display()));
    check_writable(path).map_err(failed)?;
    let written = match secret {
        Some(_) => write_file_by(path, exported.as_bytes(), open_private),
        None => write_file(path, exported.as_bytes()),
    };
    written.map_err(failed)?;
    Ok(code::SUCCESS)
}

/// Reads the name of a format for clap.
fn formats() -> impl TypedValueParser<Value = &'static Format> {
    let names = FORMATS
        .iter()
        .map(|format| PossibleValue::new(format.name).help(format.about));
    let named = |name: String| FORMATS.iter().find(|format| format.name == name);
    PossibleValuesParser::new(names).map(move |name| named(name).expect("clap took the name"))
}

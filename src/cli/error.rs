//! Why a command ends early.

use std::{fmt, fs, io, io::Read, path::Path, sync::OnceLock};

use crate::{cli::code, contract::Kind, snapshot::protect};

/// What is printed about a failure, and the exit code.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(super) code: u8,
    pub(super) message: String,
    hint: Option<String>,
}

/// What a command ends with: its exit code, or why it ends early.
pub(crate) type Result<T = u8, E = CliError> = std::result::Result<T, E>;

impl CliError {
    /// Makes an error with an exit code of its own.
    pub(super) fn new(code: u8, message: impl fmt::Display) -> CliError {
        CliError {
            code,
            message: message.to_string(),
            hint: None,
        }
    }

    /// Makes an error of usage or configuration.
    pub(super) fn usage(message: impl fmt::Display) -> CliError {
        CliError::new(code::USAGE, message)
    }

    /// Says what to do about it.
    pub(super) fn hint(self, hint: impl fmt::Display) -> CliError {
        CliError {
            hint: Some(hint.to_string()),
            ..self
        }
    }

    /// Says what to do about it, where that is known.
    pub(super) fn with_hint(self, hint: Option<String>) -> CliError {
        CliError { hint, ..self }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(out, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl<E: std::error::Error> From<E> for CliError {
    fn from(error: E) -> CliError {
        CliError::usage(error)
    }
}

/// Reads a file that the command line names, or stdin for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        // It can be read once, and some files are read twice.
        static STDIN: OnceLock<Vec<u8>> = OnceLock::new();
        let mut bytes = Vec::new();
        if STDIN.get().is_none() {
            bytes = read_limited(io::stdin()).map_err(CliError::usage)?;
        }
        return Ok(STDIN.get_or_init(|| bytes).clone());
    }
    protect(path);
    fs::File::open(path)
        .and_then(read_limited)
        .map_err(|error| {
            let shown = path.display().to_string();
            let kind = shown.parse::<Kind>().ok();
            let hint = kind.map(|kind| format!("did you mean --kind {kind}?"));
            CliError::usage(format!("cannot read {shown}: {error}")).with_hint(hint)
        })
}

fn read_limited(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(io::Error::other("it has more than 64 MiB")),
        false => Ok(bytes),
    }
}

/// Reads a text file that the command line names.
pub(super) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        CliError::usage(format!(
            "cannot read {}: it is not UTF-8 after {place} bytes",
            path.display()
        ))
    })
}

/// How long a file may be. The largest that anybody needs is a fixture of 32 MiB.
const MAX_BYTES: u64 = 64 << 20;

//! What is said on stderr, and whether in colour. Data never comes through here.

use std::{
    collections::BTreeSet,
    env,
    fmt::Display,
    io,
    io::IsTerminal,
    panic,
    sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard},
};

use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::Level;

use crate::{
    cli::{code, stderr},
    redact::Redactor,
};

/// When colour is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// Always
    Always,
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Never
    Never,
}

/// The form of what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line
    Json,
    /// Plain lines
    Text,
}

/// Says things on stderr. Clones say them the same way.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    colour: Colour,
    quiet: bool,
    verbose: bool,
    format: LogFormat,
}

impl Talk {
    /// Talks as the command line asks.
    pub fn new(colour: Colour, quiet: bool, verbose: bool, format: LogFormat) -> Talk {
        Talk {
            colour,
            quiet,
            verbose,
            format,
        }
    }

    /// Says an error, also when quiet. A text that begins with `error:` already is left as it is.
    pub fn error(&self, text: impl Display) {
        self.line("error", &text.to_string());
    }

    /// Says a warning.
    pub fn warning(&self, text: impl Display) {
        if !self.quiet {
            self.line("warning", &text.to_string());
        }
    }

    /// Says something in passing.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            self.line("note", &text.to_string());
        }
    }

    /// Says how far something is: a line as it is, without a level before it.
    pub fn progress(&self, text: impl Display) {
        match self.format {
            LogFormat::Json => self.line("progress", &text.to_string()),
            LogFormat::Text => put(&text.to_string()),
        }
    }

    /// Says a detail, only when asked for more.
    pub fn detail(&self, text: impl Display) {
        if self.verbose {
            self.line("detail", &text.to_string());
        }
    }

    /// Says what an event of the rooms tells, with its fields where the form has a place for them.
    pub(super) fn event(&self, level: Level, text: &str, fields: Map<String, Value>) {
        let level = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "note",
            _ => "detail",
        };
        self.line_with(level, text, fields);
    }

    /// Tells whether more is to be said.
    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Returns a command's code; an error is said and is one of usage.
    pub fn code(&self, result: Result<u8, String>) -> u8 {
        result.unwrap_or_else(|error| {
            self.error(error);
            code::USAGE
        })
    }

    /// Lets a panic, wherever it happens, tell its place and nothing else: its text may hold what a request held.
    pub fn hush_panics(self) {
        panic::set_hook(Box::new(move |panicked| {
            let place = panicked
                .location()
                .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
            self.error(format!(
                "internal error at {place}\n  hint: this is a fault of d4iot-double; what it says is not shown, since it may hold a password"
            ));
        }));
    }

    /// Waits until all messages are written, unless nobody reads them.
    pub fn flush(&self) {
        stderr::flush();
    }

    /// Tells whether progress can be shown as it goes.
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Tells whether progress is to be said line by line: not a terminal, not quiet.
    pub fn wants_lines(&self) -> bool {
        !self.quiet && !io::stderr().is_terminal()
    }

    /// Tells whether text on stdout may be coloured.
    pub fn colours_stdout(&self) -> bool {
        self.colours(io::stdout().is_terminal())
    }

    fn colours(&self, terminal: bool) -> bool {
        match self.colour {
            Colour::Always => true,
            Colour::Auto => {
                terminal
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
            Colour::Never => false,
        }
    }

    fn line(&self, level: &str, text: &str) {
        self.line_with(level, text, Map::new());
    }

    fn line_with(&self, level: &str, text: &str, fields: Map<String, Value>) {
        let line = match self.format {
            LogFormat::Json => {
                let mut line = Map::from_iter([
                    ("level".to_owned(), level.into()),
                    ("message".to_owned(), text.into()),
                ]);
                line.extend(fields);
                Value::Object(line).to_string()
            }
            LogFormat::Text if text.starts_with("error:") => text.to_owned(),
            LogFormat::Text => format!("{level}: {text}"),
        };
        put(&line);
    }
}

/// Every message passes here, and no known password passes with it.
fn put(line: &str) {
    stderr::write(format!("{}\n", hidden().text(line)));
}

/// Hides passwords in all that is said from now on, in whatever spelling; in place of those hidden before.
pub(super) fn hide<'a>(secrets: impl IntoIterator<Item = &'a str>, usernames: &BTreeSet<&str>) {
    let redactor = Redactor::of_secrets(secrets, usernames);
    *HIDDEN.write().unwrap_or_else(PoisonError::into_inner) = redactor;
}

fn hidden() -> RwLockReadGuard<'static, Redactor> {
    HIDDEN.read().unwrap_or_else(PoisonError::into_inner)
}

static HIDDEN: LazyLock<RwLock<Redactor>> = LazyLock::new(RwLock::default);

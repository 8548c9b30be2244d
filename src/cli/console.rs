//! Messages on stderr, and colour on stdout. Data is never printed here.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    fmt::Display,
    io,
    io::IsTerminal,
    panic,
    sync::{LazyLock, PoisonError, RwLock},
    thread,
    thread::ThreadId,
};

use clap::{Args, ColorChoice, ValueEnum};
use serde_json::{Map, Value};
use tracing::Level;

use crate::{
    cli::{
        code,
        error::{CliError, Result},
        stderr,
    },
    clock,
    contract::encoding,
    redact::Redactor,
};

/// Prints messages on stderr as the command line asks.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Console {
    /// When to use colour; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        display_order = 900,
        default_value_t,
        value_name = "WHEN"
    )]
    color: ColorChoice,
    /// Print fewer messages on stderr
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
    /// Print more messages on stderr
    #[arg(
        short,
        long,
        global = true,
        display_order = 902,
        conflicts_with = "quiet",
        overrides_with = "verbose"
    )]
    verbose: bool,
    /// Format of messages on stderr
    #[arg(
        long,
        global = true,
        display_order = 903,
        default_value = "text",
        value_name = "FORMAT"
    )]
    log_format: LogFormat,
}

/// The format of messages on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// One JSON object per line
    Json,
    #[default]
    Text,
}

impl Console {
    /// Prints an error, also when quiet. A text that begins with `error:` stays as it is.
    pub fn error(&self, text: impl Display) {
        self.event(Level::ERROR, text, Map::new());
    }

    /// Prints errors, and returns their exit code: success if there are none.
    pub(super) fn errors(&self, texts: &[String]) -> u8 {
        let codes = texts
            .iter()
            .map(|text| self.code(Err(CliError::usage(text))));
        codes.fold(code::SUCCESS, code::worst)
    }

    /// Prints a warning.
    pub fn warning(&self, text: impl Display) {
        self.event(Level::WARN, text, Map::new());
    }

    /// Prints a note.
    pub fn note(&self, text: impl Display) {
        self.event(Level::INFO, text, Map::new());
    }

    /// Prints a detail, if the user asks for more.
    pub fn detail(&self, text: impl Display) {
        self.event(Level::DEBUG, text, Map::new());
    }

    /// Prints a line of progress, without a level before it.
    pub fn progress(&self, text: impl Display) {
        match self.log_format {
            LogFormat::Json => self.print("info", text, Map::new()),
            LogFormat::Text => write(&format!("{text}\n")),
        }
    }

    /// Replaces the last line of the terminal.
    pub(super) fn bar(&self, text: impl Display) {
        write(&format!("\r\x1b[2K{text}"));
    }

    /// Prints an event, with its fields if the format has a place for them.
    pub(super) fn event(&self, level: Level, text: impl Display, fields: Map<String, Value>) {
        let (name, in_json, is_wanted) = match level {
            Level::ERROR => ("error", "error", true),
            Level::WARN => ("warning", "warning", !self.quiet),
            Level::INFO => ("note", "info", !self.quiet),
            _ => ("detail", "debug", self.verbose),
        };
        let level = match self.log_format {
            LogFormat::Json => in_json,
            LogFormat::Text => name,
        };
        if is_wanted {
            self.print(level, text, fields);
        }
    }

    /// Returns the exit code of a command, after printing its error.
    pub(super) fn code(&self, result: Result) -> u8 {
        result.unwrap_or_else(|error| {
            self.error(&error);
            error.code
        })
    }

    /// Waits until all messages are written, unless nobody reads them.
    pub fn flush(&self) {
        stderr::flush();
    }

    /// Makes every panic print its place and nothing else: its text may hold what a request held.
    pub fn install_panic_hook(self) {
        panic::set_hook(Box::new(move |panic| {
            let place = panic.location().map(ToString::to_string);
            let place = place.unwrap_or("an unknown place".to_owned());
            self.error(format!(
                "internal error at {place}\n  hint: this is a bug in d4iot-double; its message is not shown, as it may contain a password"
            ));
        }));
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether progress is a bar: on a terminal.
    pub(super) fn has_bar(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Whether text on stdout may be coloured.
    pub fn has_colors(&self) -> bool {
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Auto => {
                io::stdout().is_terminal()
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
            ColorChoice::Never => false,
        }
    }

    fn print(&self, level: &str, text: impl Display, fields: Map<String, Value>) {
        let text = text.to_string();
        let line = match self.log_format {
            LogFormat::Json => {
                let mut line = Map::new();
                let time = encoding::timestamp(clock::wall_time());
                line.insert("time".into(), time.into());
                line.insert("level".into(), level.into());
                line.insert("message".into(), text.into());
                line.extend(fields);
                Value::Object(line).to_string()
            }
            LogFormat::Text if text.starts_with("error:") => text,
            LogFormat::Text => format!("{level}: {text}"),
        };
        write(&format!("{line}\n"));
    }
}

/// Every message passes here, and no known password passes with it.
fn write(text: &str) {
    stderr::write(redacted(text));
}

/// Returns a text without the passwords that messages hide.
pub(super) fn redacted(text: &str) -> String {
    let hidden = HIDDEN.read().unwrap_or_else(PoisonError::into_inner);
    hidden.values().fold(text.to_owned(), |text, hidden| {
        hidden.text(&text).into_owned()
    })
}

/// Hides passwords in all further messages, however they are spelled; in place of those that this thread hid before.
pub(super) fn hide<'a>(secrets: impl IntoIterator<Item = &'a str>, usernames: &BTreeSet<&str>) {
    let redactor = Redactor::of_secrets(secrets, usernames);
    let mut hidden = HIDDEN.write().unwrap_or_else(PoisonError::into_inner);
    hidden.insert(thread::current().id(), redactor);
}

static HIDDEN: LazyLock<RwLock<HashMap<ThreadId, Redactor>>> = LazyLock::new(RwLock::default);

//! The progress of a run: a bar on a terminal; elsewhere one line per case or scenario if the user asks for more.

use std::{
    fmt::Display,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{cli::console::Console, contract::Kind, report::CaseResult};

/// How many cases, or scenarios, are done.
pub(super) struct Progress {
    console: Console,
    done: AtomicUsize,
    total: usize,
}

impl Progress {
    pub(super) fn new(total: usize, console: &Console) -> Progress {
        Progress {
            console: *console,
            done: AtomicUsize::new(0),
            total,
        }
    }

    /// Counts something that is done: a bar shows its name, and a line says what became of it.
    pub(super) fn add(&self, name: &str, line: impl Display) {
        if self.console.has_bar() {
            let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
            let filled = "#".repeat(WIDTH * done / self.total.max(1));
            let total = self.total;
            self.console
                .bar(format_args!("{filled:-<WIDTH$} {done}/{total} {name}"));
        } else if self.console.is_verbose() {
            self.console.progress(line);
        }
    }

    /// Counts a case that is done.
    pub(super) fn add_case(&self, kind: Kind, case: &CaseResult) {
        let line = format_args!("{kind:<8}{}", case.verdict_line());
        self.add(&case.id, line);
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        if self.console.has_bar() {
            self.console.bar("");
        }
    }
}

/// The width of the bar in columns.
const WIDTH: usize = 40;

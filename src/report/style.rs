//! Colour, where it was asked for: a frame round words that say the same without it.

use crate::report::{Conformance, Regression};

/// Paints words, or leaves them as they are.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Whether colour was asked for.
    pub(super) colour: bool,
}

impl Style {
    /// No colour.
    pub(super) const NONE: Style = Style { colour: false };

    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(super) fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(super) fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(super) fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    pub(super) fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }

    /// Paints words about a verdict against the documents in its colour.
    pub(super) fn conformance(self, verdict: Conformance, text: &str) -> String {
        match verdict {
            Conformance::Deviation | Conformance::Unstable => self.red(text),
            Conformance::Documented => self.green(text),
            Conformance::NotJudged => self.dim(text),
            Conformance::Undocumented => text.to_owned(),
            Conformance::Variant => self.yellow(text),
        }
    }

    /// Paints words about a verdict against the snapshot in its colour.
    pub(super) fn regression(self, verdict: Regression, text: &str) -> String {
        match verdict {
            Regression::Changed => self.red(text),
            Regression::New => self.cyan(text),
            Regression::Same => self.green(text),
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

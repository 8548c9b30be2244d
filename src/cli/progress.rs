//! How far a run is.

use std::{io, io::IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};

use crate::{cli::talk::Talk, contract::Kind, report, report::CaseResult};

/// How far a run is: a bar on a terminal, a line a case elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    lines: Option<Talk>,
}

impl Progress {
    pub(super) fn new(cases: usize, talk: &Talk) -> Progress {
        let bar = (!talk.is_quiet() && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(u64::try_from(cases).unwrap_or(u64::MAX)).with_style(style)
        });
        Progress {
            bar,
            lines: talk.wants_lines().then_some(*talk),
        }
    }

    pub(super) fn tell(&self, kind: Kind, case: &CaseResult) {
        if let Some(bar) = &self.bar {
            bar.set_message(case.id.clone());
            bar.inc(1);
        }
        if let Some(talk) = &self.lines {
            talk.progress(format_args!("{kind:<8}{}", report::verdict_line(case)));
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

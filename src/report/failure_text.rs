//! One case that fails, told in full: where it stands, what was sent, what came, what was expected and who says so.

use crate::{
    contract::Kind,
    report::{
        CaseFinding, CaseResult, Conformance, ExchangeResult, Regression, sanitize, style::Style,
    },
};

/// Tells a case in full, one item a line, each line ended. `review` is the folder where a changed snapshot waits, if one does.
///
/// No line begins with what a target sent: build servers read commands there.
pub(super) fn render_failure(case: &CaseResult, review: Option<&str>, style: Style) -> String {
    let mut told = FailureText {
        text: String::new(),
        style,
    };
    told.head(case);
    for (index, exchange) in case.exchanges.iter().enumerate() {
        told.exchange(index + 1, case.exchanges.len(), exchange);
        case.reasons
            .iter()
            .filter(|finding| finding.step == index + 1)
            .for_each(|finding| told.finding(finding));
    }
    for finding in case
        .reasons
        .iter()
        .filter(|finding| finding.step == 0 || finding.step > case.exchanges.len())
    {
        if finding.step > 0 {
            told.item("step", &finding.step.to_string());
        }
        told.finding(finding);
    }
    told.difference(case, review);
    told.text
}

/// Says what is wrong with a failed case in a few words: `deviation`, `documented, changed`.
pub(super) fn verdict(case: &CaseResult) -> String {
    match (case.conformance, case.regression) {
        (conformance, Some(Regression::Changed)) => format!("{}, changed", conformance.name()),
        (conformance @ (Conformance::Deviation | Conformance::Unstable), _) => {
            conformance.name().to_owned()
        }
        (conformance, _) => format!("failed, {}", conformance.name()),
    }
}

/// Returns the command that goes through what waits in a folder; all of it where no id is given.
pub(super) fn review(folder: &str, id: &str) -> String {
    let is_standard = folder
        .strip_prefix(STANDARD)
        .is_some_and(|kind| kind.parse::<Kind>().is_ok());
    let folder = if is_standard {
        String::new()
    } else {
        format!(" --snapshots {}", sanitize::line(folder))
    };
    let id = if id.is_empty() {
        String::new()
    } else {
        format!(" {}", sanitize::line(id))
    };
    format!("d4iot-double review{folder}{id}")
}

/// The text so far.
struct FailureText {
    text: String,
    style: Style,
}

impl FailureText {
    fn head(&mut self, case: &CaseResult) {
        let verdict = self.style.red(&verdict(case));
        let id = self.style.bold(&sanitize::line(&case.id));
        self.line(&format!("{verdict}: {id}: {}", sanitize::line(&case.title)));
        self.line(&self.style.dim(&format!(
            "  --> {}:{}",
            sanitize::line(&case.file),
            case.line
        )));
        let facts: Vec<String> = case.facts.iter().map(|fact| sanitize::line(fact)).collect();
        let label = if facts.len() == 1 { "fact" } else { "facts" };
        self.items(
            label,
            sanitize::wrapped(&facts, sanitize::WIDTH - INDENT).into_iter(),
        );
    }

    fn exchange(&mut self, step: usize, steps: usize, exchange: &ExchangeResult) {
        let label = if steps == 1 {
            "request".to_owned()
        } else {
            format!("step {step}")
        };
        self.items(&label, sanitize::lines(&exchange.curl));
        self.item("answer", &answer(exchange));
        if !exchange.body.is_empty() {
            self.item("body", &sanitize::short(&exchange.body));
        }
    }

    fn finding(&mut self, finding: &CaseFinding) {
        if !finding.expected.is_empty() {
            self.item(
                "expected",
                &self.style.green(&sanitize::short(&finding.expected)),
            );
        }
        if !finding.received.is_empty() {
            self.item(
                "received",
                &self.style.red(&sanitize::short(&finding.received)),
            );
        }
        self.items(
            "readings",
            finding
                .readings
                .iter()
                .map(|reading| sanitize::line(reading)),
        );
        if let Some(hint) = &finding.hint {
            self.item("hint", &sanitize::line(hint));
        }
    }

    fn difference(&mut self, case: &CaseResult, folder: Option<&str>) {
        if case.difference.is_empty() {
            return;
        }
        let style = self.style;
        let coloured = |line: String| match line.as_bytes().first() {
            Some(b'-') => style.red(&line),
            Some(b'+') => style.green(&line),
            _ => line,
        };
        let label = if case.conformance == Conformance::Unstable {
            "differs"
        } else {
            "snapshot"
        };
        self.items(label, sanitize::lines(&case.difference).map(coloured));
        // A deviation cannot be accepted, so nobody is sent to try; nor is anybody where nothing was written.
        if let Some(folder) = folder.filter(|_| {
            case.regression == Some(Regression::Changed)
                && case.conformance != Conformance::Deviation
        }) {
            self.item(
                "hint",
                &format!("if the new answer is right: {}", review(folder, &case.id)),
            );
        }
    }

    /// Adds items under one label; further ones stand below the first.
    fn items(&mut self, label: &str, items: impl Iterator<Item = String>) {
        for (index, item) in items.enumerate() {
            self.item(if index == 0 { label } else { "" }, &item);
        }
    }

    fn item(&mut self, label: &str, item: &str) {
        self.line(&format!(
            "  {} {item}",
            self.style
                .dim(&format!("{label:<width$}", width = INDENT - 3))
        ));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Says how an answer begins, or why there is none.
fn answer(exchange: &ExchangeResult) -> String {
    let mut words = Vec::new();
    match (&exchange.trouble, exchange.status) {
        (Some(trouble), _) => words.push(format!("none: {}", sanitize::short(trouble))),
        (None, Some(status)) => words.push(status.to_string()),
        (None, None) => words.push("none".to_owned()),
    }
    words.extend(exchange.content_type.as_deref().map(sanitize::short));
    words.extend(
        exchange
            .outcome
            .as_deref()
            .map(|outcome| format!("({})", sanitize::line(outcome))),
    );
    words.join(" ")
}

/// Where the folders are that `review` looks into by itself.
const STANDARD: &str = "snapshots/";
/// How far to the right the items stand.
const INDENT: usize = 12;

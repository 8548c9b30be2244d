//! Every case of a run, folded; those that fail come first and are open. They are chosen by radio buttons and style alone.

use std::fmt::Write as _;

use crate::{
    contract::Operation,
    report::{
        CaseFinding, CaseResult, Conformance, ExchangeResult, Inconsistency, Regression, Summary,
        TargetSummary, failure_text,
        html::escape::{lines, text},
    },
};

/// Writes the cases of all targets, and what chooses among them.
pub(super) fn write(summary: &Summary) -> String {
    let mut html = String::from(
        "<h2>Cases</h2>\n<p class=\"soft help\">Each opens; the browser's own search finds what is folded.</p>\n",
    );
    for (group, choices) in GROUPS {
        for (index, choice) in choices.iter().enumerate() {
            let checked = if index == 0 { " checked=\"\"" } else { "" };
            let _ = writeln!(
                html,
                "<input class=\"choice\" type=\"radio\" name=\"{group}\" id=\"{group}-{choice}\"{checked}/>"
            );
        }
    }
    html.push_str("<div class=\"filter\">\n");
    let chosen = Chosen::of(summary);
    for (group, choices) in GROUPS {
        html.push_str("<div>\n");
        choices.iter().for_each(|choice| {
            let count = chosen.count(group, choice);
            let class = if count == 0 { " class=\"none\"" } else { "" };
            let words = if *choice == "every" {
                "every operation".to_owned()
            } else {
                choice.replace('-', " ")
            };
            let _ = writeln!(
                html,
                "<label for=\"{group}-{choice}\"{class}>{words} <span>{count}</span></label>"
            );
        });
        html.push_str("</div>\n");
    }
    html.push_str("</div>\n<div class=\"cases\">\n");
    for (index, target) in summary.targets.iter().enumerate() {
        let _ = writeln!(
            html,
            "<h3 id=\"t{index}-cases\">{}</h3>",
            text(&target.name())
        );
        target
            .inconsistent
            .iter()
            .for_each(|inconsistency| html.push_str(&contradiction(inconsistency)));
        let failed_first = target
            .cases
            .iter()
            .filter(|case| case.failed)
            .chain(target.cases.iter().filter(|case| !case.failed));
        for (place, case) in failed_first.enumerate() {
            html.push_str(&one(case, case.failed && place < MOST_OPEN, index, target));
        }
    }
    html + "</div>\n"
}

/// The classes of everything that can be chosen.
struct Chosen(Vec<String>);

impl Chosen {
    fn of(summary: &Summary) -> Chosen {
        let cases = summary
            .targets
            .iter()
            .flat_map(|target| target.cases.iter().map(classes));
        let mixed = summary.targets.iter().flat_map(|target| {
            target
                .inconsistent
                .iter()
                .map(|mixed| contradicts(mixed).to_owned())
        });
        Chosen(cases.chain(mixed).collect())
    }

    /// How many a choice leaves.
    fn count(&self, group: &str, choice: &str) -> usize {
        let class = if group == "ask" {
            format!("ask-{choice}")
        } else {
            choice.to_owned()
        };
        let is_everything = GROUPS.iter().any(|(_, choices)| choices[0] == choice);
        self.0
            .iter()
            .filter(|classes| is_everything || classes.split(' ').any(|other| other == class))
            .count()
    }
}

/// What can be chosen: the first of each group is everything. The style sheet knows these names; a test says so.
pub(super) const GROUPS: [(&str, &[&str]); 2] = [
    (
        "show",
        &[
            "all",
            "failed",
            "deviation",
            "variant",
            "undocumented",
            "not-judged",
            "changed",
            "new",
            "known",
        ],
    ),
    (
        "ask",
        &[
            "every",
            "set_password",
            "set_password_by_admin",
            "validation",
        ],
    ),
];

fn one(case: &CaseResult, open: bool, index: usize, target: &TargetSummary) -> String {
    let open = if open { " open=\"\"" } else { "" };
    let mut html = format!(
        "<details class=\"{}\"{open}>\n<summary>{}",
        classes(case),
        badge(case.conformance.name())
    );
    html.push_str(
        &case
            .regression
            .filter(|regression| *regression != Regression::Same)
            .map(|regression| badge(regression.name()))
            .unwrap_or_default(),
    );
    html.push_str(
        &case
            .known
            .as_ref()
            .map(|_| badge("known"))
            .unwrap_or_default(),
    );
    let _ = writeln!(
        html,
        "<span class=\"id\">{}</span> <span class=\"soft\">{}</span></summary>",
        text(&case.id),
        text(&case.title)
    );
    let place = format!("{}:{}", case.file, case.line);
    // The name stands inside: a link to it opens the fold.
    let _ = writeln!(
        html,
        "<p class=\"soft\" id=\"t{index}.{}\"><code>{}</code> · effect on a target: {}</p>",
        text(&case.id),
        text(&place),
        text(&case.effect)
    );
    let known = case
        .known
        .as_deref()
        .map(|reason| format!("<p>Known: {}</p>\n", text(reason)));
    html.push_str(&known.unwrap_or_default());
    if !case.reading.is_empty() {
        let _ = writeln!(
            html,
            "<p>Another reading than the default: {}</p>",
            text(&case.reading.join(", "))
        );
    }
    for (step, exchange) in case.exchanges.iter().enumerate() {
        let label = if case.exchanges.len() == 1 {
            String::new()
        } else {
            format!("Step {}: ", step + 1)
        };
        html.push_str(&told(exchange, &label));
        case.reasons
            .iter()
            .filter(|reason| reason.step == step + 1)
            .for_each(|reason| html.push_str(&finding(reason, case)));
    }
    case.reasons
        .iter()
        .filter(|reason| reason.step == 0 || reason.step > case.exchanges.len())
        .for_each(|reason| html.push_str(&finding(reason, case)));
    html.push_str(&difference(case, target));
    let facts = case.facts.iter().map(|fact| {
        // A fact may have its register number before it.
        let name = fact.rsplit(' ').next().unwrap_or(fact);
        format!(
            "<li><a href=\"#t{index}.fact.{}\">{}</a></li>",
            text(name),
            text(fact)
        )
    });
    let _ = writeln!(
        html,
        "<p class=\"label\">Facts it covers</p>\n<ul class=\"plain\">{}</ul>\n</details>",
        facts.collect::<String>()
    );
    html
}

/// What a case is chosen by.
fn classes(case: &CaseResult) -> String {
    let mut classes = vec!["case", case.conformance.name()];
    classes.extend(case.regression.map(Regression::name));
    classes.extend(case.failed.then_some("failed"));
    classes.extend(case.known.as_ref().map(|_| "known"));
    // A case that ends in an answer of no operation, such as a body that is no JSON, still bears the name of the one it asked.
    let names = || {
        case.facts
            .iter()
            .map(|fact| fact.rsplit(' ').next().unwrap_or(fact))
            .chain([case.id.as_str()])
    };
    let about =
        |operation: &&Operation| names().any(|name| name.starts_with(&format!("{operation}.")));
    let operations: Vec<String> = Operation::ALL
        .iter()
        .filter(about)
        .map(|operation| format!("ask-{operation}"))
        .collect();
    classes.extend(operations.iter().map(String::as_str));
    classes.join(" ")
}

fn contradicts(inconsistency: &Inconsistency) -> &'static str {
    if inconsistency.known.is_some() {
        "case deviation known"
    } else {
        "case deviation failed"
    }
}

fn badge(name: &str) -> String {
    format!(
        "<span class=\"badge {name}\">{}</span> ",
        name.replace('-', " ")
    )
}

fn told(exchange: &ExchangeResult, label: &str) -> String {
    let mut html = format!(
        "<p class=\"label\">{label}request</p>\n<pre>{}</pre>\n",
        lines(&exchange.curl)
    );
    let mut words: Vec<String> = exchange.status.iter().map(u16::to_string).collect();
    words.extend(exchange.content_type.as_deref().map(text));
    words.extend(
        exchange
            .trouble
            .as_deref()
            .map(|trouble| format!("none: {}", text(trouble))),
    );
    words.extend(
        exchange
            .outcome
            .as_deref()
            .map(|outcome| format!("<b>{}</b>", text(outcome))),
    );
    words.push(format!(
        "{}.{} ms",
        exchange.micros / 1000,
        exchange.micros % 1000 / 100
    ));
    let _ = writeln!(
        html,
        "<p class=\"label\">{label}answer · {}</p>",
        words.join(" · ")
    );
    if !exchange.body.is_empty() {
        let _ = writeln!(html, "<pre>{}</pre>", lines(&exchange.body));
    }
    html
}

fn finding(finding: &CaseFinding, case: &CaseResult) -> String {
    let class = if matches!(
        case.conformance,
        Conformance::Deviation | Conformance::Unstable
    ) {
        "finding"
    } else {
        "finding calm"
    };
    let mut html = format!("<dl class=\"{class}\">\n");
    let mut item = |name: &str, value: &str| {
        let _ = writeln!(html, "<dt>{name}</dt><dd>{value}</dd>");
    };
    if !finding.expected.is_empty() {
        item("expected", &text(&finding.expected));
    }
    if !finding.received.is_empty() {
        item(
            if case.conformance == Conformance::NotJudged {
                "reason"
            } else {
                "received"
            },
            &text(&finding.received),
        );
    }
    if !finding.readings.is_empty() {
        item(
            "readings",
            &finding
                .readings
                .iter()
                .map(|reading| text(reading))
                .collect::<Vec<_>>()
                .join("<br/>"),
        );
    }
    if let Some(hint) = &finding.hint {
        item("hint", &text(hint));
    }
    html + "</dl>\n"
}

fn difference(case: &CaseResult, target: &TargetSummary) -> String {
    if case.difference.is_empty() {
        return String::new();
    }
    let coloured = case
        .difference
        .lines()
        .map(|line| match line.as_bytes().first() {
            Some(b'+') => format!("<ins>{}</ins>\n", text(line)),
            Some(b'-') => format!("<del>{}</del>\n", text(line)),
            _ => format!("{}\n", text(line)),
        });
    let coloured: String = coloured.collect();
    let review = target.review.as_deref().filter(|_| {
        case.regression == Some(Regression::Changed) && case.conformance != Conformance::Deviation
    });
    let review = review.map(|folder| {
        format!(
            "<p>If the new answer is right: <code>{}</code></p>\n",
            text(&failure_text::review(folder, &case.id))
        )
    });
    let from = if case.conformance == Conformance::Unstable {
        "between two times"
    } else {
        "from the snapshot"
    };
    format!(
        "<p class=\"label\">Difference {from}</p>\n<pre>{coloured}</pre>\n{}",
        review.unwrap_or_default()
    )
}

/// A contradiction fails the run and belongs to no one case.
fn contradiction(inconsistency: &Inconsistency) -> String {
    let known = inconsistency
        .known
        .as_deref()
        .map(|reason| format!("<p>Known: {}</p>\n", text(reason)));
    let (class, open) = (
        contradicts(inconsistency),
        if known.is_some() { "" } else { " open=\"\"" },
    );
    format!(
        "<details class=\"{class}\"{open}>\n<summary>{}<span class=\"id\">{}</span> <span class=\"soft\">One target, several readings</span></summary>\n{}<p>{}</p>\n</details>\n",
        badge("deviation"),
        text(&inconsistency.id()),
        known.unwrap_or_default(),
        text(&inconsistency.description())
    )
}

/// How many failures of a target are open from the start: a reader who sees ten alike has seen enough.
const MOST_OPEN: usize = 10;

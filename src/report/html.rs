//! The report for people with time: one page with everything, usable without a script, and allowed none.
//!
//! ```text
//! page ── overview   each target's counts
//!      ── readings   what is followed where the documents quarrel
//!      ── cases      every case and exchange, folded; chosen by verdict and operation with style alone
//!      ── facts      which cases cover each fact, and which facts none covers
//! ```
//!
//! The page loads nothing and runs nothing: its policy allows the one style sheet in it, by hash. Whatever is shown is escaped.
//! It is well-formed XML as well, so that a test can read it without a browser.

mod cases;
pub(super) mod escape;
mod facts;

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use crate::report::{
    Counts, Summary, TargetSummary, conclusion,
    conclusion::{Ending, amount},
    html::escape::{lines, text},
    readings,
};

/// Writes a run as one HTML file.
pub(super) fn write(summary: &Summary) -> String {
    let (ending, words) = conclusion::summary_line(summary);
    let class = match ending {
        Ending::Bad => "bad",
        Ending::Good => "good",
        Ending::Nothing => "nothing",
    };
    let mut page = head(&words, STYLE);
    push(
        &mut page,
        &format!("<header>\n<h1 class=\"{class}\">{}</h1>\n", text(&words)),
    );
    summary.trouble.iter().for_each(|trouble| {
        push(
            &mut page,
            &format!(
                "<p class=\"trouble\"><b>trouble:</b> {}</p>\n",
                lines(trouble)
            ),
        )
    });
    push(&mut page, "<nav>");
    for (index, target) in summary.targets.iter().enumerate() {
        let name = text(&target.name());
        push(
            &mut page,
            &format!(
                "<a href=\"#t{index}-cases\">{name}: cases</a> <a href=\"#t{index}-facts\">{name}: facts</a>\n"
            ),
        );
    }
    push(&mut page, "</nav>\n</header>\n<main>\n");
    summary
        .targets
        .iter()
        .for_each(|target| push(&mut page, &overview(target)));
    push(&mut page, &followed(summary));
    push(&mut page, &cases::write(summary));
    push(&mut page, &facts::write(summary));
    push(
        &mut page,
        &format!(
            "</main>\n<footer>{}</footer>\n</body>\n</html>\n",
            text(&summary.tool)
        ),
    );
    page
}

fn push(page: &mut String, part: &str) {
    page.push_str(part);
}

/// The policy stands before the style it allows. Nothing else is: no script, no image, no font, no form, no frame.
pub(super) fn head(title: &str, style: &str) -> String {
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>d4iot-double: {}</title>\n<style>{style}</style>\n</head>\n<body>\n",
        text(title)
    )
}

fn overview(target: &TargetSummary) -> String {
    let Counts {
        documented,
        variant,
        deviation,
        undocumented,
        not_judged,
        unstable,
        same,
        changed,
        new,
    } = target.counts;
    let mut documents = vec![
        ("documented", documented),
        ("variant", variant),
        ("deviation", deviation),
        ("undocumented", undocumented),
        ("not-judged", not_judged),
    ];
    // Where each case was asked once, nothing can be unstable.
    documents.extend((unstable > 0).then_some(("unstable", unstable)));
    let mut html = format!(
        "<section class=\"target\">\n<h3>{}: {}</h3>\n",
        text(&target.name()),
        amount(target.cases.len(), "case")
    );
    html.push_str(&bar(&documents));
    let snapshots = [("same", same), ("changed", changed), ("new", new)];
    // Without a baseline the second question was not asked.
    let asked = snapshots.iter().any(|(_, count)| *count > 0);
    let tiles = documents
        .iter()
        .chain(snapshots.iter().filter(|_| asked))
        .map(|(name, count)| {
            let class = if *count == 0 { "none" } else { name };
            format!(
                "<div class=\"{class}\"><dt>{}</dt><dd>{count}</dd></div>\n",
                name.replace('-', " ")
            )
        });
    let _ = writeln!(
        html,
        "<dl class=\"counts\">\n{}</dl>",
        tiles.collect::<String>()
    );
    if !target.gone.is_empty() {
        let gone: String = target
            .gone
            .iter()
            .map(|id| format!("<li><code>{}</code></li>", text(id)))
            .collect();
        let _ = writeln!(html, "<p>Snapshots without a case:</p>\n<ul>{gone}</ul>");
    }
    html + "</section>\n"
}

/// One bar of all verdicts, told again by the numbers below it.
fn bar(counts: &[(&str, usize)]) -> String {
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let mut left = 0;
    let mut parts = String::new();
    for (name, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let _ = write!(
            parts,
            "<rect class=\"{name}\" x=\"{left}\" y=\"0\" width=\"{count}\" height=\"1\"/>"
        );
        left += count;
    }
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{parts}</svg>\n",
        total.max(1)
    )
}

fn followed(summary: &Summary) -> String {
    let rows = readings::rows(summary);
    if rows.is_empty() {
        return String::new();
    }
    let heads: String = summary
        .targets
        .iter()
        .map(|target| format!("<th>{}</th>", target.kind))
        .collect();
    let mut html = format!(
        "<h2>Readings followed</h2>\n<table>\n<thead><tr><th></th><th>fact</th>{heads}</tr></thead>\n<tbody>\n"
    );
    for row in rows {
        let cells = row
            .cells
            .iter()
            .map(|cell| match cell.strip_suffix(readings::MARK) {
                Some(cell) => format!("<td class=\"other\">{} *</td>", text(cell)),
                None => format!("<td>{}</td>", text(cell)),
            });
        let cells: String = cells.collect();
        let _ = writeln!(
            html,
            "<tr><td class=\"number\">{}</td><td><code>{}</code></td>{cells}</tr>",
            text(&row.number),
            text(&row.fact)
        );
    }
    let note = if html.contains("class=\"other\"") {
        "* not the default. "
    } else {
        ""
    };
    html + &format!(
        "</tbody>\n</table>\n<p class=\"soft\">{note}<code>d4iot-double explain FACT</code> tells who says what, and where.</p>\n"
    )
}

/// The one style sheet, as it stands in the page: its hash is in the policy.
const STYLE: &str = include_str!("html/style.css");

#[cfg(test)]
mod tests;

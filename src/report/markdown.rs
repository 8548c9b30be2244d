//! The report for a page: GitHub-flavoured Markdown, for a pull request, a wiki, or a build server's summary.
//!
//! Whatever came from a target stands between backticks, more of them than it has itself, so that nothing in it is Markdown or HTML.

use crate::report::{
    CaseResult, Conformance, Counts, Summary, TargetSummary, conclusion,
    conclusion::{Ending, amount},
    failure_text, readings, sanitize,
    style::Style,
};

/// Writes a run as Markdown.
pub(super) fn write(summary: &Summary) -> String {
    let (ending, words) = conclusion::summary_line(summary);
    let sign = match ending {
        Ending::Bad => "❌",
        Ending::Good => "✅",
        Ending::Nothing => "⚠️",
    };
    let mut sections = vec![format!("## {sign} {words}\n")];
    sections.push(
        summary
            .trouble
            .iter()
            .map(|trouble| format!("- **trouble:** {}\n", code(trouble)))
            .collect(),
    );
    sections.push(counts(summary));
    sections.extend(summary.targets.iter().flat_map(remarkable));
    sections.push(followed(summary));
    sections.push(format!("<sub>{}</sub>\n", code(&summary.tool)));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

fn counts(summary: &Summary) -> String {
    const HEADS: [&str; 10] = [
        "target",
        "documented",
        "variant",
        "deviation",
        "undocumented",
        "not judged",
        "unstable",
        "same",
        "changed",
        "new",
    ];
    let rows = summary.targets.iter().map(|target| {
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
        let counts = [
            documented,
            variant,
            deviation,
            undocumented,
            not_judged,
            unstable,
            same,
            changed,
            new,
        ]
        .map(|count| count.to_string());
        [cell(&target.name())].into_iter().chain(counts).collect()
    });
    table(&HEADS, rows)
}

/// What fails, in full but folded; what does not and is no plain pass, by name.
fn remarkable(target: &TargetSummary) -> Vec<String> {
    let mut sections = Vec::new();
    let failed = target.cases.iter().filter(|case| case.failed);
    sections.extend(
        failed
            .clone()
            .take(MOST_TOLD)
            .map(|case| folded(case, target)),
    );
    let rest: Vec<&CaseResult> = failed.skip(MOST_TOLD).collect();
    sections.push(listed("more that fail", &rest));
    for inconsistency in &target.inconsistent {
        let known = inconsistency
            .known
            .as_deref()
            .map(|reason| format!(", known: {}", code(reason)))
            .unwrap_or_default();
        sections.push(format!(
            "**inconsistent{known}:** {}: {}\n",
            code(&inconsistency.fact),
            code(&inconsistency.description())
        ));
    }
    let passed = |test: fn(&CaseResult) -> bool| {
        target
            .cases
            .iter()
            .filter(|case| !case.failed && test(case))
            .collect::<Vec<_>>()
    };
    sections.push(listed(
        "known differences",
        &passed(|case| case.known.is_some()),
    ));
    sections.push(listed(
        "another reading than the default",
        &passed(|case| case.conformance == Conformance::Variant),
    ));
    sections.push(listed(
        "not judged",
        &passed(|case| case.conformance == Conformance::NotJudged),
    ));
    sections.retain(|section| !section.is_empty());
    if !sections.is_empty() {
        sections.insert(0, format!("### {}\n", code(&target.name())));
    }
    sections
}

fn folded(case: &CaseResult, target: &TargetSummary) -> String {
    let story = failure_text::render_failure(case, target.review.as_deref(), Style::NONE);
    let fence = "`".repeat(longest_run(&story).max(2) + 1);
    // HTML begins a block here, in which Markdown is read again only after an empty line.
    let head = format!(
        "<b>{}</b> {}",
        html(&failure_text::verdict(case)),
        html(&case.id)
    );
    format!("<details><summary>{head}</summary>\n\n{fence}text\n{story}{fence}\n\n</details>\n")
}

/// Cases with what is to be said of each, folded where they are many.
fn listed(head: &str, cases: &[&CaseResult]) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let lines = cases.iter().map(|case| {
        let why = match (&case.known, case.conformance) {
            (Some(reason), _) => cell(reason),
            (None, Conformance::Variant) => case
                .reading
                .iter()
                .map(|reading| cell(reading))
                .collect::<Vec<_>>()
                .join(", "),
            (None, _) => cell(case.reason()),
        };
        vec![cell(&case.id), why]
    });
    let table = table(&["case", "why"], lines);
    format!(
        "<details><summary>{} ({})</summary>\n\n{table}\n</details>\n",
        html(head),
        amount(cases.len(), "case")
    )
}

fn followed(summary: &Summary) -> String {
    let rows = readings::rows(summary);
    if rows.is_empty() {
        return String::new();
    }
    let heads: Vec<String> = ["", "readings followed"]
        .into_iter()
        .map(str::to_owned)
        .chain(summary.targets.iter().map(|target| target.kind.to_string()))
        .collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let lines = rows.into_iter().map(|row| {
        [row.number, cell(&row.fact)]
            .into_iter()
            .chain(row.cells.iter().map(|text| cell(text)))
            .collect()
    });
    let table = table(&heads, lines);
    let note = if table.contains(readings::MARK) {
        "\n\\* not the default; `d4iot-double explain FACT` tells who says what, and where\n"
    } else {
        ""
    };
    format!("{table}{note}")
}

fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let mut text = format!("{}|{}\n", line(&heads), " --- |".repeat(heads.len()));
    text.extend(rows.map(|row| line(&row)));
    text
}

/// A text as code inside a table: there a bar ends a cell even between backticks. A backslash before it would do, but for the backslash that stands there already.
fn cell(text: &str) -> String {
    code(&text.replace('|', "\\u{7c}"))
}

/// A text between backticks, more of them than it has in a row itself.
fn code(text: &str) -> String {
    let text = sanitize::short(text);
    let ticks = "`".repeat(longest_run(&text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') || text.is_empty() {
        " "
    } else {
        ""
    };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
}

fn html(text: &str) -> String {
    sanitize::line(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// How many failures are told in full: a build server's summary holds a megabyte.
const MOST_TOLD: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_page_tells_what_the_text_tells() {
        insta::assert_snapshot!("markdown_rich", write(&sample::rich()));
    }

    #[test]
    fn a_plain_pass_is_a_short_page() {
        insta::assert_snapshot!("markdown_plain", write(&sample::plain()));
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_head() {
        let text = write(&sample::rich());
        let cells = |line: &str| line.matches('|').count();
        let (mut rows, mut wanted) = (0, None);
        for line in text.lines() {
            if line.starts_with("| ") {
                assert_eq!(cells(line), *wanted.get_or_insert(cells(line)), "{line}");
                rows += 1;
            } else if !line.starts_with("| ---") {
                wanted = None;
            }
        }
        assert!(rows > 10, "{text}");
    }

    #[test]
    fn nothing_a_target_sent_closes_a_fence_or_a_fold() {
        let text = write(&sample::rich());
        let mut fence: Option<&str> = None;
        for line in text.lines() {
            let ticks = &line[..line.len() - line.trim_start_matches('`').len()];
            match fence {
                Some(open) if line == open => fence = None,
                // Inside a fence nothing is Markdown or HTML.
                Some(open) => assert!(ticks.len() < open.len(), "{line}"),
                None if ticks.len() > 2 => fence = Some(ticks),
                None => assert!(!bare(line).contains("<script"), "{line}"),
            }
        }
        assert_eq!(fence, None);
        assert!(
            text.contains("</details>|"),
            "the hostile text is in it:\n{text}"
        );
    }

    /// What of a line stands outside code.
    fn bare(line: &str) -> String {
        let mut rest = line;
        let mut bare = String::new();
        while let Some(start) = rest.find('`') {
            bare.push_str(&rest[..start]);
            let open = &rest[start..];
            let ticks = &open[..open.len() - open.trim_start_matches('`').len()];
            let inside = &open[ticks.len()..];
            let end = inside.match_indices(ticks).find(|(at, _)| {
                !inside[at + ticks.len()..].starts_with('`') && !inside[..*at].ends_with('`')
            });
            match end {
                Some((at, _)) => rest = &inside[at + ticks.len()..],
                None => return bare + rest,
            }
        }
        bare + rest
    }
}

//! The report for a pull request: GitHub's workflow commands, an annotation for each thing that fails, at the case's file and line.
//!
//! The form is `::error file=F,line=N,title=T::MESSAGE`; what has a meaning in it is escaped by the rules of GitHub's own toolkit:
//! `%`, CR and LF everywhere, `:` and `,` in the properties too.

use crate::report::{
    CaseResult, Conformance, Inconsistency, Summary, TargetSummary, conclusion, conclusion::Ending,
    failure_text, sanitize, style::Style,
};

/// Writes a run as workflow commands, one a line.
pub(super) fn write(summary: &Summary) -> String {
    let mut lines: Vec<String> = summary
        .trouble
        .iter()
        .map(|trouble| command("error", &[("title", "the run itself")], trouble))
        .collect();
    for target in &summary.targets {
        lines.extend(
            target
                .cases
                .iter()
                .filter_map(|case| annotation(case, target)),
        );
        lines.extend(
            target
                .inconsistent
                .iter()
                .map(|inconsistency| contradiction(inconsistency, target)),
        );
    }
    let (ending, words) = conclusion::summary_line(summary);
    // GitHub shows ten of each level, so the sum has a level of its own.
    let level = if ending == Ending::Nothing {
        "warning"
    } else {
        "notice"
    };
    // How a target was reached stands in its name, and belongs beside the verdict.
    let asked = summary
        .targets
        .iter()
        .map(TargetSummary::name)
        .collect::<Vec<_>>()
        .join("\n");
    lines.push(command(
        level,
        &[("title", &summary.tool)],
        &format!("{words}\n{asked}"),
    ));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// What fails is an error, what is known or a variant is not: a list of those stands in the other reports.
fn annotation(case: &CaseResult, target: &TargetSummary) -> Option<String> {
    let level = match case.conformance {
        _ if case.failed => "error",
        Conformance::Deviation | Conformance::Unstable => "warning",
        _ => return None,
    };
    let known = case
        .known
        .as_deref()
        .map(|reason| format!(" (known: {})", sanitize::short(reason)))
        .unwrap_or_default();
    let title = format!(
        "{} {}: {}{known}",
        target.kind,
        case.id,
        failure_text::verdict(case)
    );
    let line = case.line.to_string();
    Some(command(
        level,
        &[("file", &case.file), ("line", &line), ("title", &title)],
        &failure_text::render_failure(case, target.review.as_deref(), Style::NONE),
    ))
}

fn contradiction(inconsistency: &Inconsistency, target: &TargetSummary) -> String {
    let level = if inconsistency.known.is_some() {
        "warning"
    } else {
        "error"
    };
    let number = inconsistency
        .register
        .as_deref()
        .map(|number| format!("{number} "))
        .unwrap_or_default();
    command(
        level,
        &[(
            "title",
            &format!(
                "{} {number}{}: inconsistent",
                target.kind, inconsistency.fact
            ),
        )],
        &inconsistency.description(),
    )
}

fn command(level: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(name, value)| format!("{name}={}", property(value)))
        .collect();
    let lines: Vec<String> = sanitize::lines(message).collect();
    format!(
        "::{level} {}::{}",
        properties.join(","),
        data(lines.join("\n").trim_end())
    )
}

fn property(value: &str) -> String {
    data(&sanitize::line(value))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_fails_is_annotated_at_its_case() {
        insta::assert_snapshot!("github_rich", write(&sample::rich()));
    }

    /// `::LEVEL NAME=VALUE,NAME=VALUE::MESSAGE`, and nothing in a value or a message that ends it.
    #[test]
    fn every_line_is_a_command_of_the_grammar() {
        let text = write(&sample::rich());
        for line in text.lines() {
            let (level, rest) = line
                .strip_prefix("::")
                .and_then(|rest| rest.split_once(' '))
                .unwrap_or_else(|| panic!("{line}"));
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            let (properties, message) = rest.split_once("::").unwrap_or_else(|| panic!("{line}"));
            for property in properties.split(',') {
                let (name, value) = property.split_once('=').unwrap_or_else(|| panic!("{line}"));
                assert!(
                    ["file", "line", "title"].contains(&name)
                        && !value.is_empty()
                        && !value.contains(':'),
                    "{line}"
                );
                assert!(name != "line" || value.parse::<u32>().is_ok(), "{line}");
            }
            assert!(
                message
                    .split('%')
                    .skip(1)
                    .all(|rest| ["25", "0D", "0A"].iter().any(|code| rest.starts_with(code))),
                "{line}"
            );
            assert!(!line.contains("##"), "{line}");
        }
        assert_eq!(text.matches("\n::").count() + 1, text.lines().count());
        assert!(
            text.lines().any(|line| line
                .starts_with("::error file=conformance/cases/validation.yaml,line=2,title=")),
            "{text}"
        );
    }
}

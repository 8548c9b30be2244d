//! The report for people: what is not a plain pass, then the counts of each target, then the readings it follows.

use std::collections::BTreeMap;

use crate::report::{
    CaseResult, Conformance, Counts, Inconsistency, Regression, Summary, TargetSummary, conclusion,
    conclusion::{Ending, amount},
    failure_text, readings, sanitize,
    sanitize::WIDTH,
    style::Style,
};

/// Writes a run for people, within a hundred columns where the values allow it.
pub(super) fn write(summary: &Summary, colour: bool) -> String {
    let style = Style { colour };
    let mut sections: Vec<String> = summary
        .targets
        .iter()
        .flat_map(|target| remarkable(target, style))
        .collect();
    sections.push(
        summary
            .targets
            .iter()
            .map(|target| counts(target, style))
            .collect(),
    );
    sections.push(readings::table(summary, style));
    sections.push(trouble(summary, style));
    sections.push(conclude(summary, style));
    sections.retain(|section| !section.is_empty());
    sections.join("\n")
}

/// Says one case in one line, for progress: `documented    same     validation.authenticated`.
pub fn verdict_line(case: &CaseResult) -> String {
    let regression = case.regression.map_or("-", Regression::name);
    format!(
        "{:<12}  {regression:<7}  {}",
        case.conformance.name(),
        sanitize::line(&case.id)
    )
}

/// Everything at one target that is not a plain pass, in sections.
fn remarkable(target: &TargetSummary, style: Style) -> Vec<String> {
    let mut sections: Vec<String> = target
        .cases
        .iter()
        .filter(|case| case.failed)
        .map(|case| failure_text::render_failure(case, target.review.as_deref(), style))
        .collect();
    sections.extend(
        target
            .inconsistent
            .iter()
            .map(|inconsistency| inconsistent(inconsistency, style)),
    );
    let passed = || target.cases.iter().filter(|case| !case.failed);

    let known = passed().filter_map(|case| Some((case.known.clone()?, case)));
    sections.push(grouped(
        &style.yellow("known: differences that were expected"),
        known,
    ));
    let variants = passed().filter(|case| case.conformance == Conformance::Variant);
    let variants = variants.flat_map(|case| {
        let unnamed = case.reading.is_empty().then(|| "not named".to_owned());
        case.reading
            .iter()
            .cloned()
            .chain(unnamed)
            .map(move |reading| (reading, case))
    });
    sections.push(grouped(
        &style.yellow("variant: another reading than the default"),
        variants,
    ));
    let skipped = passed().filter(|case| case.conformance == Conformance::NotJudged);
    sections.push(grouped(
        &style.bold("not judged"),
        skipped.map(|case| (case.reason().to_owned(), case)),
    ));

    let new: Vec<&str> = passed()
        .filter(|case| case.regression == Some(Regression::New))
        .map(|case| case.id.as_str())
        .collect();
    sections.push(listed(
        &style.cyan("new: no snapshot yet"),
        &new,
        target
            .review
            .as_deref()
            .map(|folder| failure_text::review(folder, ""))
            .as_deref(),
    ));
    let gone: Vec<&str> = target.gone.iter().map(String::as_str).collect();
    sections.push(listed(
        &style.bold("gone: a snapshot without a case"),
        &gone,
        None,
    ));

    sections.retain(|section| !section.is_empty());
    if !sections.is_empty() {
        sections.insert(0, rule(target, style));
    }
    sections
}

/// A line across the page with the target's name in it.
fn rule(target: &TargetSummary, style: Style) -> String {
    let name = target.name();
    let rest = WIDTH.saturating_sub(name.chars().count() + 4).max(2);
    format!(
        "{}\n",
        style.bold(&format!("── {name} {}", "─".repeat(rest)))
    )
}

fn inconsistent(inconsistency: &Inconsistency, style: Style) -> String {
    let register = inconsistency
        .register
        .as_deref()
        .map(|number| format!("{number} "))
        .unwrap_or_default();
    let fact = style.bold(&format!(
        "{register}{}",
        sanitize::line(&inconsistency.fact)
    ));
    let head = match &inconsistency.known {
        Some(reason) => style.yellow(&format!(
            "inconsistent, known ({})",
            sanitize::short(reason)
        )),
        None => style.red("inconsistent"),
    };
    let mut text = format!("{head}: {fact}: one target, several readings\n");
    let width = inconsistency
        .followed
        .iter()
        .map(|(reading, _)| reading.chars().count())
        .max()
        .unwrap_or_default();
    for (reading, case) in &inconsistency.followed {
        text.push_str(&format!(
            "  {:<width$}  in {}\n",
            sanitize::line(reading),
            sanitize::line(case)
        ));
    }
    text
}

/// Cases under what they share, in the order of its first appearance, with the first hint of each group.
fn grouped<'a>(head: &str, cases: impl Iterator<Item = (String, &'a CaseResult)>) -> String {
    let mut order: Vec<String> = Vec::new();
    let mut groups: BTreeMap<String, Vec<&CaseResult>> = BTreeMap::new();
    for (shared, case) in cases {
        if !groups.contains_key(&shared) {
            order.push(shared.clone());
        }
        groups.entry(shared).or_default().push(case);
    }
    let mut text = if order.is_empty() {
        String::new()
    } else {
        format!("{head}\n")
    };
    for shared in &order {
        let cases = &groups[shared];
        text.push_str(&format!(
            "  {} ({})\n",
            sanitize::short(shared),
            amount(cases.len(), "case")
        ));
        text.push_str(&names(
            &cases
                .iter()
                .map(|case| case.id.as_str())
                .collect::<Vec<_>>(),
            4,
        ));
        if let Some(hint) = cases.iter().find_map(|case| hint(case)) {
            text.push_str(&format!("    hint: {}\n", sanitize::line(hint)));
        }
    }
    text
}

fn hint(case: &CaseResult) -> Option<&str> {
    case.reasons
        .iter()
        .find_map(|finding| finding.hint.as_deref())
}

fn listed(head: &str, items: &[&str], hint: Option<&str>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let hint = hint
        .map(|hint| format!("  hint: {hint}\n"))
        .unwrap_or_default();
    format!("{head} ({})\n{}{hint}", items.len(), names(items, 2))
}

/// Names in lines of at most a hundred columns, the first ones only where there are many: the JSON report has all.
fn names(items: &[&str], indent: usize) -> String {
    let mut words: Vec<String> = items
        .iter()
        .take(MOST)
        .map(|item| sanitize::line(item))
        .collect();
    if items.len() > MOST {
        words.push(format!("… {} more", items.len() - MOST));
    }
    sanitize::wrapped(&words, WIDTH - indent)
        .iter()
        .map(|line| format!("{:indent$}{line}\n", ""))
        .collect()
}

/// How often each verdict was reached: two questions, two lines.
fn counts(target: &TargetSummary, style: Style) -> String {
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
    let conformance = [
        (documented, Conformance::Documented, "documented"),
        (variant, Conformance::Variant, "variant"),
        (deviation, Conformance::Deviation, "deviation"),
        (undocumented, Conformance::Undocumented, "undocumented"),
        (not_judged, Conformance::NotJudged, "not judged"),
        (unstable, Conformance::Unstable, "unstable"),
    ];
    let regression = [
        (same, Regression::Same, "same"),
        (changed, Regression::Changed, "changed"),
        (new, Regression::New, "new"),
    ];
    // Where each case was asked once, nothing can be unstable.
    let conformance = conformance
        .into_iter()
        .filter(|(count, verdict, _)| *verdict != Conformance::Unstable || *count > 0);
    let conformance: Vec<String> = conformance
        .map(|(count, verdict, word)| {
            count_of(count, word, |text| style.conformance(verdict, text))
        })
        .collect();
    let regression_words = regression.map(|(count, verdict, word)| {
        count_of(count, word, |text| style.regression(verdict, text))
    });

    let mut text = format!(
        "{}: {}\n",
        style.bold(&target.name()),
        amount(target.cases.len(), "case")
    );
    text.push_str(&format!("  documents  {}\n", conformance.join(", ")));
    // Without a baseline the second question was not asked.
    if regression.iter().any(|(count, ..)| *count > 0) {
        text.push_str(&format!("  snapshots  {}\n", regression_words.join(", ")));
    }
    text
}

/// A count in its verdict's colour; none is nothing to point at.
fn count_of(count: usize, word: &str, style: impl Fn(&str) -> String) -> String {
    let text = format!("{count} {word}");
    if count == 0 { text } else { style(&text) }
}

/// What went wrong with the run itself.
fn trouble(summary: &Summary, style: Style) -> String {
    let lines = |text: &String| {
        let mut lines = sanitize::lines(text);
        let first = lines.next().unwrap_or_default();
        let rest: String = lines.map(|line| format!("  {line}\n")).collect();
        format!("{}: {first}\n{rest}", style.red("trouble"))
    };
    summary.trouble.iter().map(lines).collect()
}

/// The last line: whether anything fails, and how much; and the way to what waits for a decision.
fn conclude(summary: &Summary, style: Style) -> String {
    let (ending, words) = conclusion::summary_line(summary);
    let words = match ending {
        Ending::Bad => style.red(&words),
        Ending::Good => style.green(&words),
        Ending::Nothing => style.yellow(&words),
    };
    format!("{words}\n")
}

/// How many names a list shows.
const MOST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_is_no_plain_pass_is_told_in_full() {
        insta::assert_snapshot!("text_rich", write(&sample::rich(), false));
    }

    #[test]
    fn a_plain_pass_is_short() {
        let text = write(&sample::plain(), false);
        assert!(text.lines().count() <= 30, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= WIDTH),
            "{text}"
        );
        insta::assert_snapshot!("text_plain", text);
    }

    #[test]
    fn no_byte_of_a_target_reaches_the_terminal_raw() {
        let text = write(&sample::rich(), false);
        assert_eq!(
            text.chars()
                .find(|character| character.is_control() && *character != '\n'),
            None
        );
        assert!(text.contains("\\u{1b}[31m"));
    }

    #[test]
    fn colour_adds_colour_and_no_words() {
        let (plain, coloured) = (write(&sample::rich(), false), write(&sample::rich(), true));
        assert!(coloured.contains("\u{1b}[31m"));
        let mut bare = String::new();
        for (index, piece) in coloured.split('\u{1b}').enumerate() {
            bare.push_str(if index == 0 {
                piece
            } else {
                piece.split_once('m').expect("each sequence ends in m").1
            });
        }
        let trimmed = |text: &str| {
            text.lines()
                .map(str::trim_end)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(trimmed(&bare), trimmed(&plain));
    }

    #[test]
    fn a_run_that_judged_nothing_does_not_say_pass() {
        let mut summary = sample::rich();
        summary.trouble.clear();
        summary.targets.iter_mut().for_each(|target| {
            target
                .cases
                .retain(|case| case.conformance == Conformance::NotJudged);
            target.inconsistent.clear();
        });
        assert!(write(&summary, false).ends_with("Nothing was judged.\n"));
    }

    #[test]
    fn a_run_with_trouble_does_not_say_pass() {
        let summary = Summary {
            trouble: vec!["a password was not given back".to_owned()],
            ..sample::plain()
        };
        assert!(write(&summary, false).ends_with(
            "trouble: a password was not given back\n\n1 trouble with the run itself.\n"
        ));
    }

    #[test]
    fn no_line_begins_as_a_command_of_a_build_server() {
        let text = write(&sample::rich(), false);
        assert!(text.contains("::error file=x"), "{text}");
        assert_eq!(
            text.lines()
                .find(|line| line.trim().starts_with("::") || line.contains("##")),
            None
        );
    }

    #[test]
    fn progress_is_one_line_a_case() {
        let lines: Vec<String> = sample::rich().targets[0]
            .cases
            .iter()
            .map(verdict_line)
            .collect();
        insta::assert_snapshot!("verdict_lines", lines.join("\n"));
    }
}

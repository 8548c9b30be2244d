//! The report for people.

use crate::report::{
    CaseResult, Conformance, Counts, Format, ReportStyle, Summary, sample, sanitize::WIDTH,
    template,
};

fn write(summary: &Summary, color: bool) -> String {
    let style = ReportStyle {
        color,
        ..ReportStyle::default()
    };
    template::write(Format::Text, summary, style)
}

#[test]
fn all_but_a_plain_pass_is_reported_in_full() {
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
    summary.causes.clear();
    summary.targets.iter_mut().for_each(|target| {
        target
            .cases
            .retain(|case| case.conformance == Conformance::NotJudged);
        target.inconsistent.clear();
        target.counts = Counts::of(&target.cases);
    });
    assert!(write(&summary, false).ends_with("Nothing was judged: 0 of 4 cases.\n"));
}

#[test]
fn a_run_with_trouble_does_not_say_pass() {
    let summary = Summary {
        trouble: vec!["a file is missing".to_owned()],
        ..sample::plain()
    };
    assert!(write(&summary, false).ends_with(
        "problem: a file is missing\n\n1 problem with the run itself; 182 of 182 cases judged.\n"
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
        .map(CaseResult::verdict_line)
        .collect();
    insta::assert_snapshot!("verdict_lines", lines.join("\n"));
}

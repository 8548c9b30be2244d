//! The report for GitHub.

use crate::report::{Format, ReportStyle, Summary, sample, template};

fn write(summary: &Summary) -> String {
    template::write(Format::Github, summary, ReportStyle::default())
}

#[test]
fn what_fails_is_annotated() {
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
                name == "title" && !value.is_empty() && !value.contains(':'),
                "no file, since the user has none of ours: {line}"
            );
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
}

#[test]
fn one_annotation_is_one_cause() {
    let summary = sample::rich();
    let text = write(&summary);
    let errors = text.lines().filter(|line| line.starts_with("::error "));
    let expected = summary.causes.len() + summary.trouble.len() + summary.actions.len();
    assert_eq!(errors.count(), expected, "{text}");
}

//! The report for GitHub.

use crate::report::{Format, Summary, sample, template};

fn write(summary: &Summary) -> String {
    template::write(Format::Github, summary, false)
}

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
        text.lines()
            .any(|line| line
                .starts_with("::error file=conformance/cases/validation.yaml,line=2,title=")),
        "{text}"
    );
}

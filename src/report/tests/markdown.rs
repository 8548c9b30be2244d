//! The report for a page of a build server.

use crate::report::{Format, ReportStyle, Summary, sample, template};

fn write(summary: &Summary) -> String {
    template::write(Format::Markdown, summary, ReportStyle::default())
}

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

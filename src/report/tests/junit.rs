//! The report for build servers.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};

use crate::report::{Format, Summary, sample, template};

fn write(summary: &Summary) -> String {
    template::write(Format::Junit, summary, false)
}

#[test]
fn one_suite_a_target_and_one_test_a_case() {
    insta::assert_snapshot!("junit_rich", write(&sample::rich()));
}

#[test]
fn no_byte_that_xml_forbids_is_left() {
    let text = write(&sample::rich());
    let forbidden = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(character, '\u{fffe}' | '\u{ffff}')
    };
    assert_eq!(text.chars().find(forbidden), None);
    assert!(
        !text.contains("<script>") && !text.contains("]]>"),
        "{text}"
    );
    assert!(text.contains("\\u{1b}[31m"), "escaped, not dropped: {text}");
}

/// Read as XML: the numbers of each suite are those of its tests, and those of the run.
#[test]
fn the_numbers_are_those_of_the_tests_and_of_the_run() {
    let summary = sample::rich();

    let suites = suites(&write(&summary));

    let target = &summary.targets[0];
    let failed = target.cases.iter().filter(|case| case.failed).count();
    let inconsistent = target.inconsistent.len();
    // The run's own trouble has a suite of its own.
    assert_eq!(suites.len(), summary.targets.len() + 1);
    assert_eq!(suites[2]["errors"], summary.trouble.len());
    assert_eq!(suites[0]["tests"], target.cases.len() + inconsistent);
    assert_eq!(suites[0]["failures"], failed + inconsistent);
    assert_eq!(suites[0]["skipped"], target.counts.not_judged);
}

/// Returns the counts of each suite, which must be those of the elements in it.
fn suites(xml: &str) -> Vec<BTreeMap<String, usize>> {
    let mut reader = Reader::from_str(xml);
    let (mut suites, mut seen) = (Vec::<BTreeMap<String, usize>>::new(), BTreeMap::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) if tag.name().as_ref() == b"testsuite" => {
                let counts = tag
                    .attributes()
                    .map(Result::unwrap)
                    .filter_map(|attribute| {
                        let name = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
                        let value = String::from_utf8(attribute.value.to_vec()).unwrap();
                        Some((name, value.parse().ok()?))
                    });
                suites.push(counts.collect());
                seen = ["tests", "failures", "errors", "skipped"]
                    .map(|name| (name.to_owned(), 0))
                    .into();
            }
            Event::Start(tag) | Event::Empty(tag) => {
                let counted = match tag.name().as_ref() {
                    b"testcase" => "tests",
                    b"failure" => "failures",
                    b"error" => "errors",
                    b"skipped" => "skipped",
                    _ => continue,
                };
                *seen.get_mut(counted).unwrap() += 1;
            }
            Event::End(tag) if tag.name().as_ref() == b"testsuite" => {
                assert_eq!(suites.last(), Some(&seen));
            }
            Event::Eof => return suites,
            _ => {}
        }
    }
}

//! The report for build servers.

use std::collections::BTreeMap;

use quick_xml::{Reader, events::Event};

use crate::report::{Format, ReportStyle, Summary, sample, template};

fn write(summary: &Summary) -> String {
    template::write(Format::Junit, summary, ReportStyle::default())
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
    let problems = summary.trouble.len() + summary.actions.len();
    assert_eq!(suites[0]["errors"], problems);
    assert_eq!(suites[1]["tests"], target.cases.len() + inconsistent);
    assert_eq!(suites[1]["failures"], failed + inconsistent);
    assert_eq!(suites[1]["skipped"], target.counts.not_judged);
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

/// The elements that the JUnit schema of Jenkins' xUnit plugin knows, as far as we write them: what each may hold, and its attributes.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    (
        "testsuites",
        &["testsuite"],
        &["name", "time", "tests", "failures", "errors"],
    ),
    (
        "testsuite",
        &[
            "testsuite",
            "properties",
            "testcase",
            "system-out",
            "system-err",
        ],
        &[
            "name",
            "tests",
            "failures",
            "errors",
            "time",
            "skipped",
            "timestamp",
        ],
    ),
    ("properties", &["property"], &[]),
    ("property", &[], &["name", "value"]),
    (
        "testcase",
        &["skipped", "error", "failure", "system-out", "system-err"],
        &["name", "time", "classname"],
    ),
    ("failure", &[], &["type", "message"]),
    ("error", &[], &["type", "message"]),
    ("skipped", &[], &["type", "message"]),
    ("system-out", &[], &[]),
];

#[test]
fn jenkins_reads_every_element_and_attribute() {
    for summary in [sample::rich(), sample::plain()] {
        let xml = write(&summary);
        let mut reader = Reader::from_str(&xml);
        let mut open: Vec<String> = Vec::new();
        loop {
            let event = reader.read_event().unwrap();
            let (Event::Start(tag) | Event::Empty(tag)) = &event else {
                match event {
                    Event::End(_) => drop(open.pop()),
                    Event::Eof => break,
                    _ => {}
                }
                continue;
            };
            let name = String::from_utf8(tag.name().as_ref().to_vec()).unwrap();
            let row = |name: &str| ALLOWED.iter().find(|(element, ..)| *element == name);
            let (_, _, attributes) = row(&name).unwrap_or_else(|| panic!("<{name}>"));
            if let Some(parent) = open.last() {
                let (_, children, _) = row(parent).unwrap();
                assert!(children.contains(&&*name), "<{name}> in <{parent}>");
            }
            let mut seen = Vec::new();
            for attribute in tag.attributes() {
                let key = String::from_utf8(attribute.unwrap().key.as_ref().to_vec()).unwrap();
                assert!(attributes.contains(&&*key), "{key} of <{name}>");
                seen.push(key);
            }
            assert!(name != "testsuite" || seen.contains(&"timestamp".to_owned()));
            if matches!(event, Event::Start(_)) {
                open.push(name);
            }
        }
    }
}

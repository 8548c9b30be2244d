//! The report for build servers: JUnit XML with one suite per target and one test case per case.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite, XmlString,
};

use crate::{
    contract::Kind,
    report::{
        CaseResult, Conformance, Inconsistency, Regression, Summary, TargetSummary, failure_text,
        sanitize, style::Style,
    },
};

/// Writes a run as JUnit XML. What XML cannot hold is escaped as in the text report.
pub(super) fn write(summary: &Summary) -> Vec<u8> {
    let mut report = Report::new("d4iot-double");
    report.set_time(time(
        summary.targets.iter().flat_map(|target| &target.cases),
    ));
    report.add_test_suites(
        summary
            .targets
            .iter()
            .map(|target| suite(target, &summary.tool)),
    );
    report.add_test_suites((!summary.trouble.is_empty()).then(|| trouble(summary)));
    let mut bytes = Vec::new();
    report
        .serialize(&mut bytes)
        .expect("memory takes every byte");
    bytes
}

fn suite(target: &TargetSummary, tool: &str) -> TestSuite {
    let mut suite = TestSuite::new(target.name());
    suite.set_time(time(target.cases.iter()));
    suite.add_property(property("tool", tool));
    suite.add_property(property("target", &target.target));
    suite.add_test_cases(target.cases.iter().map(|case| test_case(case, target)));
    // An inconsistency fails the run and belongs to no one case: without a test case of its own, a build server would see green.
    suite.add_test_cases(
        target
            .inconsistent
            .iter()
            .map(|inconsistency| contradiction(inconsistency, target.kind)),
    );
    suite
}

/// What went wrong with the run itself: a build server knows only tests.
fn trouble(summary: &Summary) -> TestSuite {
    let mut suite = TestSuite::new("the run itself");
    suite.set_time(Duration::ZERO);
    suite.add_test_cases(summary.trouble.iter().enumerate().map(|(index, trouble)| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_type("trouble");
        status.set_message(sanitize::short(trouble));
        let mut test_case = TestCase::new(format!("trouble.{}", index + 1), status);
        test_case.set_classname("d4iot-double.run");
        test_case
    }));
    suite
}

fn test_case(case: &CaseResult, target: &TargetSummary) -> TestCase {
    let mut test_case = TestCase::new(
        sanitize::line(&case.id),
        status(case, target.review.as_deref()),
    );
    test_case.set_classname(classname(target.kind));
    test_case.set_time(Duration::from_micros(case.micros()));
    test_case.extra.insert(
        XmlString::new("file"),
        XmlString::new(sanitize::line(&case.file)),
    );
    test_case.extra.insert(
        XmlString::new("line"),
        XmlString::new(case.line.to_string()),
    );
    test_case.add_property(property("conformance", case.conformance.name()));
    test_case.add_properties(
        case.regression
            .map(|regression| property("regression", regression.name())),
    );
    test_case.add_properties(
        case.known
            .as_deref()
            .map(|reason| property("known", reason)),
    );
    test_case.add_properties(
        case.reading
            .iter()
            .map(|reading| property("reading", reading)),
    );
    test_case
}

fn status(case: &CaseResult, review: Option<&str>) -> TestCaseStatus {
    if case.failed {
        let told = case
            .reasons
            .first()
            .map(|finding| format!(": {}", sanitize::short(finding.summary())))
            .unwrap_or_default();
        let kind = match (case.conformance, case.regression) {
            (conformance @ (Conformance::Deviation | Conformance::Unstable), _) => {
                conformance.name()
            }
            (_, Some(Regression::Changed)) => Regression::Changed.name(),
            _ => "failed",
        };
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(kind);
        status.set_message(format!("{}{told}", failure_text::verdict(case)));
        status.set_description(failure_text::render_failure(case, review, Style::NONE));
        return status;
    }
    if case.conformance == Conformance::NotJudged {
        let mut status = TestCaseStatus::skipped();
        status.set_message(sanitize::short(case.reason()));
        return status;
    }
    TestCaseStatus::success()
}

fn contradiction(inconsistency: &Inconsistency, kind: Kind) -> TestCase {
    let mut status = if inconsistency.known.is_some() {
        TestCaseStatus::success()
    } else {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    };
    if inconsistency.known.is_none() {
        status.set_type("inconsistent");
        status.set_message(format!(
            "inconsistent: {}",
            sanitize::short(&inconsistency.description())
        ));
    }
    let mut test_case = TestCase::new(sanitize::line(&inconsistency.id()), status);
    test_case.set_classname(classname(kind));
    test_case.add_properties(
        inconsistency
            .known
            .as_deref()
            .map(|reason| property("known", reason)),
    );
    test_case.add_properties(
        inconsistency
            .register
            .as_deref()
            .map(|number| property("register", number)),
    );
    test_case
}

fn classname(kind: Kind) -> String {
    format!("d4iot-double.{kind}")
}

fn property(name: &str, value: &str) -> Property {
    Property::new(name, sanitize::line(value))
}

fn time<'a>(cases: impl Iterator<Item = &'a CaseResult>) -> Duration {
    Duration::from_micros(cases.fold(0, |sum, case| sum.saturating_add(case.micros())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn one_suite_a_target_and_one_test_a_case() {
        insta::assert_snapshot!(
            "junit_rich",
            String::from_utf8(write(&sample::rich())).unwrap()
        );
    }

    #[test]
    fn no_byte_that_xml_forbids_is_left() {
        let text = String::from_utf8(write(&sample::rich())).unwrap();
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

    #[test]
    fn what_is_written_reads_back_with_the_same_numbers() {
        let summary = sample::rich();
        let written = write(&summary);
        let report = Report::deserialize(written.as_slice()).unwrap();
        let target = &summary.targets[0];
        let failed = target.cases.iter().filter(|case| case.failed).count();
        // The run's own trouble has a suite of its own.
        assert_eq!(report.test_suites.len(), summary.targets.len() + 1);
        assert_eq!(report.test_suites[2].errors, summary.trouble.len());
        assert_eq!(
            report.test_suites[0].tests,
            target.cases.len() + target.inconsistent.len()
        );
        assert_eq!(
            report.test_suites[0].failures,
            failed + target.inconsistent.len()
        );
        assert_eq!(report.test_suites[0].skipped, target.counts.not_judged);
    }
}

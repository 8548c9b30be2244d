//! The names of the formats, and what `--report FORMAT[=PATH]` asks for.

use std::{path::PathBuf, str::FromStr};

use thiserror::Error;

use crate::{
    contract::{UnknownName, closed_set},
    report::{Summary, template},
};

closed_set! {
    /// A format of reports. A further one is a template, a variant here, and a line in `template::write`.
    #[non_exhaustive]
    Format, "report format" {
        /// Annotations of GitHub's workflow commands.
        Github = "github",
        /// One page with everything, for a browser.
        Html = "html",
        /// Everything, in the form of `conformance/report.schema.json`.
        Json = "json",
        /// JUnit XML, for build servers.
        Junit = "junit",
        /// For a page of a build server.
        Markdown = "markdown",
        /// The readings that were followed, as YAML that `serve --readings` and `check --readings` take.
        Profile = "profile",
        /// For people.
        Text = "text",
    }
}

impl Format {
    /// Writes a run in this format, as UTF-8 with a newline at the end.
    pub fn write(self, summary: &Summary, style: ReportStyle) -> Vec<u8> {
        template::write(self, summary, style).into_bytes()
    }
}

/// How a report for people is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportStyle {
    /// Whether text has colour.
    pub color: bool,
    /// Whether text shows every case that fails, and lists every other case, instead of one example for each cause.
    pub every_case: bool,
}

/// One `--report FORMAT[=PATH]`: a format, and the file it goes to, standard output where none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// The format.
    pub format: Format,
    /// The file, as it was written; none means standard output.
    pub path: Option<PathBuf>,
}

/// Why a text is not a request for a report.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ReportRequestError {
    /// There is no such format.
    #[error(transparent)]
    Format(#[from] UnknownName),
    /// The path is empty.
    #[error("`{0}=` names no file, expected {0}=PATH, or {0} alone for standard output")]
    NoFile(Format),
}

impl FromStr for ReportRequest {
    type Err = ReportRequestError;

    fn from_str(text: &str) -> Result<ReportRequest, ReportRequestError> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(path)),
            None => (text, None),
        };
        let format = name.parse()?;
        if path == Some("") {
            return Err(ReportRequestError::NoFile(format));
        }
        let path = path.filter(|path| *path != "-").map(PathBuf::from);
        Ok(ReportRequest { format, path })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::alone("text", Format::Text, None)]
    #[case::a_dash_is_stdout("json=-", Format::Json, None)]
    #[case::to_a_file("junit=out/report.xml", Format::Junit, Some("out/report.xml"))]
    #[case::the_first_equals_sign_counts("json=a=b.json", Format::Json, Some("a=b.json"))]
    fn a_request_is_a_format_and_perhaps_a_file(
        #[case] text: &str,
        #[case] format: Format,
        #[case] path: Option<&str>,
    ) {
        assert_eq!(
            text.parse(),
            Ok(ReportRequest {
                format,
                path: path.map(PathBuf::from)
            })
        );
    }

    #[rstest]
    #[case::unknown(
        "xml",
        "unknown report format `xml`, expected one of github, html, json, junit, markdown, profile, text"
    )]
    #[case::unknown_with_a_file(
        "xml=a",
        "unknown report format `xml`, expected one of github, html, json, junit, markdown, profile, text"
    )]
    #[case::no_file(
        "json=",
        "`json=` names no file, expected json=PATH, or json alone for standard output"
    )]
    fn a_refusal_names_what_was_expected(#[case] text: &str, #[case] expected: &str) {
        let error = text.parse::<ReportRequest>().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn every_format_goes_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(*format));
        }
    }
}

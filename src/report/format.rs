//! The names of the formats, and what `--report FORMAT[=PATH]` asks for.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::report::{Summary, github, html, json, junit, markdown, profile, text};

/// A format a run is told in. A further one is a file beside this, a variant here, and its arm in `name` and `write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Annotations of GitHub's workflow commands.
    Github,
    /// One page with everything, for a browser.
    Html,
    /// Everything, in the form of `conformance/report.schema.json`.
    Json,
    /// JUnit XML, for build servers.
    Junit,
    /// For a page of a build server.
    Markdown,
    /// The readings that were followed, as YAML that `serve --readings` and `check --readings` take.
    Profile,
    /// For people.
    Text,
}

impl Format {
    /// Every format, in alphabetical order.
    pub const ALL: &'static [Format] = &[
        Format::Github,
        Format::Html,
        Format::Json,
        Format::Junit,
        Format::Markdown,
        Format::Profile,
        Format::Text,
    ];

    /// Returns the name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Github => "github",
            Format::Html => "html",
            Format::Json => "json",
            Format::Junit => "junit",
            Format::Markdown => "markdown",
            Format::Profile => "profile",
            Format::Text => "text",
        }
    }

    /// Writes a run in this format, as UTF-8 with a newline at the end. Only text knows colour.
    pub fn write(self, summary: &Summary, colour: bool) -> Vec<u8> {
        match self {
            Format::Github => github::write(summary).into_bytes(),
            Format::Html => html::write(summary).into_bytes(),
            Format::Json => json::write(summary),
            Format::Junit => junit::write(summary),
            Format::Markdown => markdown::write(summary).into_bytes(),
            Format::Profile => profile::write(summary).into_bytes(),
            Format::Text => text::write(summary, colour).into_bytes(),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        Format::ALL
            .iter()
            .copied()
            .find(|format| format.name() == text)
            .ok_or_else(|| {
                let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
                format!(
                    "unknown report format `{text}`, expected one of {}",
                    names.join(", ")
                )
            })
    }
}

/// One `--report FORMAT[=PATH]`: a format, and the file it goes to, standard output where none is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// The format.
    pub format: Format,
    /// The file, as it was written; none means standard output.
    pub path: Option<PathBuf>,
}

impl FromStr for ReportRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<ReportRequest, String> {
        let (format, path) = match text.split_once('=') {
            Some((format, path)) => (format.parse::<Format>()?, Some(path)),
            None => (text.parse::<Format>()?, None),
        };
        match path {
            Some("") => Err(format!(
                "`{text}` names no file, expected {format}=PATH, or {format} alone for standard output"
            )),
            path => Ok(ReportRequest {
                format,
                path: path.map(PathBuf::from),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::alone("text", Format::Text, None)]
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
        assert_eq!(text.parse::<ReportRequest>(), Err(expected.to_owned()));
    }

    #[test]
    fn every_format_goes_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse(), Ok(*format));
        }
    }
}

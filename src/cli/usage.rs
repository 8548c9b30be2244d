//! Tips on unknown options and formats: those that other tools have, and never one that weakens a check.

use std::ffi::OsStr;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Gives an unknown option or format the tip that fits.
pub(super) fn with_tip(mut error: clap::Error, command: Option<&OsStr>) -> clap::Error {
    if error.get(ContextKind::InvalidValue) == Some(&ContextValue::String("swagger".to_owned())) {
        let near = ContextValue::String("openapi3".to_owned());
        error.insert(ContextKind::SuggestedValue, near);
    }
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        _ => "",
    };
    let asked = command.and_then(OsStr::to_str).unwrap_or_default();
    let asked = format!("{asked} {}", text(ContextKind::InvalidArg));
    let weakens = WEAKENING.contains(&text(ContextKind::SuggestedArg));
    let tip = match asked.as_str() {
        "check --user" | "check --password" => "accounts are in a file: --accounts FILE",
        "serve --config" | "serve --fixture" => "fixtures stand alone: serve FILE",
        "check --pinnedpubkey" => "--pin-spki SHA256",
        "export -o" => "--output FILE",
        "serve --daemon" => "start it in the background, and wait with healthcheck --wait",
        "serve --host" | "serve --port" => "--listen ADDRESS:PORT, as in --listen 127.0.0.1:8443",
        _ if weakens => "",
        _ => return error,
    };
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::Suggested);
    // It shows the option that clap had in mind.
    error.remove(ContextKind::Usage);
    if !tip.is_empty() {
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![tip.into()]),
        );
    }
    error
}

const WEAKENING: [&str; 2] = ["--change-passwords-on", "--insecure"];

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use rstest::rstest;

    use super::*;
    use crate::cli::Cli;

    #[rstest]
    #[case::port("serve", "--port", "--listen ADDRESS:PORT")]
    #[case::host("serve", "--host", "--listen ADDRESS:PORT")]
    #[case::config("serve", "--config", "serve FILE")]
    #[case::fixture("serve", "--fixture", "serve FILE")]
    #[case::user("check", "--user", "--accounts FILE")]
    #[case::pin("check", "--pinnedpubkey", "--pin-spki")]
    #[case::output("export", "-o", "--output FILE")]
    #[case::near("serve", "--listn", "'--listen'")]
    fn an_unknown_option_gets_a_tip(
        #[case] command: &str,
        #[case] option: &str,
        #[case] expected: &str,
    ) {
        let words = ["d4iot-double", command, option, "x"];
        let error = Cli::command().try_get_matches_from(words).unwrap_err();
        let text = with_tip(error, Some(OsStr::new(command))).to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("-- --"), "{text}");
    }

    #[test]
    fn no_tip_weakens_a_check() {
        for option in ["--insecur", "--insec", "--change-password-on"] {
            let words = ["d4iot-double", "check", option];
            let error = Cli::command().try_get_matches_from(words).unwrap_err();
            let text = with_tip(error, Some(OsStr::new("check"))).to_string();
            assert!(
                !text.contains("similar") && !text.contains("--insecure"),
                "{text}"
            );
        }
    }
}

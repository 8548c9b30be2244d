//! Passwords in what a client prints.

use std::collections::BTreeSet;

use crate::{appliance::Directory, redact::Redactor};

/// Hides passwords of any length, except where one is also a user's name.
pub(super) fn redactor(secrets: &BTreeSet<String>, directory: &Directory) -> Redactor {
    let hidden = secrets
        .iter()
        .filter(|secret| directory.find(secret).is_none());
    Redactor::of(hidden.map(|secret| (secret.as_str(), "«secret»")))
}

/// Returns a text without the beginning of a password at its end: the client may have been killed while it printed one.
pub(super) fn without_part<'a>(text: &'a str, secrets: &BTreeSet<String>) -> &'a str {
    let part = |secret: &String| {
        let lengths = (MIN_PART..secret.len()).rev();
        let mut parts = lengths.filter_map(|length| secret.get(..length));
        parts.find(|part| text.ends_with(part)).map(str::len)
    };
    let longest = secrets.iter().filter_map(part).max();
    &text[..text.len() - longest.unwrap_or_default()]
}

/// How many bytes of a password's beginning may be any word.
const MIN_PART: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("all is well", "all is well")]
    #[case::a_beginning("new password: Sweep-Ro", "new password: ")]
    #[case::as_short_as_any_word("it began with Sw", "it began with Sw")]
    #[case::the_whole("Sweep-Rotated", "Sweep-Rotated")]
    #[case::of_characters("pässw", "")]
    fn a_beginning_at_the_end_is_cut(#[case] text: &str, #[case] expected: &str) {
        let secrets = ["Sweep-Rotated", "pässwörd"].map(str::to_owned).into();
        assert_eq!(without_part(text, &secrets), expected);
    }
}

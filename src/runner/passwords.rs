//! The passwords that a run generates: how they look, and what a target's policy asks of them.

use serde::{Deserialize, Serialize};

use crate::{appliance::Policy, redact::Secret, runner::seed::Seed};

/// How generated passwords look. The undo journal keeps it, so that `recover` generates the same ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordForm {
    /// The number of characters.
    pub length: usize,
    /// The characters beside letters and digits; there may be none.
    pub symbols: String,
    /// The weak password, which the policy is to refuse.
    pub weak: String,
}

impl PasswordForm {
    /// Generates the password that belongs to a label. Every class of characters occurs in it.
    pub fn generate(&self, seed: &Seed, label: &str) -> Secret {
        let classes = [LOWER, UPPER, DIGITS, &self.symbols].map(str::as_bytes);
        // The classes take turns, so that each occurs whatever the bytes are.
        let classes = classes.iter().filter(|class| !class.is_empty()).cycle();
        let bytes = seed.bytes(label).into_iter().take(self.length).zip(classes);
        let characters = bytes.map(|(byte, class)| class[usize::from(byte) % class.len()]);
        Secret::new(characters.map(char::from).collect::<String>())
    }
}

/// What an accounts file says of a target's password policy.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetPolicy {
    min_length: Option<usize>,
    max_length: Option<usize>,
    classes: Option<usize>,
    symbols: Option<String>,
    /// How many of the last passwords may not be set again, the current one being the first.
    pub history: usize,
}

impl TargetPolicy {
    /// Returns what is wrong with it.
    pub fn problem(&self) -> Option<String> {
        let (min, max) = self.lengths();
        let symbols = self.symbols();
        let classes = self.classes.unwrap_or(0);
        let most = 4 - usize::from(symbols.is_empty());
        let wrong = symbols.chars().find(|one| !one.is_ascii_punctuation());
        let least = min.max(MIN_REDACTED);
        Some(if min > MAX_LENGTH {
            format!("`min_length` is {min}, expected at most {MAX_LENGTH}")
        } else if max < least {
            format!("`max_length` is {max}, expected at least {least}")
        } else if classes > most {
            format!("`classes` is {classes}, expected at most {most} with these symbols")
        } else {
            format!("`symbols` has `{}`, expected ASCII punctuation", wrong?)
        })
    }

    /// Returns the forms of passwords that fit it, the longest first. Where nothing is said, every published policy accepts that,
    /// and refuses its weak password.
    pub fn forms(&self) -> Vec<PasswordForm> {
        let (min, max) = self.lengths();
        let mut lengths = LENGTHS.map(|length| length.min(max).max(min)).to_vec();
        lengths.dedup();
        let weak = self.weak_passwords();
        let form = |length| PasswordForm {
            length,
            symbols: self.symbols().to_owned(),
            weak: weak.first().copied().unwrap_or_default().to_owned(),
        };
        lengths.into_iter().map(form).collect()
    }

    /// Returns the passwords that it may refuse, from weak to weaker.
    pub fn weak_passwords(&self) -> Vec<&'static str> {
        // What is not said may be asked for.
        let policy = Policy {
            min_length: self.min_length.unwrap_or(usize::MAX),
            max_length: self.max_length,
            classes: self.classes.unwrap_or(4),
            symbols: self.symbols.clone(),
        };
        let mut weak = WEAK.to_vec();
        weak.retain(|weak| policy.check(weak).is_err());
        weak
    }

    fn lengths(&self) -> (usize, usize) {
        let max = self.max_length.unwrap_or(MAX_LENGTH);
        (self.min_length.unwrap_or(0), max)
    }

    fn symbols(&self) -> &str {
        self.symbols.as_deref().unwrap_or(SYMBOLS)
    }
}

/// A shorter value cannot be distinguished from other text.
pub(super) const MIN_REDACTED: usize = 8;
const LOWER: &str = "abcdefghijkmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &str = "23456789";
/// Only symbols of the list that `product_16` accepts.
const SYMBOLS: &str = "#%*+,-./:=?@[]^_{}~";
/// The lengths that are tried.
const LENGTHS: [usize; 3] = [24, 16, 12];
/// A seed gives so many bytes for a label.
const MAX_LENGTH: usize = 32;
/// From weak to weaker: too few classes, one class, and too short as well.
const WEAK: [&str; 3] = ["abcdefgh1234", "abcdefghijkl", "weak"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fixture;

    fn policy(text: &str) -> TargetPolicy {
        fixture::read_as("p", text).unwrap()
    }

    #[rstest]
    #[case::nothing_said("{}", &[24, 16, 12])]
    #[case::short("{ max_length: 12 }", &[12])]
    #[case::longer("{ min_length: 20, max_length: 22 }", &[22, 20])]
    #[case::very_long("{ min_length: 30 }", &[30])]
    #[case::no_symbols("{ symbols: '', classes: 3 }", &[24, 16, 12])]
    #[case::two_symbols("{ symbols: '-:', classes: 4 }", &[24, 16, 12])]
    fn generated_passwords_fit_the_policy(#[case] text: &str, #[case] lengths: &[usize]) {
        let policy = policy(text);
        assert_eq!(policy.problem(), None);
        let forms = policy.forms();
        let found: Vec<usize> = forms.iter().map(|form| form.length).collect();
        assert_eq!(found, lengths);
        let asked = Policy {
            min_length: policy.min_length.unwrap_or(0),
            max_length: policy.max_length,
            classes: if policy.symbols.as_deref() == Some("") {
                3
            } else {
                4
            },
            symbols: policy.symbols.clone(),
        };
        for form in forms {
            let password = form.generate(&Seed::random(), "user.new_password");
            assert_eq!(asked.check(password.expose()), Ok(()));
            assert_eq!(password.expose().len(), form.length);
        }
    }

    #[rstest]
    #[case::nothing_said("{}", &["abcdefgh1234", "abcdefghijkl", "weak"])]
    #[case::of_length("{ min_length: 8, classes: 1 }", &["weak"])]
    #[case::of_classes("{ min_length: 8, classes: 2 }", &["abcdefghijkl", "weak"])]
    #[case::accepts_all("{ min_length: 1, classes: 1 }", &[])]
    fn weak_passwords_are_those_that_may_be_refused(#[case] text: &str, #[case] expected: &[&str]) {
        let weak: Vec<&str> = policy(text).weak_passwords();
        assert_eq!(weak, expected);
    }
}

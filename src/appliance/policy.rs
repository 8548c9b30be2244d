//! The requirements of a new password.

use std::fmt;

use serde::Deserialize;

/// A password policy. Lengths count characters, classes count lower, upper, digit and other.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Policy {
    /// The minimum number of characters.
    pub min_length: usize,
    /// The maximum number of characters, if there is one.
    pub max_length: Option<usize>,
    /// How many of the four classes must occur, 0 to 4.
    pub classes: usize,
    /// The only characters that count as the class "other", if they are listed.
    pub symbols: Option<String>,
}

/// The rule of a policy that a password violates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyViolation {
    /// Too few classes of characters.
    Classes,
    /// Too many characters.
    TooLong,
    /// Too few characters.
    TooShort,
}

impl Policy {
    /// The named policies.
    pub const NAMES: [&'static str; 3] = ["examples", "product_8", "product_16"];

    /// Returns a policy by its name.
    ///
    /// `examples` accepts every new password of the documents (`sensor:34`, `sensor:85`, `console:42`); assumed.
    /// The other two are rules published for the product elsewhere; which one the API applies is not known.
    pub fn named(name: &str) -> Option<Policy> {
        match name {
            "examples" => Some(Policy {
                min_length: 8,
                max_length: None,
                classes: 3,
                symbols: None,
            }),
            "product_8" => Some(Policy {
                min_length: 8,
                max_length: None,
                classes: 4,
                symbols: None,
            }),
            "product_16" => Some(Policy {
                min_length: 16,
                max_length: None,
                classes: 4,
                symbols: Some(PRODUCT_16_SYMBOLS.into()),
            }),
            _ => None,
        }
    }

    /// Returns the name of a policy, if it has one.
    pub fn name(&self) -> Option<&'static str> {
        let mut names = Policy::NAMES.into_iter();
        names.find(|name| Policy::named(name).as_ref() == Some(self))
    }

    /// Checks a new password.
    ///
    /// # Errors
    /// The first rule that it violates.
    pub fn check(&self, password: &str) -> Result<(), PolicyViolation> {
        let length = password.chars().count();
        if length < self.min_length {
            Err(PolicyViolation::TooShort)
        } else if self.max_length.is_some_and(|max| length > max) {
            Err(PolicyViolation::TooLong)
        } else if self.classes_in(password) < self.classes {
            Err(PolicyViolation::Classes)
        } else {
            Ok(())
        }
    }

    fn classes_in(&self, password: &str) -> usize {
        let other = |character: char| match &self.symbols {
            Some(symbols) => symbols.contains(character),
            None => {
                !character.is_lowercase()
                    && !character.is_uppercase()
                    && !character.is_ascii_digit()
            }
        };
        let classes: [&dyn Fn(char) -> bool; 4] = [
            &char::is_lowercase,
            &char::is_uppercase,
            &|character| character.is_ascii_digit(),
            &other,
        ];
        classes
            .iter()
            .filter(|class| password.chars().any(class))
            .count()
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::named("examples").expect("`examples` is among the names")
    }
}

impl fmt::Display for PolicyViolation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            PolicyViolation::Classes => "too few classes of characters",
            PolicyViolation::TooLong => "too many characters",
            PolicyViolation::TooShort => "too few characters",
        })
    }
}

/// The symbols that `product_16` accepts; assumed to be the complete list.
const PRODUCT_16_SYMBOLS: &str = "#%*+,-./:=?@[]^_{}~";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::example("examples", "Test54321!", Ok(()))]
    #[case::no_upper_case("examples", "abcd@1234", Ok(()))]
    #[case::short("examples", "Ab1!", Err(PolicyViolation::TooShort))]
    #[case::two_classes("examples", "abcd1234", Err(PolicyViolation::Classes))]
    #[case::characters_not_bytes("examples", "Äöü1!", Err(PolicyViolation::TooShort))]
    #[case::three_of_four("product_8", "abcd@1234", Err(PolicyViolation::Classes))]
    #[case::all_four("product_8", "Abcd@1234", Ok(()))]
    #[case::exclamation_mark_is_no_symbol(
        "product_16",
        "Abcdefgh12345678!",
        Err(PolicyViolation::Classes)
    )]
    #[case::listed_symbol("product_16", "Abcdefgh12345678#", Ok(()))]
    #[case::fifteen("product_16", "Abcdefgh123456#", Err(PolicyViolation::TooShort))]
    fn a_named_policy(
        #[case] name: &str,
        #[case] password: &str,
        #[case] expected: Result<(), PolicyViolation>,
    ) {
        assert_eq!(Policy::named(name).unwrap().check(password), expected);
    }

    #[test]
    fn a_maximum_length_is_enforced() {
        let policy = Policy {
            max_length: Some(4),
            min_length: 1,
            classes: 0,
            symbols: None,
        };
        assert_eq!(
            (policy.check("abcd"), policy.check("abcde")),
            (Ok(()), Err(PolicyViolation::TooLong))
        );
    }
}

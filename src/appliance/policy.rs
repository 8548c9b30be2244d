//! The requirements of a new password.

use serde::Deserialize;
use thiserror::Error;

/// A password policy. Lengths count characters, classes count lower, upper, digit and other; a letter without case is of no class.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PolicyViolation {
    /// Too few classes of characters.
    #[error("too few classes of characters")]
    Classes,
    /// Too many characters.
    #[error("too many characters")]
    TooLong,
    /// Too few characters.
    #[error("too few characters")]
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
        let (min_length, classes, symbols) = match name {
            "examples" => (8, 3, None),
            "product_8" => (8, 4, None),
            "product_16" => (16, 4, Some(PRODUCT_16_SYMBOLS.to_owned())),
            _ => return None,
        };
        Some(Policy {
            min_length,
            max_length: None,
            classes,
            symbols,
        })
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
        let is_other = |letter: char| match &self.symbols {
            Some(symbols) => symbols.contains(letter),
            None => !letter.is_alphanumeric(),
        };
        let has = |class: &dyn Fn(char) -> bool| usize::from(password.chars().any(class));
        has(&char::is_lowercase)
            + has(&char::is_uppercase)
            + has(&char::is_numeric)
            + has(&is_other)
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::named("examples").expect("`examples` is among the names")
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
    #[case::letters_without_case("examples", "abcd中文字符", Err(PolicyViolation::Classes))]
    #[case::digits_of_another_script("examples", "abcdEF١٢", Ok(()))]
    #[case::digits_are_no_symbols("product_8", "abcdEF1٢", Err(PolicyViolation::Classes))]
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

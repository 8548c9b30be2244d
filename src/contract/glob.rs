//! Globs of names: `validation.*`, `*.{status,body}`, `*.on_[a-m]?*`.

use fast_glob::ErrorKind;

/// A glob that can be compared with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// Reads a glob.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(text: &str) -> Result<Glob, &'static str> {
        fast_glob::validate(text).map_err(|error| wrong(error.kind))?;
        // There, a `!` in front would turn the meaning round.
        let text = if text.starts_with('!') {
            format!("\\{text}")
        } else {
            text.to_owned()
        };
        Ok(Glob(flat(&text)))
    }

    /// Returns whether a name is meant, the whole of it.
    pub fn is_match(&self, name: &str) -> bool {
        if name.contains('/') {
            fast_glob::glob_match(&self.0, flat(name))
        } else {
            fast_glob::glob_match(&self.0, name)
        }
    }
}

/// Names are no paths: a star passes over a `/` as over any other character.
fn flat(text: &str) -> String {
    text.replace('/', "\u{1f}")
}

fn wrong(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::BraceNestingTooDeep => "alternate groups nested more than 10 deep",
        ErrorKind::TooManyBraceGroups => "more than 10 alternate groups",
        ErrorKind::TrailingBackslash => "dangling '\\'",
        ErrorKind::UnclosedBrace => {
            "unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)"
        }
        ErrorKind::UnclosedBracket => "unclosed character class; missing ']'",
        // The list is not closed there.
        _ => "it cannot be read",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::name("a.b", "a.b", true)]
    #[case::part("a", "a.b", false)]
    #[case::star("*", "a.b", true)]
    #[case::star_in_the_middle("a*c", "a.b.c", true)]
    #[case::star_for_nothing("a*", "a", true)]
    #[case::two_stars("*.on_*", "validation.on_null", true)]
    #[case::stars_together("a**c", "abc", true)]
    #[case::stars_over_a_slash("s*x", "sensor/a.x", true)]
    #[case::slash("sensor/*", "sensor/a.x", true)]
    #[case::one("a?c", "abc", true)]
    #[case::one_is_not_none("a?c", "ac", false)]
    #[case::one_slash("a?c", "a/c", true)]
    #[case::class("[a-c]x", "bx", true)]
    #[case::other_class("[!a-c]x", "bx", false)]
    #[case::either("*.{status,body}", "validation.body", true)]
    #[case::neither("*.{status,body}", "validation.order", false)]
    #[case::nested("{a,b{c,d}}", "bd", true)]
    #[case::escaped("\\*", "*", true)]
    #[case::not_round("!a", "b", false)]
    #[case::mark("!a", "!a", true)]
    #[case::nothing("", "a", false)]
    fn a_glob_means_whole_names(#[case] glob: &str, #[case] name: &str, #[case] meant: bool) {
        assert_eq!(Glob::new(glob).unwrap().is_match(name), meant);
    }

    #[rstest]
    #[case::class("[", "unclosed character class")]
    #[case::group("a.{b,c", "unclosed alternate group")]
    #[case::escape("a\\", "dangling")]
    #[case::too_many("{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}", "more than 10")]
    #[case::too_deep("{{{{{{{{{{{a}}}}}}}}}}}", "more than 10")]
    fn an_invalid_glob_is_reported(#[case] glob: &str, #[case] wrong: &str) {
        let message = Glob::new(glob).unwrap_err();
        assert!(
            message.starts_with(wrong) || message.contains(wrong),
            "{message}"
        );
    }
}

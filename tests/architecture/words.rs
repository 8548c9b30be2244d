//! Words: terms that only this project knew are retired, and what the documents say stands in the contract alone.

use std::collections::BTreeSet;

use d4iot_double::contract::{Contract, Internal};

use crate::source::Source;

/// Retired words, in every form that was used.
const WORDS: &[&str] = &[
    "ruling",
    "rulings",
    "saying",
    "sayings",
    "circumstance",
    "circumstances",
    "deem",
    "deems",
    "deemed",
    "strike",
    "strikes",
    "striking",
    "struck",
    "spoilt",
    "unasked",
    "nought",
    "anew",
    "thrice",
    "whoever",
];

/// Retired phrases.
const PHRASES: &[&str] = &["so-manieth", "how-manieth", "is no "];

/// Retired names of types. In a text, the plain words are good English.
const NAMES: &[&str] = &[
    "Bell", "Owed", "Hands", "Shelf", "Berth", "Mooring", "Lens", "Desk", "Told",
];

/// Returns each retired term that a text holds, once for each time.
pub(crate) fn retired(text: &str) -> Vec<&'static str> {
    let lower = text.to_lowercase();
    let mut found: Vec<&str> = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        let small = word.to_lowercase();
        found.extend(WORDS.iter().filter(|retired| **retired == small));
        found.extend(NAMES.iter().filter(|retired| **retired == word));
    }
    for phrase in PHRASES {
        found.extend(lower.matches(phrase).map(|_| *phrase));
    }
    found
}

/// Returns each retired term that a name holds: `strike_rate`, `ShelfError`.
pub(crate) fn retired_in_name(name: &str) -> Vec<&'static str> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() {
            words.push(String::new());
        }
        if letter != '_'
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    let all = WORDS.iter().chain(NAMES);
    all.filter(|term| words.contains(&term.to_lowercase()))
        .copied()
        .collect()
}

/// Returns every text that a contract lets an appliance say, in pieces between its placeholders.
pub(crate) fn sentences(contract: &Contract) -> Vec<String> {
    let responses = contract.any.outcomes.values().chain(
        contract
            .operations
            .values()
            .flat_map(|clause| clause.outcomes.values()),
    );
    let mut texts: Vec<&str> = Vec::new();
    for response in responses {
        texts.extend(
            response
                .body
                .readings()
                .iter()
                .map(|reading| reading.is.text()),
        );
        for reading in response.internal.iter().flat_map(|fact| fact.readings()) {
            if let Internal::Another(text) = &reading.is {
                texts.push(text);
            }
        }
    }
    texts.into_iter().flat_map(pieces).collect()
}

fn pieces(text: &str) -> Vec<String> {
    text.split(['{', '}'])
        .map(|piece| piece.trim_end_matches('.').to_owned())
        .filter(|piece| piece.len() >= MIN_PIECE)
        .collect()
}

/// Returns where a file has one of the sentences in a literal.
pub(crate) fn quoted(sentences: &BTreeSet<String>, source: &Source) -> Vec<String> {
    source
        .literals
        .iter()
        .filter_map(|(line, text)| {
            let sentence = sentences
                .iter()
                .find(|sentence| text.contains(sentence.as_str()))?;
            Some(format!("{}:{line} has `{sentence}`", source.path))
        })
        .collect()
}

/// A shorter piece is a word that may stand anywhere.
const MIN_PIECE: usize = 10;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::tree;

    #[rstest]
    #[case::word("By the ruling, struck", "ruling struck")]
    #[case::phrase("The how-manieth is no number", "how-manieth is no ")]
    #[case::name("a `Shelf` of hands", "Shelf")]
    #[case::plain("told by both hands, renewed", "")]
    fn retired_terms_are_found(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(retired(text).join(" "), expected);
    }

    #[rstest]
    #[case::snake("strike_rate", "strike")]
    #[case::camel("ShelfError", "Shelf")]
    #[case::variable("told", "Told")]
    #[case::part("bellow_shelves", "")]
    fn retired_terms_are_found_in_names(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(retired_in_name(name).join(" "), expected);
    }

    #[rstest]
    #[case::whole("const A: &str = \"Well done.\";", "src/a.rs:1 has `Well done`")]
    #[case::piece(
        "fn f() { format!(\"The user '{name}' is gone\") }",
        "src/a.rs:1 has `' is gone`"
    )]
    #[case::comment("/// Says `Well done.` to a client.\nfn f() {}", "")]
    #[case::other("const A: &str = \"well\";", "")]
    fn a_documented_sentence_is_found(#[case] text: &str, #[case] expected: &str) {
        let sentences = BTreeSet::from(["Well done".to_owned(), "' is gone".to_owned()]);
        let sources = tree(&[("src/a.rs", text)]);
        assert_eq!(quoted(&sentences, &sources[0]).join("\n"), expected);
    }

    #[test]
    fn a_template_is_split_at_its_placeholders() {
        assert_eq!(
            pieces("The user '{username}' doesn't exist."),
            ["The user '", "' doesn't exist"]
        );
    }
}

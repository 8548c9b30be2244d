//! Wording: what an appliance says stands in the contract, and in no line of Rust outside tests.

use std::collections::BTreeSet;

use d4iot_double::contract::{Contract, Internal};

use crate::source::Source;

/// Returns every text a contract lets an appliance say, in pieces between its placeholders, without a full stop at the end.
pub(crate) fn sentences(contract: &Contract) -> Vec<String> {
    let utterances = contract.any.outcomes.values().chain(
        contract
            .operations
            .values()
            .flat_map(|clause| clause.outcomes.values()),
    );
    let mut texts: Vec<&str> = Vec::new();
    for utterance in utterances {
        texts.extend(
            utterance
                .body
                .readings()
                .iter()
                .map(|reading| reading.is.text()),
        );
        for reading in utterance.internal.iter().flat_map(|fact| fact.readings()) {
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
        .filter(|piece| piece.len() >= SHORTEST)
        .collect()
}

/// Returns where a file says one of the texts.
pub(crate) fn spoken(sentences: &BTreeSet<String>, source: &Source) -> Vec<String> {
    let says = |line: &str| {
        sentences
            .iter()
            .find(|sentence| line.contains(sentence.as_str()))
    };
    source
        .lines
        .iter()
        .filter_map(|(number, line)| {
            Some(format!("{}:{number} says `{}`", source.path, says(line)?))
        })
        .collect()
}

/// A piece below this length is a word that may stand anywhere.
const SHORTEST: usize = 10;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::tree;

    #[rstest]
    #[case::whole("let text = \"Well done.\";", "src/a.rs:1 says `Well done`")]
    #[case::piece(
        "format!(\"The user '{name}' is gone\")",
        "src/a.rs:1 says `' is gone`"
    )]
    #[case::comment("/// Says `Well done.` to a client.", "")]
    #[case::other("let text = \"well\";", "")]
    fn a_sentence_in_rust_is_seen(#[case] line: &str, #[case] expected: &str) {
        let sentences = BTreeSet::from(["Well done".to_owned(), "' is gone".to_owned()]);
        assert_eq!(
            spoken(&sentences, &tree(&[("src/a.rs", line)])[0]).join("\n"),
            expected
        );
    }

    #[test]
    fn a_template_is_taken_to_pieces() {
        assert_eq!(
            pieces("The user '{username}' doesn't exist."),
            ["The user '", "' doesn't exist"]
        );
    }
}

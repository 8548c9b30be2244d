//! What the contract rests on stands in what it quotes of the pages, and the other way round.

use rstest::rstest;

use super::{
    compare::{shows, subjects},
    *,
};
use crate::contract::{self, Ground, Kind};

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn a_documented_reading_stands_on_its_lines(#[case] kind: Kind) {
    let contract = contract::of(kind);
    for fact in contract.facts() {
        let operation: Option<Operation> = fact
            .name
            .split('.')
            .next()
            .and_then(|name| name.parse().ok());
        for reading in &fact.readings {
            let Ground::Documented { at, borrowed, .. } = reading.ground else {
                continue;
            };
            let name = format!("{} ({})", fact.name, reading.name);
            let deciding = if reading.quotes.is_empty() {
                reading.words
            } else {
                &reading.quotes
            };
            let mut cited = Vec::new();
            for place in at {
                let page = place.document.unwrap_or(kind);
                let recorded = recorded(contract::of(page));
                let here = recorded
                    .into_iter()
                    .filter(|it| it.first <= place.last && place.first <= it.last);
                let shown = here.filter(|it| deciding.iter().any(|words| shows(it, words)));
                let shown: Vec<_> = shown.map(|it| (page, it)).collect();
                assert!(
                    !shown.is_empty(),
                    "{name}: {} shows none of {deciding:?}",
                    place.cite(kind)
                );
                cited.extend(shown);
            }
            for words in reading.words.iter().chain(&reading.quotes) {
                assert!(
                    cited.iter().any(|(_, it)| shows(it, words)),
                    "{name}: no line shows {words}"
                );
            }
            // A documented value is shown for this operation on this page: else it is borrowed, and says so.
            let is_own =
                |(page, it): &(Kind, Statement)| *page == kind && it.operation == operation;
            if operation.is_some() {
                assert_eq!(cited.iter().all(is_own), !borrowed, "{name}");
            }
            let is_apt = |it: &Statement| match &fact.name {
                name if name.ends_with(".body") => matches!(it.form, Form::Item | Form::Response),
                name if name.ends_with(".token") => {
                    it.text.contains("access token") || it.text.contains("Authorization")
                }
                name if name.ends_with(".roles") => it.form == Form::Sentence,
                _ => true,
            };
            assert!(cited.iter().all(|(_, it)| is_apt(it)), "{name}");
        }
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_statement_of_an_operation_is_cited(#[case] kind: Kind) {
    for statement in recorded(contract::of(kind)) {
        assert!(
            statement.operation.is_none() || !subjects(kind, &statement, None).is_empty(),
            "{kind}:{} {}",
            statement.first,
            statement.text
        );
        assert!(!statement.is_frame());
    }
}

#[rstest]
#[case::sentences("One is. Two is\nlong! 3.5 is", &[(1, 1, "sentence", "One is."), (1, 2, "sentence", "Two is long! 3.5 is")])]
#[case::label("# T\n\n# [Request](#tab/x)\r\n**Type**: `JSON`\r\n", &[(4, 4, "label", "Request type: JSON")])]
#[case::method("### POST\n", &[(1, 1, "label", "Method: POST")])]
#[case::loose_item("- **A – b**: it\\_is\n\n  so\n", &[(1, 1, "item", "A - b: it_is"), (3, 3, "item", "so")])]
#[case::nested_items("- a\n  - b\n- c\n", &[(1, 1, "item", "a"), (2, 2, "item", "b"), (3, 3, "item", "c")])]
#[case::table("|A|B|C|\n|-|-|-|\n| x\\|y | **b** |\n", &[(1, 1, "heading", "A | B | C"), (3, 3, "row", "x|y | b | ")])]
#[case::example("\n```rest\nresponse:\n\n{\n\n}\n\n```\n", &[(5, 7, "response", "{\n\n}")])]
#[case::command("    curl a\n", &[(1, 1, "command", "curl a")])]
#[case::comment("<!-- a\n\n## b -->c\n", &[(3, 3, "sentence", "c")])]
#[case::comment_left_open("a\n\n<!-- b\n", &[(1, 1, "sentence", "a")])]
#[case::html("<div>a</div>\n", &[(1, 1, "sentence", "<div>a</div>")])]
#[case::front_matter("---\na: b\n---\nc\n", &[(4, 4, "sentence", "c")])]
#[case::nothing("", &[])]
fn a_page_is_read(#[case] page: &str, #[case] expected: &[(u32, u32, &str, &str)]) {
    let said = read(page);
    let said = said
        .iter()
        .map(|it| (it.first, it.last, it.form.name(), it.text.as_str()));
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

//! Both directions: a mistake in the contract is found, and so is a change of the page.

use rstest::rstest;

use super::*;

/// A page of eleven lines, in the manner of the true ones.
const PAGE: &str = "---
title: Doors
---

# Doors

Knock at `/doors/knock` by POST; no key needed.
| **name** | Text | Required |
```
The door 'oak' opens.
```
";

/// What the page says.
const LAW: &str = r#"
kind: sensor
document: { sha256: 00 }
any:
  answer_type: [ { assumed: { as: json, is: application/json, because: silence } } ]
  challenge: [ { assumed: { as: absent, is: null, because: silence } } ]
  lock_minutes: [ { assumed: { as: short, is: 1, because: silence } } ]
  extra_members: [ { assumed: { as: none, is: none, because: silence } } ]
  on: {}
  outcomes:
    authenticated:
      status: [ { assumed: { as: conventional, is: 200, because: silence } } ]
      body:
        - documented: { as: example, is: { msg: "The door '{username}' opens." }, at: [10], with: { username: oak } }
        - documented: { as: other_page, is: { msg: The gate opens }, at: [console:1] }
operations:
  validation:
    path: [ { documented: { as: heading, is: [/doors/knock], at: [7] } } ]
    method: [ { documented: { as: post, is: POST, at: [7] } } ]
    accepts: [ { assumed: { as: json, is: [application/json], because: silence } } ]
    token: [ { documented: { as: not_needed, is: ignored, text: [no key], at: [7] } } ]
    roles: [ { assumed: { as: all, is: [admin], because: silence } } ]
    order: [ { assumed: { as: one, is: [authentication], because: silence } } ]
    fields:
      username: [ { documented: { as: table, is: [name], text: [Required], at: [8] } } ]
    answer_type: [ { assumed: { as: json, is: application/json, because: silence } } ]
    outcomes: {}
quotes:
  S10: { operation: validation, form: example, at: [10], text: "The door 'oak' opens." }
ambiguities: {}
ignored:
  - { lines: [4-5], kind: heading }
"#;

const OTHER_PAGE: &str = "The gate opens";

fn held(contract_text: &str, page: &str, other: &str) -> Vec<String> {
    let contract = Contract::read(contract_text).unwrap_or_else(|error| panic!("{error}"));
    let pages = Pages {
        console: SourcePage::new(other),
        sensor: SourcePage::new(page),
    };
    hold(&contract, &pages)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_law_that_says_what_the_page_says_holds() {
    assert_eq!(held(LAW, PAGE, OTHER_PAGE), [""; 0]);
    assert_eq!(held(LAW, &PAGE.replace('\n', "\r\n"), OTHER_PAGE), [""; 0]);
}

#[rstest]
#[case::wording(
    "{username}' opens.",
    "{username}' shuts.",
    "sensor:10 any.authenticated.body (example): expected `The door 'oak' shuts.`, found `The door 'oak' opens.`"
)]
#[case::of_the_other_page(
    "The gate opens",
    "The gate shuts",
    "console:1 any.authenticated.body (other_page): expected `The gate shuts`, found `The gate opens`"
)]
#[case::full_stop(
    "The gate opens",
    "The gate opens.",
    "console:1 any.authenticated.body (other_page): expected `The gate opens.`, found `The gate opens`"
)]
#[case::template(
    "username: oak",
    "username: elm",
    "sensor:10 any.authenticated.body (example): expected `The door 'elm' opens.`, found `The door 'oak' opens.`"
)]
#[case::path(
    "[/doors/knock]",
    "[/knock]",
    "sensor:7 validation.path (heading): expected `/knock`, found `Knock at `/doors/knock` by POST; no key needed.`"
)]
#[case::line(
    "is: POST, at: [7]",
    "is: POST, at: [8]",
    "sensor:8 validation.method (post): expected `POST`, found `| **name** | Text | Required |`"
)]
#[case::line_beyond_the_end(
    "is: POST, at: [7]",
    "is: POST, at: [12]",
    "sensor:12 validation.method (post): expected such a line, found a page without it"
)]
#[case::words(
    "[no key]",
    "[a key]",
    "sensor:7 validation.token (not_needed): expected `a key`, found `Knock at `/doors/knock` by POST; no key needed.`"
)]
#[case::words_beside_the_value(
    "[Required]",
    "[Optional]",
    "sensor:8 validation.username (table): expected `Optional`, found `| **name** | Text | Required |`"
)]
#[case::quote(
    "\"The door 'oak' opens.\" }",
    "\"The door 'oak' Opens.\" }",
    "sensor:10 quote S10: expected `The door 'oak' Opens.`, found `The door 'oak' opens.`"
)]
#[case::excuse_gone(
    "[4-5]",
    "[4]",
    "sensor:5 line: expected a fact, a quote or an excuse, found `# Doors`"
)]
#[case::excuse_of_a_claimed_line(
    "[4-5]",
    "[4-5, 8]",
    "sensor:8 excuse (heading): expected no claim, found that of validation.username (table)"
)]
#[case::excuse_beyond_the_end(
    "[4-5]",
    "[4-5, 20]",
    "sensor:20 excuse (heading): expected such a line, found a page without it"
)]
fn a_slip_in_the_law_is_found(#[case] from: &str, #[case] to: &str, #[case] expected: &str) {
    assert_ne!(LAW, LAW.replace(from, to));
    assert_eq!(held(&LAW.replace(from, to), PAGE, OTHER_PAGE), [expected]);
}

#[rstest]
#[case::line_changed("POST", "GET", &["sensor:7 validation.method (post)"])]
#[case::line_removed("| **name** | Text | Required |\n", "", &["sensor:8 validation.username (table)", "sensor:8 validation.username (table)", "sensor:9 line", "sensor:10 any.authenticated.body (example)", "sensor:10 quote S10"])]
#[case::line_added("```\n", "A sentence.\n```\n", &["sensor:9 line", "sensor:10 any.authenticated.body (example)", "sensor:10 quote S10", "sensor:11 line"])]
#[case::part_of_a_quote(" opens.", "  opens.", &["sensor:10 any.authenticated.body (example)", "sensor:10 quote S10"])]
fn a_change_of_the_page_is_found(#[case] from: &str, #[case] to: &str, #[case] expected: &[&str]) {
    let found = held(LAW, &PAGE.replacen(from, to, 1), OTHER_PAGE);
    let starts: Vec<&str> = found
        .iter()
        .map(|finding| {
            finding
                .split(": expected")
                .next()
                .expect("a split has a first part")
        })
        .collect();
    assert_eq!(starts, expected);
}

#[test]
fn the_true_pages_hold() {
    let Some((sensor, console)) = true_pages() else {
        return;
    };
    let pages = Pages {
        console: SourcePage::new(&console),
        sensor: SourcePage::new(&sensor),
    };
    for kind in Kind::ALL {
        let contract = crate::contract::of(*kind);
        assert_eq!(hold(contract, &pages), []);
        assert!(pages.of(*kind).is(&contract.document));
    }
}

#[test]
fn a_claimed_line_of_a_true_page_cannot_lose_its_words() {
    let Some((sensor, console)) = true_pages() else {
        return;
    };
    for kind in Kind::ALL {
        let contract = crate::contract::of(*kind);
        let own = if *kind == Kind::Sensor {
            &sensor
        } else {
            &console
        };
        let whole = SourcePage::new(own);
        let excused = |number: u32| {
            contract
                .ignored
                .iter()
                .flat_map(|excuse| &excuse.lines)
                .any(|place| (place.first..=place.last).contains(&number))
        };
        for (number, line) in
            numbered(own).filter(|(number, _)| !whole.is_free(*number) && !excused(*number))
        {
            let lines: Vec<&str> = numbered(own)
                .map(|(other, line)| if other == number { "other words" } else { line })
                .collect();
            let changed = lines.join("\n");
            let page = SourcePage::new(&changed);
            let pages = match kind {
                Kind::Console => Pages {
                    console: page,
                    sensor: SourcePage::new(&sensor),
                },
                Kind::Sensor => Pages {
                    console: SourcePage::new(&console),
                    sensor: page,
                },
            };
            assert!(
                hold(contract, &pages)
                    .iter()
                    .any(|finding| finding.document == *kind && finding.line == number),
                "{kind}:{number} {line}"
            );
        }
    }
}

#[test]
fn no_line_of_a_true_page_changes_or_goes_unseen() {
    let Some((sensor, console)) = true_pages() else {
        return;
    };
    for kind in Kind::ALL {
        let own = if *kind == Kind::Sensor {
            &sensor
        } else {
            &console
        };
        let whole = SourcePage::new(own);
        for (number, line) in numbered(own).filter(|(number, _)| !whole.is_free(*number)) {
            let with = |words: Option<&str>| {
                let lines = numbered(own)
                    .filter_map(|(other, line)| if other == number { words } else { Some(line) });
                let changed = lines.collect::<Vec<_>>().join("\n");
                let pages = if *kind == Kind::Sensor {
                    Pages::following(&changed, &console)
                } else {
                    Pages::following(&sensor, &changed)
                };
                hold(crate::contract::of(*kind), &pages)
            };
            let longer = format!("{line} indeed");
            assert!(
                with(Some(&longer))
                    .iter()
                    .any(|finding| !finding.moved && finding.line == number),
                "{kind}:{number} {line}"
            );
            assert!(
                with(None).iter().any(|finding| !finding.moved),
                "{kind}:{number} {line}"
            );
        }
    }
}

#[test]
fn a_said_wording_of_a_true_law_cannot_change() {
    let Some((sensor, console)) = true_pages() else {
        return;
    };
    let pages = Pages {
        console: SourcePage::new(&console),
        sensor: SourcePage::new(&sensor),
    };
    let mut changes = 0;
    for kind in Kind::ALL {
        let (_, contract_text) = crate::contract::text(*kind);
        // Values that a page shows itself; what it says in other words is held by `text`, which is not changed here.
        let starts = [
            "is: { error: ",
            "is: { msg: ",
            "is: { another: ",
            "is: [/",
            "is: POST",
        ];
        let found = starts.iter().flat_map(|start| {
            contract_text
                .match_indices(start)
                .map(|(at, _)| at + start.len())
        });
        for at in found.filter(|at| {
            contract_text[..*at]
                .lines()
                .last()
                .is_some_and(|line| line.contains("documented: {") || line.contains("borrowed: {"))
        }) {
            let at = at + usize::from(contract_text[at..].starts_with('"'));
            let changed = Contract::read(&format!(
                "{}x{}",
                &contract_text[..at],
                &contract_text[at..]
            ))
            .unwrap_or_else(|error| panic!("{error}"));
            assert!(
                !hold(&changed, &pages).is_empty(),
                "{kind} {:?}",
                contract_text[at..].lines().next()
            );
            changes += 1;
        }
    }
    assert!(changes > 40, "{changes}");
}

/// Reads the sensor's and the console's page, where they are kept on this machine.
#[expect(
    clippy::disallowed_methods,
    reason = "a test may read files, and says when it does not run"
)]
fn true_pages() -> Option<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/documents");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let pages = read("sensor.md").zip(read("console.md"));
    if pages.is_none() {
        eprintln!("skipped: no copies of the pages in {}", folder.display());
    }
    pages
}

fn numbered(page: &str) -> impl Iterator<Item = (u32, &str)> {
    (1..).zip(page.lines())
}

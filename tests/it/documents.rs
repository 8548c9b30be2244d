//! `documents` at other editions of the pages: what is said otherwise is told, and rendering is not.
//!
//! The pages are made of what the contract quotes; those that are kept in `../shared/documents`, where they are, are tried too.

mod pages;

use std::{
    fs,
    path::{Path, PathBuf},
};

use d4iot_double::{
    contract,
    contract::{Contract, Kind, page},
};
use pages::{after_line, documents, pages, render, run, shared, without_comment, without_line};
use rstest::rstest;

/// An edit of a page.
type Edit = fn(&str) -> String;

/// What is said otherwise is one line each, whatever else an edition moves.
#[rstest]
#[case::capitals(Kind::Console, |page: &str| page.replace("Credentials Validation Failed", "Credentials validation failed"), &["reworded validation.credentials_rejected.body \"Failure - error: Credentials Validation Failed\" -> \"Failure - error: Credentials validation failed\" X12 dissolves"])]
#[case::full_stop(Kind::Sensor, |page: &str| page.replacen("Password has been replaced", "Password has been replaced.", 1), &["reworded set_password.password_replaced.body replaced.\""])]
#[case::message_of_both(Kind::Sensor, |page: &str| page.replace("Password has been replaced", "password has been replaced"), &["reworded set_password.password_replaced.body", "reworded set_password_by_admin.password_replaced.body"])]
#[case::message_gone(Kind::Sensor, |page: &str| without_line(page, "does not match security"), &["gone set_password.policy_refused.body security policy"])]
#[case::sentence_gone(Kind::Console, |page: &str| page.replace("All Defender for IoT user roles can work with the API.", ""), &["gone set_password.roles All Defender", "gone validation.roles All Defender"])]
#[case::sentence_longer(Kind::Console, |page: &str| page.replace("admin user roles can work with the API.", "admin user roles can work with the API, and no others."), &["reworded set_password_by_admin.roles -> \"Defender for IoT admin user roles can work with the API, and no others.\""])]
#[case::token(Kind::Sensor, |page: &str| page.replacen("You don't need", "You need", 1), &["reworded set_password.token -> \"You need a"])]
#[case::row_new(Kind::Sensor, |page: &str| after_line(page, "new_password** | String", "| **otp** | String | Optional |"), &["new set_password: \"otp | String | Optional\"", "new set_password_by_admin: \"otp | String | Optional\""])]
#[case::row_optional(Kind::Sensor, |page: &str| page.replacen("**new_password** | String | Required", "**new_password** | String | Optional", 1), &["reworded set_password.new_password -> \"new_password | String | Optional\""])]
#[case::command_mended(Kind::Sensor, |page: &str| page.replace("\"admin_user\"", "\"admin_username\""), &["reworded set_password_by_admin.admin_username admin_username\" X04"])]
#[case::path(Kind::Sensor, |page: &str| page.replacen("`/external/authentication/set_password`", "`/api/external/authentication/set_password`", 1), &["reworded set_password.path -> \"URI: /api/external X01"])]
#[case::example_of_an_answer(Kind::Console, |page: &str| page.replace("'yoavfe'", "'test_user'"), &["reworded set_password_by_admin.user_unknown.internal"])]
#[case::section_new(Kind::Sensor, |page: &str| format!("{page}\n## unlock (Unlock a user)\n\nUse this API to unlock.\n"), &["new any: \"unlock (Unlock a user)\"", "new any: \"Use this API to unlock.\""])]
#[case::query(Kind::Console, |page: &str| page.replace("**URI**: `/external/authentication/validation`", "**URI**: `/external/authentication/validation`\n\n#### Query parameters"), &["new validation: \"Query parameters\"; sensor:187 says it too: validation.on_url_credentials"])]
#[case::html_table(Kind::Sensor, |page: &str| format!("{page}\n<table><tr><td>429</td></tr></table>\n"), &["new any: 429"])]
fn each_change_of_what_is_said_is_one_line(
    #[case] kind: Kind,
    #[case] edit: Edit,
    #[case] expected: &[&str],
) {
    for page in pages(kind) {
        let edited = edit(&page);
        assert_ne!(page, edited);
        let (code, said, _) = documents(kind, &edited, &[]);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!((code, lines.len()), (1, expected.len() + 1), "{said}");
        for expected in expected {
            // All pieces of it stand in one line, in this order.
            let shows = |line: &&str| {
                let mut rest = *line;
                expected
                    .split(' ')
                    .all(|piece| match rest.split_once(piece) {
                        Some((_, after)) => {
                            rest = after;
                            true
                        }
                        None => false,
                    })
            };
            assert!(lines.iter().any(shows), "{expected}\nis not in\n{said}");
        }
    }
}

/// Rendering is not content: one line, and exit code 0.
#[rstest]
#[case::as_it_is(str::to_owned)]
#[case::ends_of_lines(|page: &str| page.replace('\n', "\r\n"))]
#[case::a_mark(|page: &str| format!("\u{feff}{page}"))]
#[case::blank_lines_at_the_end(|page: &str| format!("{page}\n\n\n"))]
#[case::front_matter(|page: &str| format!("---\ntitle: x\nlocale: en-us\n---\n\n{}", page.split_once("\n---\n").map_or(page, |(_, page)| page)))]
#[case::rules_of_tables(|page: &str| page.replace("|--|--|--|", "| --- | :---: | --- |"))]
#[case::blanks_in_tables(|page: &str| page.replace(" | ", "   |  "))]
#[case::escapes(|page: &str| page.replace("**new_password**", "**new\\_password**").replace("## set_password", "## set\\_password"))]
#[case::tabs(|page: &str| page.replace("    \"", "\t\""))]
#[case::title(|page: &str| page.replacen("\n# ", "\n# Microsoft Learn: ", 1))]
#[case::dashes(|page: &str| page.replace('–', "-"))]
#[case::apostrophes(|page: &str| page.replace("You don't", "You don’t"))]
#[case::comment(|page: &str| page.replacen("\n## ", "\n<!-- to be moved\n## elsewhere\n\n- a: b\n-->\n\n## ", 1))]
#[case::no_comment(without_comment)]
#[case::footer(|page: &str| page.split("## Next steps").next().unwrap().to_owned())]
#[case::post_is_understood(|page: &str| page.replace("curl -k -X POST ", "curl -k "))]
#[case::labels(|page: &str| page.replace("#### Request parameters", "**Device fields**:"))]
#[case::sections_in_another_order(|page: &str| { let page = without_comment(page); let mut parts: Vec<&str> = page.split("\n## ").collect(); parts.swap(1, 3); parts.join("\n## ") })]
fn rendering_is_not_a_difference(
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
    #[case] edit: Edit,
) {
    for page in pages(kind) {
        let (code, said, _) = documents(kind, &edit(&page), &[]);
        assert_eq!((code, said.lines().count()), (0, 1), "{said}");
        assert!(
            said.starts_with(&format!("{kind}: nothing said differs, ")),
            "{said}"
        );
    }
}

/// Whatever is recorded cannot change or go unseen.
#[rstest]
fn no_statement_changes_or_goes_unseen(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    let recorded = page::recorded(contract::of(kind));
    for (index, statement) in recorded.iter().enumerate() {
        let mut edited = recorded.clone();
        edited[index].text.push_str(" indeed");
        let changes = page::compare::changes(kind, &recorded, &page::read(&render(&edited)));
        assert_eq!(changes.len(), 1, "{statement:?}: {changes:#?}");
        edited.remove(index);
        let changes = page::compare::changes(kind, &recorded, &page::read(&render(&edited)));
        let expected = usize::from(statement.operation.is_some());
        assert_eq!(changes.len(), expected, "{statement:?}: {changes:#?}");
    }
}

#[rstest]
#[case::empty(
    "",
    "it is empty\n  hint: name a copy of the page in English, in Markdown\n"
)]
#[case::blank(
    "\u{feff} \n\n",
    "it is empty\n  hint: name a copy of the page in English, in Markdown\n"
)]
#[case::html(
    "<!DOCTYPE html>\n<html><body>set_password</body></html>",
    "it looks like HTML\n  hint: "
)]
#[case::another_page(
    "# Alerts\n\nA sentence.\n",
    "0 of its 59 statements are in it, expected at least half\n  hint: "
)]
#[case::many_statements(&"- a\n".repeat(401), "it has 401 statements, expected at most 400\n  hint: ")]
fn another_page_is_refused_in_a_sentence(#[case] page: &str, #[case] expected: &str) {
    let (code, said, why) = documents(Kind::Sensor, page, &[]);
    let start = "error: --sensor: this is not the sensor's page: ";
    assert_eq!((code, said.as_str()), (2, ""), "{why}");
    assert!(why.starts_with(&format!("{start}{expected}")), "{why}");
}

#[test]
fn a_page_in_german_is_refused() {
    for page in pages(Kind::Sensor) {
        let german = [
            ("Use this API to", "Verwenden Sie diese API, um"),
            ("You don't need", "Sie brauchen kein"),
            ("| String | Required", "| Zeichenfolge | Erforderlich"),
            ("**Type**", "**Typ**"),
            ("Message string with the", "Meldung mit"),
            ("Password", "Kennwort"),
            ("User ", "Benutzer "),
            ("Credentials", "Anmeldedaten"),
        ];
        let german = german
            .iter()
            .fold(page, |page, (from, to)| page.replace(from, to));
        let (code, _, why) = documents(Kind::Sensor, &german, &[]);
        assert_eq!(code, 2, "{why}");
        assert!(why.contains("name a copy of the page in English"), "{why}");
    }
}

#[rstest]
fn the_other_kind_s_page_is_named(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    let other = if kind == Kind::Sensor {
        Kind::Console
    } else {
        Kind::Sensor
    };
    for page in pages(other) {
        let (code, _, why) = documents(kind, &page, &[]);
        let expected = format!(
            "error: --{kind}: this is not the {kind}'s page: it looks like the {other}'s, for --{other}\n  hint: name a copy of the page in English, in Markdown\n"
        );
        assert_eq!((code, why), (2, expected));
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("bytes.md"), b"abc\xff").unwrap();
    fs::write(at("huge.md"), vec![b'a'; 200_000]).unwrap();
    for (path, expected) in [
        (at("missing.md"), "missing.md: "),
        (folder.path().to_owned(), folder.path().to_str().unwrap()),
        (at("bytes.md"), "it is not UTF-8 after 3 bytes\n"),
        (
            at("huge.md"),
            "it is larger than 32768 bytes, and the sensor's page is not\n",
        ),
        (PathBuf::from("/dev/zero"), "it is larger than 32768 bytes"),
    ] {
        let (code, _, why) = run(&["--sensor".as_ref(), &path], "");
        assert_eq!(code, 2, "{why}");
        assert!(
            why.starts_with("error: cannot read ") && why.contains(expected),
            "{why}"
        );
    }
    let (code, _, why) = run(&["--sensor", "-", "--console", "-"].map(Path::new), "");
    assert!(
        code == 2 && why.contains("standard input is one page"),
        "{why}"
    );
    let (code, _, why) = run(&[], "");
    assert!(code == 2 && why.contains("--sensor <FILE>"), "{why}");
}

#[test]
fn reports_are_text_json_and_markdown() {
    let page = render(&page::recorded(contract::of(Kind::Console)));
    let page = page.replace(
        "Credentials Validation Failed",
        "Not\u{1b}[31m `so` | \u{202e}",
    );
    let (code, said, _) = documents(Kind::Console, &page, &["--report", "json"]);
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &report[0]["kind"]), (1, &"console".into()));
    assert_eq!(report[0]["changes"][0]["was_line"], 229);
    let (code, said, _) = documents(Kind::Console, &page, &["--report", "markdown"]);
    assert!(code == 1 && said.starts_with("```text\n"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    let (code, _, why) = documents(Kind::Console, &page, &["--report", "junit"]);
    assert!(
        code == 2 && why.contains("expected text, json or markdown"),
        "{why}"
    );
}

/// The edition that the contract quotes, and those that followed it.
#[test]
fn known_editions_differ_in_what_they_say() {
    let Some(folder) = shared() else { return };
    let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    for kind in Kind::ALL {
        let (code, said, _) = documents(*kind, &page(&format!("{kind}.md")), &[]);
        assert!(
            code == 0 && said.ends_with("statements hold (the recorded edition)\n"),
            "{said}"
        );
    }
    let (code, said, _) = documents(Kind::Sensor, &page("editions/sensor-learn.md"), &[]);
    assert_eq!((code, said.lines().count()), (0, 1), "{said}");
    let (code, said, _) = documents(Kind::Console, &page("editions/console-later.md"), &[]);
    let starts = [
        "reworded  console:122 -> 109 quote C122, ",
        "reworded  console:229 -> 225 validation.credentials_rejected.body: ",
        "reworded  console:257 -> 246 quote C257, ",
        "reworded  console:263 -> 252 quote C263, ",
        "gone      console:53 set_password.authentication_failed.envelope, ",
        "gone      console:197 validation.roles: ",
        "new       console:196 validation: \"Query parameters\"; sensor:187 says it too",
        "console: 2 gone, 1 new, 4 reworded, 55 of 61 statements hold (another edition, ",
    ];
    assert_eq!((code, said.lines().count()), (1, starts.len()), "{said}");
    for (line, start) in said.lines().zip(starts) {
        assert!(line.starts_with(start), "{start}\n{line}");
    }
}

/// Faults of the pages, each once, in words for whoever keeps them.
#[test]
fn faults_of_the_pages_are_listed_with_v() {
    let Some(folder) = shared() else { return };
    for (kind, known) in [
        (Kind::Sensor, SENSOR_FAULTS),
        (Kind::Console, CONSOLE_FAULTS),
    ] {
        let page = fs::read_to_string(folder.join(format!("{kind}.md"))).unwrap();
        let (code, said, _) = documents(kind, &page, &["-v"]);
        let lines = said.lines().filter(|line| line.starts_with("lint "));
        let lines: Vec<&str> = lines.map(|line| line.split(':').nth(1).unwrap()).collect();
        let places: Vec<&str> = lines
            .iter()
            .map(|line| line.split(' ').next().unwrap())
            .collect();
        assert_eq!((code, places), (0, known.to_vec()), "{said}");
    }
}

/// `--write` renews the numbers, and no others: what says the same then stands where the contract says.
#[test]
fn numbers_are_renewed() {
    let Some(pages) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/contract");
    let names = ["any.yaml", "sensor.yaml", "console.yaml"];
    for name in names {
        fs::copy(source.join(name), folder.path().join(name)).unwrap();
    }
    let contract = folder.path().to_str().unwrap();
    let page = fs::read_to_string(pages.join("editions/sensor-learn.md")).unwrap();
    let (code, _, why) = documents(Kind::Sensor, &page, &["--write", contract]);
    assert_eq!(code, 0, "{why}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let renewed = Contract::read(&(read("any.yaml") + &read("sensor.yaml"))).unwrap();
    let recorded = page::recorded(&renewed);
    let lines: Vec<(u32, u32)> = recorded.iter().map(|it| (it.first, it.last)).collect();
    let said = page::read(&page);
    for (statement, lines) in recorded.iter().zip(lines) {
        if statement.operation.is_none() {
            continue;
        }
        let now = said
            .iter()
            .find(|it| it.key() == statement.key() && it.first == lines.0);
        assert!(now.is_some(), "{statement:?}");
    }
    assert!(
        read("sensor.yaml").contains("at: [30]")
            && read("console.yaml").contains("at: [sensor:214]")
    );
    // What is not the contract of this program is left alone.
    let (code, _, why) = documents(Kind::Sensor, &page, &["--write", contract]);
    assert!(
        code == 2 && why.contains(" is not what this program was built with"),
        "{why}"
    );
}

const SENSOR_FAULTS: &[&str] = &[
    "18,79,85",
    "33,34",
    "57,137",
    "96,161,167",
    "111",
    "113",
    "121,167",
    "136,147",
    "177,231,237",
    "187,231",
    "200",
    "212,220",
    "231",
    "231",
];
const CONSOLE_FAULTS: &[&str] = &[
    "12,15", "40,42", "59,145", "78", "122,172", "126,128", "143,158", "158,160", "168", "172,190",
    "216", "227,245", "231", "257", "257", "263",
];

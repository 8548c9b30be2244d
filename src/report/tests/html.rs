//! The page.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use quick_xml::{Reader, events::Event};
use sha2::{Digest, Sha256};

use crate::report::{
    Format, ReportStyle, Summary, conclusion, sample, sanitize, template,
    template::{STYLE, entities},
};

fn write(summary: &Summary) -> String {
    template::write(Format::Html, summary, ReportStyle::default())
}

#[test]
fn a_page_has_everything() {
    insta::assert_snapshot!("html_rich", write(&sample::rich()).replace(STYLE, "…"));
}

/// Read as XML: every element closed, and none that loads, runs or sends something.
#[test]
fn only_what_we_wrote_is_markup() {
    let page = write(&sample::rich());
    let (mut elements, mut attributes, mut shown) =
        (BTreeSet::new(), BTreeSet::new(), String::new());
    let mut reader = Reader::from_str(&page);
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error} at {}", reader.error_position()))
        {
            Event::Start(tag) | Event::Empty(tag) => {
                elements.insert(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                for attribute in tag.attributes() {
                    attributes.insert(
                        String::from_utf8(attribute.unwrap().key.as_ref().to_vec()).unwrap(),
                    );
                }
            }
            Event::Text(text) => shown.push_str(&String::from_utf8_lossy(&text)),
            Event::GeneralRef(name) => {
                shown.push_str(&format!("&{};", String::from_utf8_lossy(&name)))
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let known: BTreeSet<String> = ELEMENTS.split(' ').map(str::to_owned).collect();
    assert_eq!(elements.difference(&known).collect::<Vec<_>>(), [""; 0]);
    let known: BTreeSet<String> = ATTRIBUTES.split(' ').map(str::to_owned).collect();
    assert_eq!(attributes.difference(&known).collect::<Vec<_>>(), [""; 0]);
    let sanitized: Vec<String> = sanitize::lines(sample::HOSTILE).collect();
    assert!(
        shown.contains(entities(&sanitized.join("\n")).trim_end()),
        "what the target sent is told: {shown}"
    );
    assert_eq!(
        page.chars()
            .find(|character| sanitize::acts(*character) && *character != '\n'),
        None
    );
}

/// The policy allows the style by its hash: a change of one of them without the other would leave the page bare.
#[test]
fn the_policy_allows_the_style_and_nothing_else() {
    let page = write(&sample::plain());
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let policy = page
        .split_once("Security-Policy\" content=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    let expected = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        STANDARD.encode(Sha256::digest(style))
    );
    assert_eq!(policy, expected);
    assert!(
        !page.contains("style=") && !page.contains("http://") && !page.contains("url("),
        "nothing is loaded"
    );
}

#[test]
fn every_choice_chooses() {
    let page = write(&sample::plain());
    let inputs = page
        .lines()
        .filter_map(|line| line.strip_prefix("<input class=\"choice\""));
    let choices: Vec<(&str, bool)> = inputs
        .filter_map(|input| {
            let (_, id) = input.split_once(" id=\"")?;
            Some((id.split_once('"')?.0, input.contains("checked")))
        })
        .collect();
    assert_eq!(choices.len(), 13);
    for (id, is_everything) in choices {
        assert!(
            STYLE.contains(&format!("#{id}:checked ~ .filter")),
            "{id} is not shown as chosen"
        );
        assert!(
            is_everything || STYLE.contains(&format!("#{id}:checked ~ .cases")),
            "{id} chooses nothing"
        );
    }
}

#[test]
fn a_link_leads_somewhere() {
    let page = write(&sample::rich());
    let ids: BTreeSet<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let links: BTreeSet<&str> = page
        .split("href=\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(links.len() > 10);
    assert_eq!(links.difference(&ids).copied().collect::<Vec<_>>(), [""; 0]);
}

#[test]
#[ignore = "needs chromium; .ci/run runs it where that is installed"]
#[expect(clippy::disallowed_methods, reason = "a browser reads a file")]
fn a_browser_runs_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, write(&sample::rich())).unwrap();
    let browser = std::process::Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!("--user-data-dir={}", folder.path().display()))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let (dom, log) = (
        String::from_utf8_lossy(&browser.stdout),
        String::from_utf8_lossy(&browser.stderr),
    );
    let title = dom
        .split_once("<title>")
        .unwrap_or_else(|| panic!("no page: {log}"))
        .1
        .split_once("</title>")
        .unwrap()
        .0;
    assert_eq!(
        title,
        format!(
            "d4iot-double: {}",
            conclusion::conclusion(&sample::rich()).1
        )
    );
    let body = dom.split_once("</style>").unwrap().1;
    assert!(
        !body.contains("<script") && !body.contains("<img"),
        "{body}"
    );
    let refused: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    assert_eq!(refused, [""; 0], "the browser complains");
}

const ELEMENTS: &str = "a b body br code dd del details div dl dt footer h1 h2 h3 head header html input ins label li main meta nav ol p pre rect \
                        section span style summary svg table tbody td th thead title tr ul";
const ATTRIBUTES: &str = "aria-hidden charset checked class content for height href http-equiv id lang name open preserveAspectRatio type viewBox \
                          width x y";

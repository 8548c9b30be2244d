//! Whether what a law says of its pages stands there: the readings' words, the quotes' lines.

use crate::contract::{
    Contract, Kind, Place, Quote,
    fact::{Ground, ReadingEntry},
    places::{Finding, Pages, words},
};

/// Returns what does not stand where it is said to.
pub(super) fn findings(contract: &Contract, pages: &Pages<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for fact in contract.facts() {
        for reading in &fact.readings {
            if let Ground::Documented { at, .. } = reading.ground {
                let subject = format!("{} ({})", fact.name, reading.name);
                match lines(&subject, at, contract.kind, pages) {
                    Ok(lines) => findings.extend(or_moved(
                        parted(&subject, reading, &lines, pages),
                        &subject,
                        &lines,
                    )),
                    Err(finding) => findings.push(finding),
                }
            }
        }
    }
    for (name, quote) in &contract.quotes {
        let subject = format!("quote {name}");
        match lines(&subject, &quote.at, contract.kind, pages) {
            Ok(lines) => findings.extend(or_moved(
                misquoted(&subject, quote, &lines).into_iter().collect(),
                &subject,
                &lines,
            )),
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

/// A line that a place names.
struct Line<'a> {
    document: Kind,
    /// Where it stands today.
    number: u32,
    /// Where the edition transcribed has it.
    was: u32,
    text: &'a str,
}

/// Returns the lines that some places name, or the first that the page does not have.
fn lines<'a>(
    subject: &str,
    places: &[Place],
    own: Kind,
    pages: &'a Pages<'_>,
) -> Result<Vec<Line<'a>>, Finding> {
    let mut lines = Vec::new();
    for place in places {
        let document = place.document.unwrap_or(own);
        let page = pages.of(document);
        for number in place.first..=place.last {
            let now = page.now(number).line();
            let Some((today, text)) = now.and_then(|today| Some((today, page.line(today)?))) else {
                let (expected, found) = ("such a line".into(), "a page without it".into());
                return Err(Finding {
                    document,
                    line: number,
                    subject: subject.into(),
                    expected,
                    found,
                    moved: false,
                });
            };
            lines.push(Line {
                document,
                number: today,
                was: number,
                text,
            });
        }
    }
    Ok(lines)
}

/// Returns the findings, or where there are none, the one that all of it holds on other lines.
fn or_moved(findings: Vec<Finding>, subject: &str, lines: &[Line<'_>]) -> Vec<Finding> {
    let moved: Vec<&Line<'_>> = lines
        .iter()
        .filter(|line| line.was != line.number)
        .collect();
    let Some(first) = moved.first().filter(|_| findings.is_empty()) else {
        return findings;
    };
    let list = |number: fn(&Line<'_>) -> u32| {
        format!(
            "it on {}",
            moved
                .iter()
                .map(|line| number(line).to_string())
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let (expected, found) = (list(|line| line.was), list(|line| line.number));
    vec![Finding {
        document: first.document,
        line: first.number,
        subject: subject.into(),
        expected,
        found,
        moved: true,
    }]
}

/// Words that a reading says stand on its lines: the value's own, or others beside it.
struct Wanted<'a> {
    words: &'a str,
    own: bool,
}

impl Wanted<'_> {
    fn stand_in(&self, line: &str) -> bool {
        if self.own {
            words::fill(self.words, line)
        } else {
            words::stand(self.words, line)
        }
    }
}

/// Returns the lines that show none of a reading's words, and the words that none of its lines shows.
fn parted(
    subject: &str,
    reading: &ReadingEntry<'_>,
    lines: &[Line<'_>],
    pages: &Pages<'_>,
) -> Vec<Finding> {
    let own = reading
        .quotes
        .iter()
        .map(|words| Wanted { words, own: true });
    let wanted: Vec<Wanted<'_>> = own
        .chain(
            reading
                .words
                .iter()
                .map(|words| Wanted { words, own: false }),
        )
        .collect();
    // Where the value itself is on the page, other words beside it do not stand in for it.
    let (deciding, beside) = wanted.split_at(if reading.quotes.is_empty() {
        wanted.len()
    } else {
        reading.quotes.len()
    });
    let finding = |line: &Line<'_>, expected: String, wanted: &[Wanted<'_>]| Finding {
        document: line.document,
        line: line.number,
        subject: subject.into(),
        expected,
        found: words::shown(line.text) + &elsewhere(wanted, line, lines, pages),
        moved: false,
    };
    let expected = if wanted.is_empty() {
        "words to look for in the law".into()
    } else {
        choice(deciding)
    };
    let bare = lines
        .iter()
        .filter(|line| !deciding.iter().any(|wanted| wanted.stand_in(line.text)));
    let mut findings: Vec<Finding> = bare
        .map(|line| finding(line, expected.clone(), deciding))
        .collect();
    // A bare line's finding speaks of the deciding words already.
    let rest = if findings.is_empty() {
        &wanted[..]
    } else {
        beside
    };
    let missing = rest
        .iter()
        .filter(|wanted| !lines.iter().any(|line| wanted.stand_in(line.text)));
    let numbers = lines
        .iter()
        .map(|line| line.number.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    findings.extend(missing.filter_map(|wanted| {
        let alone = choice(std::slice::from_ref(wanted));
        let expected = if lines.len() == 1 {
            alone
        } else {
            format!("{alone} on one of the lines {numbers}")
        };
        Some(finding(
            lines.first()?,
            expected,
            std::slice::from_ref(wanted),
        ))
    }));
    findings
}

/// Says where else a page shows the words that a line lacks: most changes of a page only move them.
fn elsewhere(
    wanted: &[Wanted<'_>],
    line: &Line<'_>,
    lines: &[Line<'_>],
    pages: &Pages<'_>,
) -> String {
    let others = pages.of(line.document).numbered().filter(|(number, text)| {
        !lines.iter().any(|line| line.number == *number)
            && wanted.iter().any(|wanted| wanted.stand_in(text))
    });
    let others: Vec<String> = others
        .take(MENTIONED)
        .map(|(number, _)| number.to_string())
        .collect();
    if others.is_empty() {
        String::new()
    } else {
        format!(" (but see {}:{})", line.document, others.join(", "))
    }
}

fn choice(wanted: &[Wanted<'_>]) -> String {
    wanted
        .iter()
        .map(|wanted| format!("`{}`", wanted.words))
        .collect::<Vec<_>>()
        .join(" or ")
}

/// Returns the first line of a quote that is not as printed, or that there are more or fewer.
fn misquoted(subject: &str, quote: &Quote, lines: &[Line<'_>]) -> Option<Finding> {
    let first = lines.first()?;
    let printed: Vec<&str> = quote.text.split('\n').collect();
    let finding = |line: &Line<'_>, expected, found| Finding {
        document: line.document,
        line: line.number,
        subject: subject.into(),
        expected,
        found,
        moved: false,
    };
    if printed.len() != lines.len() {
        return Some(finding(
            first,
            format!("{} lines", printed.len()),
            format!("places that name {}", lines.len()),
        ));
    }
    let (expected, line) = printed
        .iter()
        .zip(lines)
        .find(|(expected, line)| **expected != line.text)?;
    // Shown from where they part, since commands are long.
    let shared = expected
        .char_indices()
        .zip(line.text.chars())
        .find(|((_, left), right)| left != right);
    let part = shared.map_or(expected.len().min(line.text.len()), |((at, _), _)| at);
    let from = expected[..part]
        .char_indices()
        .rev()
        .nth(LED_IN)
        .map_or(0, |(at, _)| at);
    Some(finding(
        line,
        words::shown(&expected[from..]),
        words::shown(&line.text[from..]),
    ))
}

/// How many other lines a finding mentions.
const MENTIONED: usize = 3;

/// How many equal characters a finding shows before two lines part.
const LED_IN: usize = 20;

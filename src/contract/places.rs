//! Compares a contract with copies of the pages it was read from: every quotation stands on the lines it cites, and every
//! line is cited or listed as ignored.
//!
//! The pages are not ours and not in the project: a caller with copies brings them as text.

mod lint;
mod page;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use lint::lint;
pub use page::SourcePage;

use crate::contract::{Contract, Ground, Kind, Place, Quote, ReadingEntry};

/// Copies of both pages; a contract may cite the other kind's.
#[derive(Debug)]
pub struct Pages<'a> {
    /// The management console's.
    pub console: SourcePage<'a>,
    /// The sensor's.
    pub sensor: SourcePage<'a>,
}

/// A difference between a contract and a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The page.
    pub document: Kind,
    /// The line, counted from 1.
    pub line: u32,
    /// What the contract says of that line: `validation.path (heading)`, `quote S85`, `excuse`, or `line` where it says nothing.
    pub subject: String,
    /// What should stand there, as a fragment that follows "expected".
    pub expected: String,
    /// What does, as a fragment that follows "found"; the line is shortened.
    pub found: String,
    /// Whether the words are the same and only the number of the line differs.
    pub moved: bool,
}

/// Returns every difference between a contract and its page, by page and line, moved lines at the end.
///
/// Words are compared as written and whole: `admin_user` does not stand in `admin_username`, nor a sentence in a longer one.
/// Each line of the page must be cited by a fact or a quote, or be ignored, and not both. Blank lines, fences and front matter
/// need neither. In a later edition lines are looked for where they went.
pub fn hold(contract: &Contract, pages: &Pages<'_>) -> Vec<Finding> {
    let mut comparison = PageComparison {
        kind: contract.kind,
        pages,
        cited: BTreeMap::new(),
        findings: Vec::new(),
    };
    for fact in contract.facts() {
        for reading in &fact.readings {
            if let Ground::Documented { at, .. } = reading.ground {
                let subject = format!("{} ({})", fact.name, reading.name);
                comparison.cite(subject, at, |lines| missing_words(reading, lines));
            }
        }
    }
    for (name, quote) in &contract.quotes {
        let differing = |lines: &[CitedLine<'_>]| differing_line(quote, lines);
        comparison.cite(format!("quote {name}"), &quote.at, differing);
    }
    comparison.account(contract);
    let mut findings = comparison.findings;
    findings.sort_by_key(|finding| (finding.moved, finding.document, finding.line));
    findings
}

/// The findings so far.
struct PageComparison<'a> {
    kind: Kind,
    pages: &'a Pages<'a>,
    /// The lines of the contract's own page that are cited, each with the first subject that cites it.
    cited: BTreeMap<u32, String>,
    findings: Vec<Finding>,
}

/// A cited line.
struct CitedLine<'a> {
    document: Kind,
    /// Its number today.
    number: u32,
    /// Its number in the edition that was transcribed.
    was: u32,
    text: &'a str,
}

impl PageComparison<'_> {
    /// Compares the lines that a subject cites: `faults` returns lines with what was expected.
    fn cite(
        &mut self,
        subject: String,
        at: &[Place],
        faults: impl Fn(&[CitedLine<'_>]) -> Vec<(usize, String, String)>,
    ) {
        let mut lines = Vec::new();
        let mut missing = None;
        for place in at {
            let document = place.document.unwrap_or(self.kind);
            let page = self.pages.of(document);
            for was in place.first..=place.last {
                let Some((number, text)) = page
                    .now(was)
                    .and_then(|number| Some((number, page.line(number)?)))
                else {
                    missing = missing.or(Some((document, was)));
                    continue;
                };
                if document == self.kind {
                    self.cited.entry(number).or_insert_with(|| subject.clone());
                }
                lines.push(CitedLine {
                    document,
                    number,
                    was,
                    text,
                });
            }
        }
        if let Some((document, line)) = missing {
            let (expected, found) = ("such a line", "a page without it");
            return self.report(document, line, &subject, expected, found);
        }
        let faults = faults(&lines);
        for (index, expected, found) in &faults {
            let line = &lines[*index];
            self.report(line.document, line.number, &subject, expected, found);
        }
        let moved = || lines.iter().filter(|line| line.was != line.number);
        if let (true, Some(first)) = (faults.is_empty(), moved().next()) {
            let numbers = |number: fn(&CitedLine<'_>) -> u32| {
                let numbers: Vec<String> = moved().map(|line| number(line).to_string()).collect();
                format!("it on {}", numbers.join(", "))
            };
            let (was, is) = (numbers(|line| line.was), numbers(|line| line.number));
            self.report(first.document, first.number, &subject, &was, &is);
            self.findings.last_mut().expect("one was added").moved = true;
        }
    }

    /// Checks that every line of the contract's own page is cited or ignored, and not both.
    fn account(&mut self, contract: &Contract) {
        let page = self.pages.of(self.kind);
        let shown = |line: u32| words::shown(page.line(line).unwrap_or_default());
        let mut ignored = BTreeSet::new();
        for excuse in &contract.ignored {
            let subject = format!("excuse ({})", excuse.kind);
            for was in excuse
                .lines
                .iter()
                .flat_map(|place| place.first..=place.last)
            {
                let Some(line) = page.now(was) else {
                    let (expected, found) = ("such a line", "a page without it");
                    self.report(self.kind, was, &subject, expected, found);
                    continue;
                };
                let text = page.line(line).unwrap_or_default();
                let is_cited = self.cited.contains_key(&line);
                if !is_cited && !words::is_kind(excuse.kind, text) {
                    let expected = format!("a line of the kind {}", excuse.kind);
                    self.report(self.kind, line, &subject, &expected, &shown(line));
                }
                if let Some(citing) = self.cited.get(&line) {
                    let found = format!("that of {citing}");
                    self.report(self.kind, line, &subject, "no claim", &found);
                }
                ignored.insert(line);
            }
        }
        let reported: BTreeSet<u32> = self
            .findings
            .iter()
            .filter(|finding| finding.document == self.kind && !finding.moved)
            .map(|finding| finding.line)
            .collect();
        for line in (1..=page.len()).filter(|line| !page.is_free(*line)) {
            if !self.cited.contains_key(&line) && !ignored.contains(&line) {
                let expected = "a fact, a quote or an excuse";
                self.report(self.kind, line, "line", expected, &shown(line));
            } else if page.is_changed(line) && !reported.contains(&line) {
                self.report(
                    self.kind,
                    line,
                    "line",
                    "the words transcribed",
                    &shown(line),
                );
            }
        }
    }

    fn report(&mut self, document: Kind, line: u32, subject: &str, expected: &str, found: &str) {
        self.findings.push(Finding {
            document,
            line,
            subject: subject.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
            moved: false,
        });
    }
}

/// Returns the lines that show none of a reading's words, else the words that none of its lines shows.
///
/// Where the value itself is on the page, each line must show it; other words only have to be on one of the lines.
fn missing_words(
    reading: &ReadingEntry<'_>,
    lines: &[CitedLine<'_>],
) -> Vec<(usize, String, String)> {
    let is_shown = |line: &CitedLine<'_>, words: &String| {
        if reading.quotes.contains(words) {
            words::fill(words, line.text)
        } else {
            words::stand(words, line.text)
        }
    };
    let deciding = if reading.quotes.is_empty() {
        reading.words
    } else {
        &reading.quotes
    };
    let quoted: Vec<String> = deciding.iter().map(|words| format!("`{words}`")).collect();
    let bare = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| !deciding.iter().any(|words| is_shown(line, words)));
    let mut faults: Vec<(usize, String, String)> = bare
        .map(|(index, line)| (index, quoted.join(" or "), words::shown(line.text)))
        .collect();
    // A line without the deciding words is reported already.
    let is_reported = !faults.is_empty();
    let rest = deciding.iter().filter(|_| !is_reported);
    let beside = reading
        .words
        .iter()
        .filter(|words| !deciding.contains(words));
    for words in rest.chain(beside) {
        if !lines.iter().any(|line| is_shown(line, words)) {
            faults.push((0, format!("`{words}`"), words::shown(lines[0].text)));
        }
    }
    faults
}

/// Returns the first line of a quote that is not as printed.
fn differing_line(quote: &Quote, lines: &[CitedLine<'_>]) -> Vec<(usize, String, String)> {
    let printed: Vec<&str> = quote.text.split('\n').collect();
    if printed.len() != lines.len() {
        let expected = format!("{} lines", printed.len());
        return vec![(0, expected, format!("places that name {}", lines.len()))];
    }
    let mut pairs = printed.iter().zip(lines).enumerate();
    let Some((index, (expected, line))) = pairs.find(|(_, (text, line))| **text != line.text)
    else {
        return Vec::new();
    };
    // Commands are long: they are shown from shortly before the first difference.
    let shared = expected.chars().zip(line.text.chars());
    let shared = shared.take_while(|(left, right)| left == right).count();
    let shown = |text: &str| {
        let rest: String = text.chars().skip(shared.saturating_sub(LED_IN)).collect();
        words::shown(&rest)
    };
    vec![(index, shown(expected), shown(line.text))]
}

impl<'a> Pages<'a> {
    /// Takes the whole texts of both pages, each to be read as a later edition of the one transcribed.
    pub fn following(sensor: &'a str, console: &'a str) -> Pages<'a> {
        let page = |kind, text| SourcePage::following(text, &crate::contract::of(kind).document);
        Pages {
            console: page(Kind::Console, console),
            sensor: page(Kind::Sensor, sensor),
        }
    }

    /// Returns the page of a kind.
    pub fn of(&self, kind: Kind) -> &SourcePage<'a> {
        match kind {
            Kind::Console => &self.console,
            Kind::Sensor => &self.sensor,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moved = if self.moved { "moved " } else { "" };
        write!(
            out,
            "{moved}{}:{} {}: expected {}, found {}",
            self.document, self.line, self.subject, self.expected, self.found
        )
    }
}

/// How many equal characters a finding shows before the first difference.
const LED_IN: usize = 20;

#[cfg(test)]
mod tests;

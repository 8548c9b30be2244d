//! What a page says that another edition did not, and the other way round.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::contract::{
    self, Contract, Form, Ground, Kind, ReadingEntry, closed_set,
    page::{Statement, plain},
};

/// One thing that is said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// How it differs.
    pub change: ChangeKind,
    /// The operation, `any` outside all of them.
    pub operation: &'static str,
    /// The facts and quotes that rest on the old words.
    pub facts: Vec<String>,
    /// The line in the edition that was transcribed.
    pub was_line: Option<u32>,
    /// The line now.
    pub line: Option<u32>,
    /// The old words.
    pub was: Option<String>,
    /// The new words.
    pub is: Option<String>,
    /// What else is known of it, as a fragment.
    pub note: Option<String>,
    /// The old and the new words in short, from shortly before the place where they begin to differ.
    pub shown: Vec<String>,
}

closed_set! {
    /// How a statement differs from the recorded one.
    ChangeKind, "change" {
        /// It is said in other words.
        Reworded = "reworded",
        /// It is not said any more.
        Gone = "gone",
        /// Nothing like it was said.
        New = "new",
    }
}

/// A page beside the recorded edition.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The indexes of a recorded statement and of the one on the page that says it, in these words or, the later ones, in others.
    pub pairs: Vec<(usize, usize)>,
    /// How many of the pairs are in the same words.
    pub kept: usize,
    /// The indexes of recorded statements that are not on the page.
    pub gone: Vec<usize>,
    /// The indexes of statements that are new on the page.
    pub new: Vec<usize>,
}

/// Compares what is recorded with what a page says. A match stays in its operation, and equal statements keep their order.
pub fn compare(recorded: &[Statement], page: &[Statement]) -> Comparison {
    let keys: Vec<_> = page.iter().map(Statement::key).collect();
    let known: BTreeSet<_> = recorded.iter().map(Statement::key).collect();
    let mut found = Comparison::default();
    let mut used = BTreeSet::new();
    for (old, statement) in recorded.iter().enumerate() {
        let key = statement.key();
        let equal = || (0..page.len()).filter(|at| keys[*at] == key);
        // What the page says once now, and said twice, is kept.
        match equal()
            .find(|at| !used.contains(at))
            .or(equal().next_back())
        {
            Some(at) => {
                used.insert(at);
                found.pairs.push((old, at));
            }
            None => found.gone.push(old),
        }
    }
    found.kept = found.pairs.len();
    let is_new = |at: &usize| !known.contains(&keys[*at]) && !page[*at].is_frame();
    found.new = (0..page.len()).filter(is_new).collect();
    for old in found.gone.clone() {
        let was = &recorded[old];
        let group = |it: &Statement| (it.operation, it.form) == (was.operation, was.form);
        // No pair crosses another of its operation and form.
        let mut before = found.pairs[found.kept..]
            .iter()
            .filter(|pair| group(&recorded[pair.0]));
        let after = before.next_back().map_or(0, |pair| pair.1 + 1);
        let likely = found
            .new
            .iter()
            .copied()
            .filter(|at| *at >= after && group(&page[*at]));
        let likely = likely.map(|at| (likeness(was, &page[at]), at));
        let likely = likely.filter(|(likeness, _)| *likeness >= SIMILAR);
        // Of two that are as similar, the first.
        let best = likely.reduce(|best, other| if other.0 > best.0 { other } else { best });
        if let Some((_, at)) = best {
            found.pairs.push((old, at));
            found.gone.retain(|index| *index != old);
            found.new.retain(|index| *index != at);
        }
    }
    found
}

/// Returns how much two statements of one form have in common. An operation has one example of each sort and two commands: the next
/// one takes its place, however it differs.
fn likeness(was: &Statement, is: &Statement) -> f32 {
    match was.form {
        Form::Command if was.text.contains('<') != is.text.contains('<') => SIMILAR,
        Form::Command | Form::Request | Form::Response => 1.0,
        _ => similarity(&was.text, &is.text),
    }
}

/// Returns how many words two texts have in common, from 0 to 1. Capitals make no difference.
pub(super) fn similarity(one: &str, other: &str) -> f32 {
    let start = |text: &str| {
        text.chars()
            .take(MAX_COMPARED)
            .collect::<String>()
            .to_lowercase()
    };
    let (one, other) = (start(one), start(other));
    similar::TextDiff::from_words(one.as_str(), other.as_str()).ratio()
}

/// Returns what differs on the page of a kind: what is reworded, gone and new, each by line.
pub fn changes(kind: Kind, recorded: &[Statement], page: &[Statement]) -> Vec<Change> {
    let found = compare(recorded, page);
    let reworded = found.pairs[found.kept..].iter();
    let reworded = reworded.map(|(old, at)| (Some(&recorded[*old]), Some(&page[*at])));
    let gone = found.gone.iter().map(|old| (Some(&recorded[*old]), None));
    let new = found.new.iter().map(|at| (None, Some(&page[*at])));
    // What stood outside all operations stated no rule.
    let states = |it: &&Statement| it.operation.is_some();
    let gone = gone.filter(|(was, _)| was.iter().any(states));
    let changes = reworded.chain(gone).chain(new);
    let mut changes: Vec<Change> = changes.map(|(was, is)| change(kind, was, is)).collect();
    changes.sort_by_key(|change| (change.change, change.line.or(change.was_line)));
    changes
}

fn change(kind: Kind, was: Option<&Statement>, is: Option<&Statement>) -> Change {
    let (change, note) = match (was, is) {
        (Some(was), Some(_)) => (ChangeKind::Reworded, points(kind, was, is)),
        (Some(was), None) => (ChangeKind::Gone, points(kind, was, is)),
        (None, _) => (ChangeKind::New, is.and_then(|is| said_elsewhere(kind, is))),
    };
    let operation = was.or(is).and_then(|statement| statement.operation);
    Change {
        change,
        operation: operation.map_or(contract::ANY, |operation| operation.name()),
        facts: was.map(|was| subjects(kind, was, is)).unwrap_or_default(),
        was_line: was.map(|was| was.first),
        line: is.map(|is| is.first),
        was: was.map(Statement::line),
        is: is.map(Statement::line),
        note,
        shown: excerpts(
            &[was, is]
                .into_iter()
                .flatten()
                .map(Statement::line)
                .collect::<Vec<_>>(),
        ),
    }
}

fn excerpts(texts: &[String]) -> Vec<String> {
    let same = |other: &String| {
        texts[0]
            .chars()
            .zip(other.chars())
            .take_while(|it| it.0 == it.1)
            .count()
    };
    let same = texts.get(1).map_or(0, same);
    let excerpts = texts.iter().map(|text| {
        let is_short = text.chars().count() <= MAX_SHOWN;
        let start = if is_short {
            0
        } else {
            same.saturating_sub(LED_IN)
        };
        let shown: String = text.chars().skip(start).take(MAX_SHOWN).collect();
        let (before, after) = (
            if start > 0 { "…" } else { "" },
            if text.ends_with(&shown) { "" } else { "…" },
        );
        format!("{before}{shown}{after}")
    });
    excerpts.collect()
}

/// Returns the quotes and facts of both contracts that rest on a recorded statement of a page. Of one that is said otherwise now:
/// those whose words are not shown any more, or all of them where none of their words is lost.
pub fn subjects(page: Kind, was: &Statement, is: Option<&Statement>) -> Vec<String> {
    let contracts = Kind::ALL.iter().map(|kind| contract::of(*kind));
    let facts = contracts.flat_map(|contract| cited(contract, page, was, is));
    let facts: BTreeSet<String> = facts.map(|(fact, _)| fact).collect();
    let quotes = contract::of(page).quotes.iter();
    let quotes =
        quotes.filter(|(_, it)| Some(it.operation) == was.operation && it.text == was.text);
    quotes
        .map(|(name, _)| format!("quote {name}"))
        .chain(facts)
        .collect()
}

/// Returns the names of the facts of a contract that rest on a recorded statement, each with the name of its reading.
fn cited<'a>(
    contract: &'a Contract,
    page: Kind,
    was: &Statement,
    is: Option<&Statement>,
) -> Vec<(String, &'a str)> {
    let mut found = Vec::new();
    for fact in contract.facts() {
        for reading in &fact.readings {
            // A line may have several sentences: a reading rests on the one that shows its words.
            let words = || {
                reading
                    .quotes
                    .iter()
                    .chain(reading.words)
                    .filter(|it| shows(was, it))
            };
            let Ground::Documented { at, .. } = reading.ground else {
                continue;
            };
            let mut pages = at.iter().filter(|place| was.stands_on(place));
            let is_here = pages.any(|place| place.document.unwrap_or(contract.kind) == page);
            if is_here && words().next().is_some() {
                let is_lost = is.is_none_or(|is| words().any(|words| !shows(is, words)));
                found.push((is_lost, fact.name.clone(), reading.name));
            }
        }
    }
    let has_lost = found.iter().any(|(is_lost, ..)| *is_lost);
    let affected = found
        .into_iter()
        .filter(|(is_lost, ..)| *is_lost == has_lost);
    affected.map(|(_, fact, reading)| (fact, reading)).collect()
}

/// Names the points of the register that a change is about. One dissolves where the new text is that of all other documented readings.
fn points(kind: Kind, was: &Statement, is: Option<&Statement>) -> Option<String> {
    let contract = contract::of(kind);
    let value = is
        .and_then(|is| is.text.split_once(": "))
        .map(|(_, value)| value);
    let has_value = |it: &ReadingEntry<'_>| value.is_some_and(|value| it.quotes == [value]);
    let mut points = BTreeSet::new();
    for (name, own) in cited(contract, kind, was, is) {
        let Some(number) = contract.ambiguity_number(&name) else {
            continue;
        };
        let fact = contract.facts().into_iter().find(|it| it.name == name);
        let readings = fact.iter().flat_map(|it| &it.readings);
        let others = readings.filter(|it| it.name != own && it.ground.is_documented());
        let others: Vec<bool> = others.map(has_value).collect();
        let dissolves = !others.is_empty() && !others.contains(&false);
        points.insert(format!(
            "{number}{}",
            if dissolves { " dissolves" } else { "" }
        ));
    }
    let points: Vec<String> = points.into_iter().collect();
    (!points.is_empty()).then(|| points.join(", "))
}

/// Says where the other kind's page says a new statement too.
fn said_elsewhere(kind: Kind, is: &Statement) -> Option<String> {
    let mut others = Kind::ALL.iter().copied().filter(|other| *other != kind);
    others.find_map(|other| {
        let recorded = super::recorded(contract::of(other));
        let same = recorded.iter().find(|it| it.key() == is.key())?;
        let facts = subjects(other, same, None).join(", ");
        Some(format!("{other}:{} says it too: {facts}", same.first))
    })
}

/// Returns whether a statement shows words that are not a part of longer ones. A message is shown whole.
pub(super) fn shows(statement: &Statement, words: &str) -> bool {
    let words = &plain(words);
    if statement.form == Form::Item && words.contains(' ') {
        let (label, message) = statement.text.split_once(": ").unwrap_or_default();
        return label == words || message == words;
    }
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    statement.text.match_indices(words.as_str()).any(|(at, _)| {
        let (before, after) = (&statement.text[..at], &statement.text[at + words.len()..]);
        let host = &before[before.rfind([' ', '\'']).map_or(0, |at| at + 1)..];
        let begins = match words.starts_with('/') {
            true => host.is_empty() || host.split_once("://").is_some_and(|it| !it.1.contains('/')),
            false => !(words.starts_with(is_word) && before.ends_with(is_word)),
        };
        let is_longer = |next| is_word(next) || ".-".contains(next);
        begins && !(words.ends_with(is_word) && after.starts_with(is_longer))
    })
}

/// How similar two statements are, at least, of which one replaces the other.
const SIMILAR: f32 = 0.5;
/// How many characters of a text are compared with another's.
const MAX_COMPARED: usize = 500;
/// How many characters of a text are shown.
const MAX_SHOWN: usize = 100;
/// How many equal ones before the first difference.
const LED_IN: usize = 20;

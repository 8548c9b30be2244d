//! New numbers of lines and a new hash in a contract's text, where a page's lines have moved.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::{
    Kind, Place,
    page::{Statement, compare::compare},
};

/// Where the lines of a page went.
#[derive(Debug)]
pub struct Moves {
    kind: Kind,
    /// Each recorded statement with the one on the page that says it now; those that are gone keep their numbers.
    statements: Vec<(Statement, Statement)>,
}

impl Moves {
    /// Follows what is recorded to a page of a kind.
    pub fn new(kind: Kind, recorded: &[Statement], page: &[Statement]) -> Moves {
        let now: BTreeMap<usize, usize> = compare(recorded, page).pairs.into_iter().collect();
        let statements = recorded.iter().enumerate().map(|(index, was)| {
            let now = now.get(&index).map_or(was, |at| &page[*at]);
            (was.clone(), now.clone())
        });
        let statements = statements.collect();
        Moves { kind, statements }
    }

    /// Returns the old number, the new one and the words of each statement that has moved.
    pub fn moved(&self) -> Vec<(u32, u32, String)> {
        let statements = self.statements.iter();
        let moved = statements.filter(|(was, now)| was.first != now.first);
        moved
            .map(|(was, now)| (was.first, now.first, was.line()))
            .collect()
    }

    /// Returns a contract's text with today's numbers of this page's lines: in `at` of readings and quotes, and, in the contract of
    /// this page, before each recorded statement and as the hash.
    pub fn renew(&self, contract: Option<Kind>, text: &str, sha256: &str) -> String {
        let is_own = contract == Some(self.kind);
        let lines = text.split_inclusive('\n').map(|line| {
            let is_said = is_own && line.trim_start().starts_with("- [");
            let (open, end) = if is_said {
                ("- [", ", ")
            } else {
                ("at: [", "]")
            };
            let list = line.split_once(open).and_then(|(before, rest)| {
                let (list, after) = rest.split_once(end)?;
                Some(
                    [
                        before,
                        open,
                        &self.renew_list(list, is_own, line),
                        end,
                        after,
                    ]
                    .concat(),
                )
            });
            match (list, line.split_once("sha256: ")) {
                (Some(line), _) => line,
                (None, Some((before, _))) if is_own => format!("{before}sha256: {sha256}\n"),
                _ => line.to_owned(),
            }
        });
        lines.collect()
    }

    /// Returns a list of places with today's numbers. The line that it stands in has the words that it is cited for: a line of the
    /// page may have several sentences, which may have gone to several lines.
    fn renew_list(&self, list: &str, is_own: bool, line: &str) -> String {
        let mut renewed: Vec<String> = Vec::new();
        for text in list.split(", ") {
            let place = Place::try_from(text.to_owned());
            let is_here = |place: &Place| place.document.map_or(is_own, |page| page == self.kind);
            let place = place.ok().filter(is_here);
            let cited = |place: Place| {
                self.statements
                    .iter()
                    .filter(move |it| it.0.stands_on(&place))
            };
            let cited: Vec<_> = place.into_iter().flat_map(cited).collect();
            let has_words = cited.iter().any(|(was, _)| line.contains(&was.text));
            let meant = cited
                .iter()
                .filter(|(was, _)| !has_words || line.contains(&was.text));
            let places = meant
                .zip(place.into_iter().cycle())
                .map(|((was, now), place)| {
                    let lines =
                        line_today(was, now, place.first).zip(line_today(was, now, place.last));
                    let (first, last) = lines.unwrap_or((now.first, now.last));
                    Place {
                        first,
                        last,
                        ..place
                    }
                });
            let places: BTreeSet<Place> = places.collect();
            renewed.extend(places.iter().map(Place::to_string));
            if places.is_empty() {
                renewed.push(text.to_owned());
            }
        }
        let mut seen = BTreeSet::new();
        renewed.retain(|place| seen.insert(place.clone()));
        renewed.join(", ")
    }
}

/// Returns where a line of a statement is in the one that says it now: in an example of another length, where the same words are.
fn line_today(was: &Statement, now: &Statement, line: u32) -> Option<u32> {
    let offset = line.clamp(was.first, was.last) - was.first;
    if now.last - now.first == was.last - was.first {
        return Some(now.first + offset);
    }
    let words = was.text.lines().nth(offset as usize)?.trim();
    let mut lines = (now.first..).zip(now.text.lines());
    lines
        .find(|(_, line)| line.trim() == words)
        .map(|(line, _)| line)
}

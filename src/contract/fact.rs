//! A point of the contract with every reading of it, the first being the default.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;

use crate::contract::Kind;

/// A point of the contract: one or more readings, the default first.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    try_from = "Vec<RawReading<T>>",
    bound(deserialize = "T: Deserialize<'de>")
)]
pub struct Fact<T> {
    readings: Vec<Reading<T>>,
}

/// One way to read a point.
#[derive(Clone, Debug)]
pub struct Reading<T> {
    /// Its name, unique within the fact.
    pub name: String,
    /// What holds under this reading.
    pub is: T,
    /// Where it is documented, or why it is assumed.
    pub ground: Ground,
}

/// What a reading stands on.
#[derive(Clone, Debug)]
pub enum Ground {
    /// No document says it; the reason for our choice.
    Assumed {
        /// The reason, as a fragment that follows "because".
        because: String,
    },
    /// A document says it.
    Documented {
        /// The lines.
        at: Vec<Place>,
        /// Words that stand on those lines, beside the value or where the value itself does not.
        text: Vec<String>,
        /// The values of a template's placeholders in the document's own example.
        with: BTreeMap<String, String>,
        /// Whether they are of another operation or of the other page, and taken over on purpose.
        borrowed: bool,
    },
}

/// Lines of a document: `220`, `"31-36"` or, of the other document, `sensor:148`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(try_from = "String")]
pub struct Place {
    /// The document; none means the contract's own.
    pub document: Option<Kind>,
    /// The first line, counted from 1.
    pub first: u32,
    /// The last line, the first one where it is a single line.
    pub last: u32,
}

/// A fact without its type: for lists, reports and profiles.
#[derive(Clone, Debug)]
pub struct FactEntry<'a> {
    /// The full name, `operation.point` or `operation.outcome.point`.
    pub name: String,
    /// The readings, the default first.
    pub readings: Vec<ReadingEntry<'a>>,
}

/// A reading without its type.
#[derive(Clone, Debug)]
pub struct ReadingEntry<'a> {
    /// Its name within the fact.
    pub name: &'a str,
    /// What holds under it, in words.
    pub value: String,
    /// Words of the value itself, each of the lines named showing at least one and each standing on at least one; a template's placeholders are filled.
    pub quotes: Vec<String>,
    /// Further words, each standing on at least one of the lines named.
    pub words: &'a [String],
    /// Where it is documented, or why it is assumed.
    pub ground: &'a Ground,
}

/// What a reading's value can tell of itself.
pub trait FactValue {
    /// Says the value in a few words, for people.
    fn describe(&self) -> String;

    /// Returns the words of the value that a document must show verbatim on the lines a reading names; none where the page says the same in other words.
    fn quotes(&self) -> Vec<String> {
        Vec::new()
    }
}

impl<T> Fact<T> {
    /// Returns the default reading.
    pub fn default_reading(&self) -> &Reading<T> {
        self.readings
            .first()
            .expect("a fact is only built with at least one reading")
    }

    /// Returns all readings, the default first.
    pub fn readings(&self) -> &[Reading<T>] {
        &self.readings
    }

    /// Returns the reading of that name, or the default where none is named.
    pub fn pick(&self, name: Option<&str>) -> &Reading<T> {
        name.and_then(|name| self.readings.iter().find(|reading| reading.name == name))
            .unwrap_or_else(|| self.default_reading())
    }
}

impl<T: FactValue> Fact<T> {
    /// Returns this fact without its type, under its full name.
    pub fn entry(&self, name: String) -> FactEntry<'_> {
        FactEntry {
            name,
            readings: self.readings.iter().map(Reading::entry).collect(),
        }
    }
}

impl<T: FactValue> Reading<T> {
    fn entry(&self) -> ReadingEntry<'_> {
        let mut entry = ReadingEntry {
            name: &self.name,
            value: self.is.describe(),
            quotes: Vec::new(),
            words: &[],
            ground: &self.ground,
        };
        if let Ground::Documented { text, with, .. } = &self.ground {
            entry.words = text;
            entry.quotes = self.is.quotes();
            for (name, value) in with {
                let quotes = entry.quotes.iter_mut();
                quotes.for_each(|quote| *quote = quote.replace(&format!("{{{name}}}"), value));
            }
        }
        entry
    }
}

impl<T> Reading<T> {
    /// Returns whether a document says this reading.
    pub fn is_documented(&self) -> bool {
        self.ground.is_documented()
    }
}

impl FactEntry<'_> {
    /// Returns whether two or more readings are documented: a contradiction of the documents.
    pub fn is_disputed(&self) -> bool {
        let readings = self.readings.iter();
        readings
            .filter(|reading| reading.ground.is_documented())
            .count()
            > 1
    }

    /// Returns whether a document says one of its readings.
    pub fn is_documented(&self) -> bool {
        self.readings
            .iter()
            .any(|reading| reading.ground.is_documented())
    }

    /// Returns whether the default is our assumption, because the documents are silent.
    pub fn is_assumed(&self) -> bool {
        let default = self.readings.first();
        default.is_some_and(|reading| !reading.ground.is_documented())
    }
}

impl Ground {
    /// Returns whether a document says it.
    pub fn is_documented(&self) -> bool {
        matches!(self, Ground::Documented { .. })
    }

    /// Returns the places, each with its document, or the reason.
    pub fn cite(&self, own: Kind) -> String {
        match self {
            Ground::Assumed { because } => format!("assumed, because {because}"),
            Ground::Documented { at, .. } => {
                let places: Vec<String> = at.iter().map(|place| place.cite(own)).collect();
                places.join(", ")
            }
        }
    }
}

impl Place {
    /// Returns the place with its document named, `sensor:148` or `sensor:31-36`.
    pub fn cite(&self, own: Kind) -> String {
        format!("{}:{}", self.document.unwrap_or(own), self.lines())
    }

    fn lines(&self) -> String {
        if self.first == self.last {
            self.first.to_string()
        } else {
            format!("{}-{}", self.first, self.last)
        }
    }
}

/// What is wrong with a fact or a place of a contract file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFact {
    /// Two readings have this name.
    #[error("two readings are named `{0}`")]
    DuplicateReading(String),
    /// It has no reading.
    #[error("a fact needs at least one reading")]
    NoReading,
    /// A text that is not a place.
    #[error(
        "`{0}` is not a place: expected a line `220`, a range `31-36`, or another document's `sensor:148`"
    )]
    Place(String),
}

impl TryFrom<String> for Place {
    type Error = InvalidFact;

    fn try_from(text: String) -> Result<Place, InvalidFact> {
        let parse = || {
            let (document, lines) = match text.split_once(':') {
                Some((document, lines)) => (Some(document.parse::<Kind>().ok()?), lines),
                None => (None, text.as_str()),
            };
            let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (0 < first && first <= last).then_some(Place {
                document,
                first,
                last,
            })
        };
        parse().ok_or(InvalidFact::Place(text))
    }
}

/// As in a contract file.
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.document {
            Some(document) => out.write_str(&self.cite(document)),
            None => out.write_str(&self.lines()),
        }
    }
}

/// A reading as a contract file has it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum RawReading<T> {
    Assumed {
        r#as: String,
        is: T,
        because: String,
    },
    Borrowed(RawDocumented<T>),
    Documented(RawDocumented<T>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDocumented<T> {
    r#as: String,
    is: T,
    at: Vec<Place>,
    #[serde(default)]
    text: Vec<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
}

impl<T> TryFrom<Vec<RawReading<T>>> for Fact<T> {
    type Error = InvalidFact;

    fn try_from(raw: Vec<RawReading<T>>) -> Result<Fact<T>, InvalidFact> {
        let readings: Vec<Reading<T>> = raw.into_iter().map(Reading::from).collect();
        let mut names = BTreeSet::new();
        match readings.iter().find(|reading| !names.insert(&reading.name)) {
            Some(reading) => Err(InvalidFact::DuplicateReading(reading.name.clone())),
            None if readings.is_empty() => Err(InvalidFact::NoReading),
            None => Ok(Fact { readings }),
        }
    }
}

impl<T> From<RawReading<T>> for Reading<T> {
    fn from(raw: RawReading<T>) -> Reading<T> {
        let (raw, borrowed) = match raw {
            RawReading::Assumed { r#as, is, because } => {
                let (name, ground) = (r#as, Ground::Assumed { because });
                return Reading { name, is, ground };
            }
            RawReading::Borrowed(raw) => (raw, true),
            RawReading::Documented(raw) => (raw, false),
        };
        let RawDocumented { at, text, with, .. } = raw;
        Reading {
            name: raw.r#as,
            is: raw.is,
            ground: Ground::Documented {
                at,
                text,
                with,
                borrowed,
            },
        }
    }
}

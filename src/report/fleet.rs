//! Targets of a list: one report of all, in parts that can be merged.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{
    contract::{encoding::hex, grouped},
    report::{Summary, TargetSummary},
};

/// Which targets of a list a report is of.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ListSummary {
    /// By what the parts of one list are known: a part of the SHA-256 of all names, in hexadecimal.
    pub list: String,
    /// How many targets the list has.
    pub count: usize,
    /// Which part it is; none of the whole.
    pub shard: Option<Shard>,
}

/// A part of a list: of so many, the one of this number, from 1.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shard {
    /// The number, from 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// How the run at one target of a list ended.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct TargetEnd {
    /// The exit code that a run at this target alone would have had.
    pub exit_code: u8,
    /// What went wrong with the run.
    pub trouble: Vec<String>,
    /// What a person must do now.
    pub actions: Vec<String>,
    /// How many cases were not judged that an option would let be sent, by the option.
    #[serde(default)]
    pub to_judge_more: BTreeMap<String, usize>,
}

/// A text that names no part.
#[derive(Debug, Error)]
#[error("expected I/N, as in `1/4` to `4/4`; I may be a sum, as in `0+1/4`")]
pub struct ShardError;

/// Why reports are not the parts of one.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A report of something else.
    #[error(
        "{0} is not a part of a list of targets: `check --targets LIST --shard I/N` writes one"
    )]
    NotPart(String),
    /// Two that do not belong together.
    #[error("{0} and {1} are not of one {2}")]
    Apart(String, String, &'static str),
    /// The same part.
    #[error("{0} and {1} are both part {2}")]
    Doubled(String, String, u32),
    /// A report of all parts.
    #[error("{0} is the report of a whole list already")]
    Whole(String),
    /// Not all parts.
    #[error("{0}")]
    Missing(String),
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let whole = |text: &str| text.parse::<u32>().ok().filter(|_| !text.starts_with('+'));
        let (number, of) = text.split_once('/').ok_or(ShardError)?;
        let mut numbers = number.split('+').map(whole);
        let sum = numbers.try_fold(0_u32, |sum, one| sum.checked_add(one?));
        let (number, of) = sum.zip(whole(of)).ok_or(ShardError)?;
        let is_one = (1..=of).contains(&number) && of <= MAX_PARTS;
        is_one.then_some(Shard { number, of }).ok_or(ShardError)
    }
}

impl Shard {
    /// Returns whether a target is of this part, which depends on its name alone.
    pub fn has(self, name: &str) -> bool {
        let start = Sha256::digest(name).first_chunk().copied();
        let number = start.map_or(0, u64::from_be_bytes);
        number % u64::from(self.of) + 1 == u64::from(self.number)
    }
}

impl ListSummary {
    /// Describes a list by the names of its targets.
    pub fn new(mut names: Vec<&str>, shard: Option<Shard>) -> ListSummary {
        names.sort_unstable();
        let digest = Sha256::digest(names.join("\n"));
        ListSummary {
            list: hex(&digest[..8]),
            count: names.len(),
            shard,
        }
    }
}

impl Summary {
    /// Sums up the targets of a list, by their names.
    pub fn of_fleet(fleet: ListSummary, mut targets: Vec<TargetSummary>) -> Summary {
        targets.sort_by(|one, other| one.target.cmp(&other.target));
        let texts_of = |of: fn(&TargetEnd) -> &[String]| -> Vec<String> {
            let texts = targets.iter().flat_map(|target| {
                let texts = target.end.as_ref().map_or(&[][..], of);
                texts.iter().map(|text| (text, &*target.target))
            });
            let named = |(text, names): (&String, Vec<&str>)| named(text, &names, targets.len());
            grouped(texts).into_iter().flat_map(named).collect()
        };
        let (trouble, actions) = (texts_of(|end| &end.trouble), texts_of(|end| &end.actions));
        Summary {
            fleet: Some(fleet),
            actions,
            ..Summary::new(trouble, targets)
        }
    }

    /// Makes one report of all parts, each with the name of its file. It has the label and the options of the first, and the last date.
    ///
    /// # Errors
    /// Reports that are not the parts of one list, each once, of one version of the tool.
    pub fn merged(parts: Vec<(String, Summary)>) -> Result<Summary, MergeError> {
        let mut known: Vec<(Shard, &str)> = Vec::new();
        let none = || MergeError::Missing("no part is named".to_owned());
        let (first_file, first) = parts.first().ok_or_else(none)?;
        let not_part = |file: &str| MergeError::NotPart(file.to_owned());
        let fleet = first.fleet.clone().ok_or_else(|| not_part(first_file))?;
        for (file, part) in &parts {
            let own = part.fleet.as_ref().ok_or_else(|| not_part(file))?;
            let shard = own.shard.ok_or_else(|| MergeError::Whole(file.clone()))?;
            let is_same_list = (&own.list, own.count) == (&fleet.list, fleet.count);
            let of = fleet.shard.map_or(shard.of, |first| first.of);
            let apart = [
                ("version of the tool", part.tool == first.tool),
                ("list of targets", is_same_list),
                ("number of parts", of == shard.of),
            ];
            if let Some((what, _)) = apart.into_iter().find(|(_, is_same)| !is_same) {
                return Err(MergeError::Apart(first_file.clone(), file.clone(), what));
            }
            if let Some((_, other)) = known.iter().find(|(known, _)| *known == shard) {
                let other = (*other).to_owned();
                return Err(MergeError::Doubled(other, file.clone(), shard.number));
            }
            known.push((shard, file));
        }
        let of = fleet.shard.map_or(0, |shard| shard.of);
        let is_missing = |number: &u32| !known.iter().any(|(shard, _)| shard.number == *number);
        let missing = (1..=of).filter(is_missing);
        let missing: Vec<String> = missing.map(|it| it.to_string()).collect();
        if !missing.is_empty() {
            let parts = match &missing[..] {
                [one] => format!("part {one} of {of} is"),
                [few @ .., last] if few.len() < MAX_NAMED => {
                    format!("parts {} and {last} of {of} are", few.join(", "))
                }
                all => format!("{} of {of} parts are", all.len()),
            };
            return Err(MergeError::Missing(format!("{parts} missing")));
        }
        let date = parts.iter().filter_map(|(_, part)| part.date.clone()).max();
        let (label, options) = (first.label.clone(), first.options.clone());
        let targets = parts.into_iter().flat_map(|(_, part)| part.targets);
        let shard = None;
        Ok(Summary {
            date,
            label,
            options,
            ..Summary::of_fleet(ListSummary { shard, ..fleet }, targets.collect())
        })
    }
}

/// Says to which targets of so many a text applies: once if they are more than a few.
fn named(text: &str, names: &[&str], all: usize) -> Vec<String> {
    match names.len() {
        ..=MAX_NAMED => names.iter().map(|name| format!("{name}: {text}")).collect(),
        count if count == all => vec![format!("all {all} targets: {text}")],
        count => {
            let (names, more) = (names[..MAX_NAMED].join(", "), count - MAX_NAMED);
            vec![format!("{names} and {more} more: {text}")]
        }
    }
}

/// What the readings of a report are shown for: a target, or the targets of a list that follow the same ones.
pub(super) struct Column<'a> {
    /// The first of the targets.
    pub(super) target: &'a TargetSummary,
    /// The places of all.
    pub(super) places: Vec<usize>,
    /// What stands over it.
    pub(super) title: String,
}

/// Returns the columns; of a list, those of most targets first, and none for targets of which nothing was seen.
pub(super) fn columns(summary: &Summary) -> Vec<Column<'_>> {
    let targets = summary.targets.iter().enumerate();
    if summary.fleet.is_none() {
        let columns = targets.map(|(place, target)| Column {
            target,
            places: vec![place],
            title: target.kind.to_string(),
        });
        return columns.collect();
    }
    let targets = targets.filter(|(_, target)| !target.profile.is_empty());
    let targets = targets.map(|(place, target)| {
        let followed = target.profile.iter();
        let followed = followed.map(|it| (&it.fact, &it.readings, &it.other));
        ((target.kind, followed.collect::<Vec<_>>()), place)
    });
    let mut alike = grouped(targets);
    alike.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let columns = alike.into_iter().zip(1..);
    let columns = columns.map(|((_, places), number)| Column {
        target: &summary.targets[places[0]],
        places,
        title: format!("p{number}"),
    });
    columns.collect()
}

/// How many targets, or parts, are named one by one.
const MAX_NAMED: usize = 3;
/// More parts than anybody needs: each names itself.
const MAX_PARTS: u32 = 10_000;

//! Which cases a command uses: `--kind`, `--case`, `--tag`, `--fact`. All given conditions must match.

use std::{collections::BTreeSet, path::PathBuf};

use clap::Args;

use crate::{
    cli::{
        code,
        error::{CliError, Result, read_text},
        kinds,
    },
    contract,
    contract::{Glob, Kind, Operation},
    suite::{cases::CaseWithLocation, own_cases},
};

/// Selects cases of the suite.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Cases")]
pub struct Selection {
    /// One kind of appliance only
    #[arg(long, value_parser = super::kind)]
    pub kind: Option<Kind>,
    /// Cases whose id matches, as `validation.*`
    #[arg(long, value_name = "GLOB")]
    case: Vec<String>,
    /// Cases with this tag, or of this operation
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Cases that cover this fact: a name, a glob or an X number
    #[arg(long, value_name = "NAME|X-NUMBER")]
    fact: Vec<String>,
    /// Add the cases of a file of your own (YAML, in the form of the suite's; repeatable)
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
}

impl Selection {
    /// The kinds to be used.
    pub(super) fn kinds(&self) -> Vec<Kind> {
        kinds(self.kind)
    }

    /// Returns the selected cases of one kind, in order.
    ///
    /// # Errors
    /// An invalid glob, a fact that no contract has.
    pub(crate) fn cases(&self, kind: Kind) -> Result<Vec<&'static CaseWithLocation>> {
        self.add_own_cases()?;
        let contract = contract::of(kind);
        let globs: Result<Vec<_>> = self.case.iter().map(|glob| matcher(glob)).collect();
        let (globs, facts) = (globs?, self.facts(kind)?);
        let is_selected = |located: &&CaseWithLocation| {
            let case = &located.case;
            let has_tag = |tag: &String| {
                case.tags.contains(tag) || case.steps.iter().any(|step| step.ask.name() == tag)
            };
            case.kinds.contains(&kind)
                && (globs.is_empty() || globs.iter().any(|glob| glob.is_match(&case.id)))
                && (self.tag.is_empty() || self.tag.iter().any(has_tag))
                && (facts.is_empty() || !facts.is_disjoint(&case.covers(contract)))
        };
        Ok(own_cases::every().filter(is_selected).collect())
    }

    fn add_own_cases(&self) -> Result<()> {
        let read = |path: &PathBuf| Ok((path.display().to_string(), read_text(path)?));
        let files: Result<Vec<_>> = self.cases.iter().map(read).collect();
        Ok(own_cases::add(&files?)?)
    }

    /// Whether all cases of the kinds are selected: only then is a snapshot without a case known to have lost it.
    pub fn is_full(&self) -> bool {
        self.case.is_empty() && self.tag.is_empty() && self.fact.is_empty()
    }

    /// The error if no case is selected.
    pub(super) fn nothing(&self) -> CliError {
        let tags = || own_cases::every().flat_map(|located| &located.case.tags);
        let has = |tag: &String| tag.parse::<Operation>().is_ok() || tags().any(|one| one == tag);
        if let Some(tag) = self.tag.iter().find(|tag| !has(tag)) {
            let tags: BTreeSet<&str> = tags().map(String::as_str).collect();
            let tags = tags.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("no case has the tag {tag}");
            return CliError::new(code::NOTHING_JUDGED, message)
                .hint(format!("expected an operation, or one of {tags}"));
        }
        let selectors = [
            ("case", &self.case),
            ("tag", &self.tag),
            ("fact", &self.fact),
        ];
        let given = selectors.into_iter().flat_map(|(option, values)| {
            values
                .iter()
                .map(move |value| format!(" --{option} {value}"))
        });
        let given: String = given.collect();
        let by = if given.is_empty() { "" } else { " by" };
        let message = format!("no case is selected{by}{given}");
        CliError::new(code::NOTHING_JUDGED, message).hint("`d4iot-double plan` lists the cases")
    }

    /// A fact that only one kind has is valid for both; one that neither has is an error.
    fn facts(&self, kind: Kind) -> Result<BTreeSet<String>> {
        let mut facts = BTreeSet::new();
        for pattern in &self.fact {
            let found = |kind: &Kind| contract::of(*kind).facts_meant(pattern);
            if Kind::ALL.iter().all(|kind| found(kind).is_empty()) {
                return Err(CliError::usage(format!("unknown fact `{pattern}`"))
                    .hint("`d4iot-double explain` lists the disputed and assumed facts"));
            }
            // The pattern itself is no fact: a pattern without facts of this kind selects no case.
            facts.insert(pattern.clone());
            facts.extend(found(&kind));
        }
        Ok(facts)
    }
}

/// Reads a glob.
///
/// # Errors
/// A glob that is not valid.
pub(super) fn matcher(glob: &str) -> Result<Glob> {
    Glob::new(glob).map_err(|wrong| CliError::usage(format!("invalid glob `{glob}`: {wrong}")))
}

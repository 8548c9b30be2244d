//! Which cases a command is about: `--kind`, `--case`, `--tag`, `--fact`, `--failed`. All given ones must hold.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use clap::Args;

use crate::{
    conformance::{suite, suite::Located},
    contract,
    contract::{Glob, Kind},
    report::CaseResult,
};

/// What of the suite is meant.
#[derive(Args, Debug)]
pub struct Selection {
    /// One kind of appliance only
    #[arg(long, value_parser = super::kind)]
    pub kind: Option<Kind>,
    /// Cases whose id matches, `validation.*`
    #[arg(long, value_name = "GLOB")]
    case: Vec<String>,
    /// Cases with this tag, or of this operation
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Cases that cover this fact: a name, a glob or a register number
    #[arg(long, value_name = "NAME|X-NUMBER")]
    fact: Vec<String>,
    /// Cases that failed in the last run
    #[arg(long)]
    failed: bool,
}

impl Selection {
    /// Returns the selected kinds.
    pub fn kinds(&self) -> Vec<Kind> {
        self.kind
            .map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind])
    }

    /// Returns the cases meant for one kind, in order.
    ///
    /// # Errors
    /// A glob that cannot be read, a fact the contract does not have, no last run.
    pub fn cases(&self, kind: Kind) -> Result<Vec<&'static Located>, String> {
        let contract = contract::of(kind);
        let globs = self
            .case
            .iter()
            .map(|glob| matcher(glob))
            .collect::<Result<Vec<_>, _>>()?;
        let facts = self.facts(kind)?;
        let failed = if self.failed {
            Some(last_failures()?)
        } else {
            None
        };
        let meant = |located: &&Located| {
            let case = &located.case;
            case.kinds.contains(&kind)
                && (globs.is_empty() || globs.iter().any(|glob| glob.is_match(&case.id)))
                && (self.tag.is_empty()
                    || self.tag.iter().any(|tag| {
                        case.tags.contains(tag)
                            || case.steps.iter().any(|step| step.ask.name() == tag)
                    }))
                && (facts.is_empty()
                    || case
                        .covers(contract)
                        .iter()
                        .any(|fact| facts.contains(fact)))
                && failed
                    .as_ref()
                    .is_none_or(|failed| failed.contains(&format!("{kind}/{}", case.id)))
        };
        Ok(suite::all().iter().filter(meant).collect())
    }

    /// Tells whether nothing is left out: only then can a snapshot be told to have lost its case.
    pub fn is_full(&self) -> bool {
        self.case.is_empty() && self.tag.is_empty() && self.fact.is_empty() && !self.failed
    }

    /// Says what to do where nothing was selected.
    pub fn way_out(&self) -> &'static str {
        if self.failed {
            "no case of this selection failed in the last run; run check without --failed"
        } else {
            "`d4iot-double plan` lists the cases"
        }
    }

    /// A fact that one kind has and the other has not is no mistake; one that none has is.
    fn facts(&self, kind: Kind) -> Result<BTreeSet<String>, String> {
        let mut facts = BTreeSet::new();
        for pattern in &self.fact {
            if Kind::ALL
                .iter()
                .all(|kind| contract::of(*kind).facts_meant(pattern).is_empty())
            {
                return Err(format!(
                    "unknown fact `{pattern}`\n  hint: `d4iot-double explain` lists the disputed and assumed ones"
                ));
            }
            let meant = contract::of(kind).facts_meant(pattern);
            // A pattern that means nothing here must not mean everything.
            facts.extend(if meant.is_empty() {
                vec![pattern.clone()]
            } else {
                meant
            });
        }
        Ok(facts)
    }
}

/// Reads a glob.
///
/// # Errors
/// What is wrong with it.
pub fn matcher(glob: &str) -> Result<Glob, String> {
    Glob::new(glob).map_err(|wrong| format!("`{glob}` is no glob: {wrong}"))
}

/// Keeps the failures of a run, `kind/id` a line, for `--failed`.
///
/// # Errors
/// A state folder that cannot be written, in words.
#[expect(
    clippy::disallowed_methods,
    reason = "the last run is kept in the state folder"
)]
pub fn keep_failures<'a>(
    cases: impl Iterator<Item = (Kind, &'a CaseResult)>,
) -> Result<(), String> {
    let file = last_run()?;
    let lines: String = cases
        .filter(|(_, case)| case.failed)
        .map(|(kind, case)| format!("{kind}/{}\n", case.id))
        .collect();
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| fs::write(&file, lines))
        .map_err(|error| format!("keeping this run's failures in {}: {error}", file.display()))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the last run is kept in the state folder"
)]
fn last_failures() -> Result<BTreeSet<String>, String> {
    let file = last_run()?;
    let text = fs::read_to_string(&file).map_err(|error| {
        format!(
            "there is no last run in {}: {error}\n  hint: run check once without --failed",
            file.display()
        )
    })?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The XDG state folder's file: `$XDG_STATE_HOME`, else `~/.local/state`.
fn last_run() -> Result<PathBuf, String> {
    let folder = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state =
        folder("XDG_STATE_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/state")));
    state
        .map(|state| state.join("d4iot-double/last-run"))
        .ok_or_else(|| "neither XDG_STATE_HOME nor HOME names a folder".into())
}

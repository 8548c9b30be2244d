//! Files of what is agreed on: profiles of readings, and known differences.

use std::{
    fs,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    conformance::{Date, Known},
    contract,
    fixture::Fixture,
    report::{profile, profile::Profile},
};

/// Reads a file of profiles, if one is named, and lets fixtures serve the readings in it, before anything else that chooses readings.
///
/// # Errors
/// What is wrong with the file, with its place; profiles of which none suits.
pub(super) fn impersonate<'a>(
    fixtures: impl Iterator<Item = &'a mut Fixture>,
    path: Option<&Path>,
) -> Result<Vec<Profile>, String> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let profiles = profiles(path)?;
    let mut suits = false;
    for fixture in fixtures {
        for profile in profiles
            .iter()
            .filter(|profile| profile.kind == fixture.kind)
        {
            for (fact, reading) in profile.served() {
                fixture
                    .readings
                    .choose(contract::of(fixture.kind), fact, reading)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
            suits = true;
        }
    }
    let hint = "--kind says which appliance is";
    if suits {
        Ok(profiles)
    } else {
        Err(format!(
            "{} has no profile of an appliance that is served here\n  hint: {hint}",
            path.display()
        ))
    }
}

/// Reads a file of profiles.
///
/// # Errors
/// What is wrong with it, with its place.
pub(super) fn profiles(path: &Path) -> Result<Vec<Profile>, String> {
    profile::read(&path.display().to_string(), &read(path)?).map_err(|error| error.to_string())
}

/// Reads a file of known differences, on this day (UTC).
///
/// # Errors
/// What is wrong with it, with its place.
#[expect(
    clippy::disallowed_methods,
    reason = "an edge: this is where a run learns which day it is"
)]
pub(super) fn known(path: &Path) -> Result<Known, String> {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let today = Date::of_days(since.as_secs() / (24 * 60 * 60));
    Known::read(&path.display().to_string(), &read(path)?, today).map_err(|error| error.to_string())
}

#[expect(
    clippy::disallowed_methods,
    reason = "an edge: this is where these files are read"
)]
fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
}

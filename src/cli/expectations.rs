//! Files of what is expected of an appliance: profiles of readings, and known differences.

use std::{path::Path, time::SystemTime};

use crate::{
    cli::error::{Result, read_text},
    report::{profile, profile::Profile},
    suite::{Date, KnownDifferences},
};

/// Reads a file of profiles, if one is named.
///
/// # Errors
/// A fault in the file, with its place.
pub(super) fn profiles(path: Option<&Path>) -> Result<Vec<Profile>> {
    match path {
        Some(path) => Ok(profile::read(
            &path.display().to_string(),
            &read_text(path)?,
        )?),
        None => Ok(Vec::new()),
    }
}

/// Returns the day of today, in UTC, that the dates of known differences are compared with.
#[expect(
    clippy::disallowed_methods,
    reason = "an edge: this is where a run learns the date"
)]
pub(super) fn today() -> Date {
    Date::of(SystemTime::now())
}

/// Reads a file of known differences, if one is named.
///
/// # Errors
/// A fault in the file, with its place.
pub(super) fn known(path: Option<&Path>) -> Result<KnownDifferences> {
    let Some(path) = path else {
        return Ok(KnownDifferences::default());
    };
    Ok(KnownDifferences::read(
        &path.display().to_string(),
        &read_text(path)?,
        today(),
    )?)
}

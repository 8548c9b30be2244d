//! The fixtures of the mocks that a command starts, and the options that change them.

use std::path::{Path, PathBuf};

use crate::{
    cli::{
        error::{CliError, Result},
        expectations, fixture, kinds,
    },
    contract,
    contract::Kind,
    fixture::{Diagnostic, Fixture},
    report::profile::Profile,
};

/// A fixture and its file; none for a built-in one.
pub(super) type Mock = (Option<PathBuf>, Fixture);

/// Reads fixtures; without paths, returns the built-in ones.
pub(super) fn load(paths: &[PathBuf], kind: Option<Kind>) -> Result<Vec<Mock>> {
    if paths.is_empty() {
        let built_in = |kind| (None, crate::fixture::built_in(kind));
        return Ok(kinds(kind).into_iter().map(built_in).collect());
    }
    let loaded = fixture::load(paths)?.into_iter();
    let mocks = loaded.map(|(path, fixture)| (Some(path), fixture));
    Ok(mocks.collect())
}

/// Reads fixtures of one appliance each; without paths, returns the built-in ones.
pub(super) fn load_single(paths: &[PathBuf], kind: Option<Kind>) -> Result<Vec<Mock>> {
    let single = |(path, fixture): Mock| {
        let file = path.as_deref().unwrap_or(Path::new("-"));
        let fixture = fixture.single(&file.display().to_string())?;
        Ok((path, fixture))
    };
    load(paths, kind)?.into_iter().map(single).collect()
}

/// Applies a file of profiles, readings (`FACT=NAME`) and armed failure modes. Each must suit at least one mock.
///
/// # Errors
/// A fault in the file; a reading or a failure mode that no mock has.
pub(super) fn configure(
    mocks: &mut [Mock],
    profiles: Option<&Path>,
    readings: &[String],
    failures: &[String],
) -> Result<Vec<Profile>> {
    let profiles = match profiles {
        Some(path) => impersonate(mocks, path)?,
        None => Vec::new(),
    };
    for choice in readings {
        let Some((fact, reading)) = choice.split_once('=') else {
            let message = format!("--reading {choice}: expected FACT=NAME, as in `X11=table`");
            return Err(CliError::usage(message));
        };
        let place = format!("--reading {choice}");
        apply(mocks, |fixture| choose(fixture, fact, reading, &place))?;
    }
    // Failure modes with readings of their own are based on those that were chosen.
    for (_, fixture) in mocks.iter_mut() {
        fixture.reload_modes()?;
    }
    for name in failures {
        let failed = |error: Diagnostic| {
            CliError::usage(format!("--fail {name}: {}", error.message)).with_hint(error.hint)
        };
        apply(mocks, |fixture| fixture.arm(name).map_err(failed))?;
    }
    Ok(profiles)
}

/// Makes mocks serve the readings of profiles.
fn impersonate(mocks: &mut [Mock], path: &Path) -> Result<Vec<Profile>> {
    let profiles = expectations::profiles(Some(path))?;
    let mut is_used = false;
    for (_, fixture) in mocks {
        let kind = fixture.kind;
        for profile in profiles.iter().filter(|profile| profile.kind == kind) {
            for (fact, reading) in profile.served() {
                choose(fixture, fact, reading, &path.display().to_string())?;
            }
            is_used = true;
        }
    }
    if is_used {
        return Ok(profiles);
    }
    let message = format!(
        "{} has no profile for a kind that is served here",
        path.display()
    );
    Err(CliError::usage(message).hint("choose the kind with --kind"))
}

/// Chooses a reading of a fact; `place` is where the choice was made.
fn choose(fixture: &mut Fixture, fact: &str, reading: &str, place: &str) -> Result<()> {
    let (contract, readings) = (contract::of(fixture.kind), &mut fixture.readings);
    let chosen = readings.choose(contract, fact, reading);
    chosen.map_err(|error| {
        let near = error.nearest();
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        CliError::usage(format!("{place}: {error}")).with_hint(hint)
    })
}

/// Changes every mock that can be changed so, which at least one must be.
fn apply(mocks: &mut [Mock], change: impl Fn(&mut Fixture) -> Result<()>) -> Result<()> {
    let results = mocks.iter_mut().map(|(_, fixture)| change(fixture));
    let results: Vec<Result<()>> = results.collect();
    if results.iter().any(Result::is_ok) {
        return Ok(());
    }
    results.into_iter().collect()
}

//! The folder of the undo journals: in the user's state folder, outside every project, readable by its owner alone.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    journal::{CLOSED, discard, read_state},
    state_file::{JournalError, failed, state_folder},
    target_place::TargetPlace,
};
use crate::client::Pin;

/// The folder of the journals.
#[derive(Clone, Debug)]
pub struct JournalDir(PathBuf);

impl JournalDir {
    /// Finds the user's folder: `$XDG_STATE_HOME/d4iot-double/journals`, or the same under `~/.local/state`. Creates it if it is missing.
    ///
    /// # Errors
    /// No folder is known, or it cannot be created.
    pub fn find() -> Result<JournalDir, JournalError> {
        let state = state_folder().ok_or(JournalError::NoStateFolder)?;
        let folder = state.join("journals");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let created = builder.create(&folder);
        created.map_err(|error| failed("creating", &folder, error))?;
        Ok(JournalDir(folder))
    }

    /// Takes a folder that exists.
    pub fn at(folder: impl Into<PathBuf>) -> JournalDir {
        JournalDir(folder.into())
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a target's journal.
    pub fn journal(&self, place: &TargetPlace) -> PathBuf {
        self.0.join(format!("{}.journal", place.own_name()))
    }

    /// Returns the file that remembers the failed sign-ins at a target.
    pub fn failures(&self, place: &TargetPlace) -> PathBuf {
        self.0.join(format!("{}.failures", place.names()[0]))
    }

    /// Returns an open journal of the same appliance, by address or by key, but not the own one.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open_journal(
        &self,
        place: &TargetPlace,
        key: Option<&Pin>,
        own: Option<&Path>,
    ) -> Result<Option<PathBuf>, JournalError> {
        let same_name = self.journal(place);
        let is_open = |path: &PathBuf| match read_state(path) {
            Ok(None) => false,
            Ok(Some(state)) => place.is_same(key, &state.header.place, state.key.as_ref()),
            Err(_) => *path == same_name,
        };
        let mut journals = self.journals()?.into_iter();
        Ok(journals.find(|path| own != Some(path.as_path()) && is_open(path)))
    }

    /// Returns every open journal, in the order of their names. Closed ones that were kept for a day are removed.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn journals(&self) -> Result<Vec<PathBuf>, JournalError> {
        let listing = |error| failed("listing", &self.0, error);
        let (mut journals, mut closed) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(&self.0).map_err(listing)? {
            let entry = entry.map_err(listing)?;
            let (name, path) = (entry.file_name(), entry.path());
            if path.extension().is_none_or(|end| end != "journal") {
                continue;
            }
            match name.to_string_lossy().starts_with(CLOSED) {
                true => closed.push(entry),
                false => journals.push(path),
            }
        }
        for entry in closed {
            let written = entry.metadata().and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > KEPT) {
                drop(discard(&entry.path()));
            }
        }
        journals.sort();
        Ok(journals)
    }
}

/// How long a closed journal is kept if a change may still take effect.
const KEPT: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::client::TargetOptions;

    #[rstest]
    #[case::scheme("https://10.0.0.5:80", "http://10.0.0.5", true)]
    #[case::case("https://Sensor.lab/", "https://sensor.lab", true)]
    #[case::port("https://10.0.0.5", "https://10.0.0.5:8443", false)]
    #[case::tunnel("https://10.0.0.5/10.1.0.7", "https://10.0.0.5", false)]
    fn one_target_has_one_journal(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let place = |url: &str| TargetPlace::of(&url.parse().unwrap(), &TargetOptions::default());
        let journal = |url: &str| JournalDir::at("journals").journal(&place(url));
        assert_eq!(journal(one) == journal(other), same);
    }
}

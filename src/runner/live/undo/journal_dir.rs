//! The folder of the undo journals: in the user's state folder, outside every project, readable by its owner alone.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    journal::{discard, is_closed, read_state},
    state_file::{JournalError, failed, state_folder},
    target_place::TargetPlace,
};
use crate::{client::Pin, system::create_private_folder};

/// The folder of the journals.
#[derive(Clone, Debug)]
pub struct JournalDir(pub PathBuf);

impl JournalDir {
    /// Returns the user's folder, which may not exist yet: `$XDG_STATE_HOME/d4iot-double/journals`, or the same under `~/.local/state`.
    ///
    /// # Errors
    /// No folder is known.
    pub fn of_user() -> Result<JournalDir, JournalError> {
        let state = state_folder().ok_or(JournalError::NoStateFolder)?;
        Ok(JournalDir(state.join("journals")))
    }

    /// Creates the folder if it is missing.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(self) -> Result<JournalDir, JournalError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        create_private_folder(&mut builder, &self.0).map_err(failed("creating", &self.0))?;
        Ok(self)
    }

    /// Takes the folder of a journal.
    pub fn of_journal(journal: &Path) -> JournalDir {
        JournalDir(journal.parent().unwrap_or(Path::new(".")).to_owned())
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
        let entries: io::Result<Vec<_>> = fs::read_dir(&self.0).and_then(Iterator::collect);
        let entries = entries.map_err(failed("listing", &self.0))?.into_iter();
        let paths = entries.map(|entry| entry.path());
        let journals = paths.filter(|path| path.extension().is_some_and(|end| end == "journal"));
        let (closed, mut open): (Vec<_>, Vec<_>) = journals.partition(|path| is_closed(path));
        for path in closed {
            let written = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|time| time.elapsed().ok());
            if age.is_some_and(|age| age > KEPT) {
                drop(discard(&path));
            }
        }
        open.sort();
        Ok(open)
    }
}

/// How long a closed journal is kept if a change may still take effect.
const KEPT: Duration = Duration::from_secs(24 * 3600);

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
        let journal = |url: &str| JournalDir("journals".into()).journal(&place(url));
        assert_eq!(journal(one) == journal(other), same);
    }
}

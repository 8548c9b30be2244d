//! The ready file: what is served where, for scripts that wait for it; it exists from the moment all listen until the end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::error::{CliError, Result},
    contract::Kind,
    snapshot::write_file,
};

/// The content of a ready file.
#[derive(Debug, Deserialize, Serialize)]
pub struct Ready {
    /// The version of the format.
    pub version: u32,
    /// The process that serves.
    pub pid: u32,
    /// The seed of everything random, but where a fixture names its own; none where each does.
    pub seed: Option<u64>,
    /// The certificate of the generated CA, as PEM text; none over plain HTTP or with the user's own certificate.
    pub ca: Option<String>,
    /// The control API's URL, where there is one.
    pub control: Option<String>,
    /// The URL for probes, as `healthcheck` asks it: no appliance notices. The answer is the number of the process.
    pub health: String,
    /// The appliances, in the order they were given.
    pub appliances: Vec<ReadyAppliance>,
}

/// One appliance that listens.
#[derive(Debug, Deserialize, Serialize)]
pub struct ReadyAppliance {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// A URL that a client on this machine can use.
    pub url: String,
}

/// A ready file that was written. Dropping it removes it, if it is a regular file that this process made; one that cannot be
/// replaced, as a mounted one, is emptied.
#[derive(Debug)]
pub struct ReadyFile {
    /// None once it was written again.
    file: Option<PathBuf>,
    /// Whether it was made, or stood there and cannot be removed.
    is_made: bool,
    text: String,
}

impl Ready {
    /// The current version of the format.
    pub const VERSION: u32 = 1;

    /// Writes it, so that nobody reads half of it.
    ///
    /// # Errors
    /// A path that cannot be written, in words.
    pub(super) fn write(&self, path: &Path) -> Result<ReadyFile> {
        let text = format!(
            "{}\n",
            serde_json::to_string(self).expect("text, numbers and lists are JSON")
        );
        let made = write_whole(path, &text)?;
        let (is_made, file) = (made.is_some(), made.unwrap_or(path.to_owned()));
        Ok(ReadyFile {
            file: Some(file),
            is_made,
            text,
        })
    }
}

impl ReadyFile {
    /// Leaves the file where it is: it was written again.
    pub(super) fn keep(mut self) {
        self.file = None;
    }
}

impl Drop for ReadyFile {
    /// A later start may have written its own in the meantime: that one stays.
    #[expect(
        clippy::disallowed_methods,
        reason = "files are where the command line says"
    )]
    fn drop(&mut self) {
        if let Some(path) = &self.file
            && path.metadata().is_ok_and(|file| file.is_file())
            && fs::read_to_string(path).is_ok_and(|text| text == self.text)
        {
            drop(match self.is_made {
                true => fs::remove_file(path),
                false => fs::write(path, ""),
            });
        }
    }
}

/// Removes the ready file of an earlier process; one that cannot be removed, as a mounted one, is emptied. Any other file stays.
///
/// # Errors
/// A file that can neither be removed nor written.
#[expect(
    clippy::disallowed_methods,
    reason = "files are where the command line says"
)]
pub(super) fn remove(path: &Path) -> Result<()> {
    let is_file = fs::metadata(path).is_ok_and(|file| file.is_file());
    let is_ready_file = |text: String| serde_json::from_str::<Ready>(&text).is_ok();
    if !is_file || !fs::read_to_string(path).is_ok_and(is_ready_file) {
        return Ok(());
    }
    let emptied = fs::remove_file(path).or_else(|_| fs::write(path, ""));
    emptied.map_err(|error| CliError::usage(format!("cannot remove {}: {error}", path.display())))
}

/// Writes a file, and returns its path if a regular file was made.
///
/// # Errors
/// A path that cannot be written, in words.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<Option<PathBuf>> {
    write_file(path, text.as_bytes())
        .map_err(|error| CliError::usage(format!("cannot write {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is read")]
    fn the_file_of_a_later_start_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        let ready = |pid| Ready {
            version: Ready::VERSION,
            pid,
            seed: Some(7),
            ca: None,
            control: None,
            health: "http://127.0.0.1:1".into(),
            appliances: Vec::new(),
        };
        let first = ready(1).write(&path).unwrap();
        let second = ready(2).write(&path).unwrap();
        drop(first);
        let left = r#"{"version":1,"pid":2,"seed":7,"ca":null,"control":null,"health":"http://127.0.0.1:1","appliances":[]}"#;
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{left}\n"));
        drop(second);
        assert!(
            fs::read_dir(folder.path()).unwrap().next().is_none(),
            "something was left behind"
        );
    }
}

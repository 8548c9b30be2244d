//! Watching fixtures by reading them: mounted folders give no notice of changes, and a few small files are cheap to read.

use std::{path::PathBuf, time::Duration};

use crate::cli::{
    error::{CliError, Result, read},
    fixture, mocks,
    mocks::Mock,
    serve::away,
};

/// Files and their content, in order.
pub(super) type Files = Vec<(PathBuf, Vec<u8>)>;

/// Reads fixtures again and again.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    seen: Result<Files, String>,
}

impl Watch {
    /// Watches files, and folders of them, from what was read of them before.
    pub(super) fn new(paths: Vec<PathBuf>, files: Files) -> Watch {
        let seen = Ok(files);
        Watch { paths, seen }
    }

    /// Waits until a file has changed, and returns the fixtures of all. A file that cannot be read is reported once.
    pub(super) async fn changed(&mut self) -> Result<Vec<Mock>> {
        loop {
            tokio::time::sleep(PAUSE).await;
            let paths = self.paths.clone();
            // A folder on a network may keep its reader waiting.
            let now = away(move || read_all(&paths)).await;
            let now = now.map_err(|error| error.to_string());
            if now != self.seen {
                self.seen.clone_from(&now);
                now.map_err(CliError::usage)?;
                let paths = self.paths.clone();
                return away(move || mocks::load(&paths, None)).await;
            }
        }
    }
}

/// Reads files, and those of folders.
///
/// # Errors
/// The first that cannot be read.
pub(super) fn read_all(paths: &[PathBuf]) -> Result<Files> {
    let files = fixture::files(paths)?.into_iter();
    files.map(|path| Ok((path.clone(), read(&path)?))).collect()
}

const PAUSE: Duration = Duration::from_millis(500);

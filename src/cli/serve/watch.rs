//! Watching fixtures by reading them: mounted folders give no notice of changes, and a few small files are cheap to read.

use std::{path::PathBuf, time::Duration};

use crate::cli::{
    error::{Result, read},
    fixture,
};

/// Files and their content, in order.
pub(super) type Files = Vec<(PathBuf, Vec<u8>)>;

/// Reads fixtures again and again.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    seen: std::result::Result<Files, String>,
}

impl Watch {
    /// Watches files, and folders of them, from what was read of them before.
    pub(super) fn new(paths: Vec<PathBuf>, files: Files) -> Watch {
        Watch {
            paths,
            seen: Ok(files),
        }
    }

    /// Waits until a file has changed, and returns all of them. A file that cannot be read is reported once.
    pub(super) async fn changed(&mut self) -> std::result::Result<Files, String> {
        loop {
            tokio::time::sleep(PAUSE).await;
            let paths = self.paths.clone();
            // Away from the threads that answer: a folder on a network may keep its reader waiting.
            let Ok(now) = tokio::task::spawn_blocking(move || read_all(&paths)).await else {
                continue;
            };
            let now = now.map_err(|error| error.to_string());
            if now != self.seen {
                self.seen.clone_from(&now);
                return now;
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

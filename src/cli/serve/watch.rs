//! Watching fixtures by reading them: mounted folders tell nobody when they change, and a few small files cost nothing to read.

use std::{path::PathBuf, time::Duration};

use crate::cli::fixture;

/// Files and what stands in them, in order.
pub(super) type Files = Vec<(PathBuf, Vec<u8>)>;

/// Looks again and again at what fixtures' files say.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    seen: Result<Files, String>,
}

impl Watch {
    /// Watches files, and folders of them, from what was read of them before.
    pub(super) fn new(paths: Vec<PathBuf>, files: Files) -> Watch {
        Watch {
            paths,
            seen: Ok(files),
        }
    }

    /// Waits until something has changed and returns how it now stands. What cannot be read is told once.
    pub(super) async fn changed(&mut self) -> Result<Files, String> {
        loop {
            tokio::time::sleep(PAUSE).await;
            let paths = self.paths.clone();
            // Away from the threads that answer: a folder on a network may keep its reader waiting.
            let Ok(now) = tokio::task::spawn_blocking(move || read(&paths)).await else {
                continue;
            };
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
#[expect(
    clippy::disallowed_methods,
    reason = "fixtures are read where the command line says"
)]
pub(super) fn read(paths: &[PathBuf]) -> Result<Files, String> {
    let read = |path: PathBuf| match std::fs::read(&path) {
        Ok(bytes) => Ok((path, bytes)),
        Err(error) => Err(format!("reading {}: {error}", path.display())),
    };
    fixture::files(paths)?.into_iter().map(read).collect()
}

const PAUSE: Duration = Duration::from_millis(500);

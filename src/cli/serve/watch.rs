//! Watching fixtures by reading them: mounted folders give no notice of changes, and a few small files are cheap to read.

use std::{path::PathBuf, time::Duration};

use crate::cli::{
    error::{CliError, Result, read},
    fixture, mocks,
    mocks::Mock,
    runtime,
    serve::ServeArgs,
};

/// Files and their content, in order.
type Files = Vec<(PathBuf, Vec<u8>)>;

/// Reads fixtures again and again.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    /// Files of failure modes: those of the command line, and those that the fixtures use.
    failures: Vec<PathBuf>,
    used: Vec<PathBuf>,
    seen: Result<Files, String>,
}

impl Watch {
    /// Watches the files of fixtures, and those of failure modes, from what was read of them before.
    pub(super) fn new(options: &ServeArgs, mocks: &[Mock]) -> Result<Watch> {
        let mut watch = Watch {
            paths: options.fixtures.clone(),
            failures: options.failures.clone(),
            used: used(mocks),
            seen: Ok(Vec::new()),
        };
        watch.seen = Ok(watch.reader()()?);
        Ok(watch)
    }

    /// Waits until a file has changed, and returns the fixtures of all. A file that cannot be read is reported once.
    pub(super) async fn changed(&mut self) -> Result<Vec<Mock>> {
        loop {
            tokio::time::sleep(PAUSE).await;
            // A folder on a network may keep its reader waiting.
            let now = runtime::on_blocking_thread(self.reader()).await;
            let now = now.map_err(|error| error.to_string());
            if now != self.seen {
                self.seen.clone_from(&now);
                now.map_err(CliError::usage)?;
                let paths = self.paths.clone();
                let mocks = runtime::on_blocking_thread(move || mocks::load(&paths, None)).await?;
                self.used = used(&mocks);
                return Ok(mocks);
            }
        }
    }

    /// Returns what reads all files, those of folders too; the first that cannot be read is an error.
    fn reader(&self) -> impl FnOnce() -> Result<Files> + Send + 'static {
        let paths = self.paths.clone();
        let further = [self.failures.clone(), self.used.clone()].concat();
        move || {
            let files = fixture::files(&paths)?.into_iter().chain(further);
            files.map(|path| Ok((path.clone(), read(&path)?))).collect()
        }
    }
}

/// Returns the files of failure modes that fixtures use.
fn used(mocks: &[Mock]) -> Vec<PathBuf> {
    let of = |(path, fixture): &Mock| {
        let beside = |name| Some(path.as_ref()?.with_file_name(name));
        fixture.uses.iter().filter_map(beside).collect::<Vec<_>>()
    };
    mocks.iter().flat_map(of).collect()
}

const PAUSE: Duration = Duration::from_millis(500);

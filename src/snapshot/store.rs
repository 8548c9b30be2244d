//! The accepted answers that a run is compared with: a folder of snapshots, the built-in ones, or none.

use super::{Header, Snapshot, SnapshotError, SnapshotFolder, diff, file, parse, same};
use crate::contract::Kind;

/// Where a run finds its snapshots, and what it may write.
#[derive(Debug)]
pub enum SnapshotStore {
    /// The built-in snapshots: compared, never written.
    BuiltIn(Kind),
    /// A folder, what may be written there, and who owns it.
    Folder(SnapshotFolder, UpdateMode, SnapshotOwner),
    /// No snapshots: nothing is new, nothing is written.
    None,
}

/// Who owns the snapshots of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotOwner {
    /// A target. No test names its snapshots, so that `cargo insta test --unreferenced=delete` leaves them alone.
    Target,
    /// The tests of this project, for the unchanged built-in mock.
    Tests,
}

/// What a run may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Every snapshot.
    All,
    /// Missing snapshots.
    New,
    /// Nothing.
    No,
    /// New and changed snapshots, as pending files for review.
    Pending,
}

/// What became of an answer's snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotWrite {
    /// Nothing was to be written.
    Nothing,
    /// It waits for review.
    Pending,
    /// It is a deviation, or no answer came: it is not written.
    Withheld,
    /// It is the accepted one now.
    Written,
}

/// How an answer compares with its snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotComparison {
    /// It differs; the lines that differ.
    Changed(String),
    /// There is no snapshot.
    New,
    /// It is the same.
    Same,
}

impl SnapshotStore {
    /// Compares the exchanges of a case with its snapshot; none without a store.
    ///
    /// # Errors
    /// The snapshot cannot be read.
    pub fn compare(
        &self,
        id: &str,
        body: &str,
    ) -> Result<Option<SnapshotComparison>, SnapshotError> {
        Ok(match self.read(id)? {
            None if matches!(self, SnapshotStore::None) => None,
            None => Some(SnapshotComparison::New),
            Some(old) if same(&old.body, body) => Some(SnapshotComparison::Same),
            Some(old) => Some(SnapshotComparison::Changed(diff(&old.body, body))),
        })
    }

    /// Writes the exchanges of a case, as far as that is allowed. An unknown deviation is never written, not even for review, so that
    /// nobody accepts it by mistake.
    ///
    /// # Errors
    /// The snapshot cannot be written.
    pub fn update(
        &self,
        id: &str,
        header: Header,
        body: &str,
        comparison: &SnapshotComparison,
        is_unknown_deviation: bool,
    ) -> Result<SnapshotWrite, SnapshotError> {
        let SnapshotStore::Folder(folder, update, owner) = self else {
            return Ok(SnapshotWrite::Nothing);
        };
        // The tests' own snapshots have the same bytes as `cargo test` writes.
        let source = (*owner == SnapshotOwner::Tests).then(|| SOURCE.to_owned());
        let text = || file(&Header { source, ..header }, body);
        match (update, comparison) {
            (UpdateMode::No, _) => return Ok(SnapshotWrite::Nothing),
            _ if is_unknown_deviation => {
                folder.drop_pending(id)?;
                let is_asked = matches!(update, UpdateMode::All | UpdateMode::New);
                if is_asked && *comparison == SnapshotComparison::New {
                    return Ok(SnapshotWrite::Withheld);
                }
            }
            (UpdateMode::New, SnapshotComparison::Changed(_)) => {}
            (_, SnapshotComparison::Same) => drop(folder.drop_pending(id)?),
            (UpdateMode::All | UpdateMode::New, _) => {
                folder.write(id, &text())?;
                return Ok(SnapshotWrite::Written);
            }
            (UpdateMode::Pending, _) => {
                folder.write_pending(id, &text())?;
                return Ok(SnapshotWrite::Pending);
            }
        }
        Ok(SnapshotWrite::Nothing)
    }

    /// Returns whether changed answers are written at once: the user has decided already.
    pub fn accepts_changes(&self) -> bool {
        matches!(self, SnapshotStore::Folder(_, UpdateMode::All, _))
    }

    /// Returns the ids of snapshots that none of these cases has.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn gone(&self, cases: &[&str]) -> Result<Vec<String>, SnapshotError> {
        let mut ids = match self {
            SnapshotStore::BuiltIn(kind) => built_in(*kind)
                .iter()
                .map(|(id, _)| (*id).to_owned())
                .collect(),
            SnapshotStore::Folder(folder, ..) => folder.ids()?,
            SnapshotStore::None => Vec::new(),
        };
        ids.retain(|id| !cases.contains(&id.as_str()));
        Ok(ids)
    }

    /// Returns the snapshot of a case, if it has one.
    ///
    /// # Errors
    /// The snapshot cannot be read.
    pub fn read(&self, id: &str) -> Result<Option<Snapshot>, SnapshotError> {
        match self {
            SnapshotStore::BuiltIn(kind) => {
                let all = built_in(*kind);
                let index = all.binary_search_by(|(known, _)| (*known).cmp(id));
                Ok(index.ok().and_then(|index| parse(all[index].1).ok()))
            }
            SnapshotStore::Folder(folder, ..) => folder.read(id),
            SnapshotStore::None => Ok(None),
        }
    }

    /// Returns the folder in which snapshots may wait for review, as `--snapshots` takes it.
    pub fn folder(&self) -> Option<String> {
        match self {
            SnapshotStore::Folder(folder, ..) => Some(folder.folder().display().to_string()),
            SnapshotStore::BuiltIn(_) | SnapshotStore::None => None,
        }
    }
}

/// Returns the built-in snapshots, each with name and text, in the order of the names.
fn built_in(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Console => embedded::CONSOLE,
        Kind::Sensor => embedded::SENSOR,
    }
}

/// The test that asserts the same snapshots.
const SOURCE: &str = "tests/snapshots.rs";

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/snapshots.rs"));
}

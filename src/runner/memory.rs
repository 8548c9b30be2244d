//! What answers were like when a person last looked: a folder of snapshots, the copy inside the binary, or nothing.

use crate::{
    conformance::suite::Located,
    contract::Kind,
    report::{Conformance, Regression},
    runner::Ran,
    snapshot,
    snapshot::{Header, Snapshot, SnapshotError, SnapshotFolder},
};

/// Where a run finds its snapshots, and what it may write.
#[derive(Debug)]
pub enum Memory {
    /// The copy inside the binary: compared, never written.
    BuiltIn(Kind),
    /// A folder, what may be written there, and whose snapshots they are.
    Folder(SnapshotFolder, Update, Owner),
    /// None: nothing is new, nothing is written, conformance alone decides.
    Nothing,
}

/// Whose snapshots a folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A target's: no test of ours names them, and `cargo insta test --unreferenced=delete` must leave them alone.
    Target,
    /// The tests' of this project: the unchanged built-in mock's.
    Tests,
}

/// What a run may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Every snapshot, as it is now.
    All,
    /// Snapshots that are missing.
    New,
    /// Nothing.
    No,
    /// What is new or changed, beside the snapshots, for a person to review.
    Pending,
}

impl Memory {
    /// Holds a case's exchanges against its snapshot and writes what may be written. Tells whether something waits to be reviewed.
    ///
    /// # Errors
    /// A snapshot that cannot be read or written.
    pub(super) fn hold(&self, located: &Located, ran: &mut Ran) -> Result<bool, SnapshotError> {
        let id = located.case.id.as_str();
        let Some(body) = &ran.snapshot else {
            return Ok(false);
        };
        // Nearly always; neither has to be read then.
        if let Memory::BuiltIn(kind) = self
            && embedded::text(*kind, id).is_some_and(|text| snapshot::holds(text, body))
        {
            ran.result.regression = Some(Regression::Same);
            return Ok(false);
        }
        let Some(old) = self.read(id)? else {
            ran.result.regression = (!matches!(self, Memory::Nothing)).then_some(Regression::New);
            return self.write(located, body, Regression::New, is_unknown(ran));
        };
        let regression = if snapshot::same(&old.body, body) {
            Regression::Same
        } else {
            Regression::Changed
        };
        if regression == Regression::Changed {
            ran.result.difference = snapshot::diff(&old.body, body);
        }
        ran.result.regression = Some(regression);
        self.write(located, body, regression, is_unknown(ran))
    }

    /// Tells whether what is changed is written down as it is now: whoever asked for that has decided already.
    pub(super) fn takes_changes(&self) -> bool {
        matches!(self, Memory::Folder(_, Update::All, _))
    }

    /// Returns the ids of snapshots of which no case is among these.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn gone(&self, cases: &[&str]) -> Result<Vec<String>, SnapshotError> {
        Ok(self
            .ids()?
            .into_iter()
            .filter(|id| !cases.contains(&id.as_str()))
            .collect())
    }

    /// Returns the ids of all snapshots there are.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn ids(&self) -> Result<Vec<String>, SnapshotError> {
        match self {
            Memory::BuiltIn(kind) => Ok(embedded::of(*kind)
                .iter()
                .map(|(id, _)| (*id).to_owned())
                .collect()),
            Memory::Folder(folder, ..) => folder.ids(),
            Memory::Nothing => Ok(Vec::new()),
        }
    }

    pub(super) fn read(&self, id: &str) -> Result<Option<Snapshot>, SnapshotError> {
        match self {
            Memory::BuiltIn(kind) => {
                Ok(embedded::text(*kind, id).and_then(|text| snapshot::parse(text).ok()))
            }
            Memory::Folder(folder, ..) => folder.read(id),
            Memory::Nothing => Ok(None),
        }
    }

    /// Returns the folder in which something may wait to be reviewed, as `--snapshots` takes it.
    pub(super) fn folder(&self) -> Option<String> {
        match self {
            Memory::Folder(folder, ..) => Some(folder.folder().display().to_string()),
            Memory::BuiltIn(_) | Memory::Nothing => None,
        }
    }

    /// A deviation that nobody knows is never written, not even to be reviewed: nobody can then accept it by oversight.
    fn write(
        &self,
        located: &Located,
        body: &str,
        regression: Regression,
        is_unknown: bool,
    ) -> Result<bool, SnapshotError> {
        let Memory::Folder(folder, update, owner) = self else {
            return Ok(false);
        };
        let id = located.case.id.as_str();
        if is_unknown && *update != Update::No {
            return folder.drop_pending(id).map(|_| false);
        }
        let text = || snapshot::file(&header(located, *owner), body);
        match (update, regression) {
            (Update::No, _) | (Update::New, Regression::Changed) => Ok(false),
            (_, Regression::Same) => folder.drop_pending(id).map(|_| false),
            (Update::All, _) | (Update::New, Regression::New) => {
                folder.write(id, &text()).map(|()| false)
            }
            (Update::Pending, _) => folder.write_pending(id, &text()).map(|()| true),
        }
    }
}

fn is_unknown(ran: &Ran) -> bool {
    ran.result.conformance == Conformance::Deviation && ran.result.known.is_none()
}

/// The head of a case's snapshot file: the tests' is what `cargo test` writes, so that both give the same bytes.
pub fn header(located: &Located, owner: Owner) -> Header {
    let source = (owner == Owner::Tests).then(|| SOURCE.to_owned());
    Header {
        source,
        description: located.case.title.clone(),
        input_file: located.file.to_owned(),
    }
}

/// The test that asserts the same files.
const SOURCE: &str = "tests/snapshots.rs";

/// The snapshots as compiled in, name and text of each, in the order of the names.
mod embedded {
    use crate::contract::Kind;

    include!(concat!(env!("OUT_DIR"), "/snapshots.rs"));

    pub(super) fn of(kind: Kind) -> &'static [(&'static str, &'static str)] {
        match kind {
            Kind::Console => CONSOLE,
            Kind::Sensor => SENSOR,
        }
    }

    pub(super) fn text(kind: Kind, id: &str) -> Option<&'static str> {
        let all = of(kind);
        let index = all.binary_search_by(|(known, _)| (*known).cmp(id)).ok()?;
        Some(all[index].1)
    }
}

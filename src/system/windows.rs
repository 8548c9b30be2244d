//! Windows: no limits of descriptors; files have the permissions of the folder that they are made in.

#[cfg(feature = "cli")]
mod process;
#[cfg(feature = "cli")]
mod signals;

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io,
    path::Path,
};

#[cfg(feature = "cli")]
pub(crate) use process::{Group, Process, ending, from_units, is_exhausted, open_at_once, units};
#[cfg(feature = "cli")]
pub(crate) use signals::Signals;

/// The variables that name a folder for what a program keeps of its runs, the first first, and what is below it.
pub(crate) const STATE_FOLDERS: [(&str, &str); 2] = [("XDG_STATE_HOME", ""), ("LOCALAPPDATA", "")];

/// Returns how many descriptors the process may have: there is no limit.
pub(crate) fn descriptor_limit() -> Option<u64> {
    None
}

/// Returns the limit of open descriptors, where there is one to raise: there is none.
pub fn raise_descriptor_limit() -> Option<u64> {
    None
}

/// Opens a file; one that is created has the permissions of its folder, and those of users' folders are for them alone.
pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Creates a folder with the permissions of the one that it is in.
pub(crate) fn create_private_folder(builder: &mut DirBuilder, path: &Path) -> io::Result<()> {
    builder.create(path)
}

/// Names need no wait: the file system keeps a journal of them, and folders cannot be opened as files.
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Warns that access lists are not read.
pub(crate) fn other_readers(_: &Metadata, path: &Path) -> Option<[String; 2]> {
    let shown = path.display();
    tracing::warn!("who may read {shown} is not checked on Windows; `icacls {shown}` shows it");
    None
}

/// Access lists are not read.
#[cfg(feature = "cli")]
pub(crate) fn other_writers(_: &Metadata, _: &Path) -> Option<[String; 2]> {
    None
}

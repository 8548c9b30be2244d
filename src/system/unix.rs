//! Unix: modes of files, limits of descriptors.

#[cfg(feature = "cli")]
mod process;
#[cfg(feature = "cli")]
mod signals;

use std::{
    fs::{DirBuilder, File, Metadata, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::Path,
};

#[cfg(feature = "cli")]
pub(crate) use process::{Group, Process, ending, from_units, is_exhausted, open_at_once, units};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
#[cfg(feature = "cli")]
pub(crate) use signals::Signals;

/// The variables that name a folder for what a program keeps of its runs, the first first, and what is below it.
pub(crate) const STATE_FOLDERS: [(&str, &str); 2] =
    [("XDG_STATE_HOME", ""), ("HOME", ".local/state")];

/// Returns how many descriptors the process may have; `None` is no limit.
pub(crate) fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Raises the process's limit of open descriptors as far as it may go without privileges, and returns it; `None` is no limit.
///
/// To be called before the first [`Limits::default`](crate::server::Limits). Where the system refuses, the old limit stays and is returned.
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    if is_raised { maximum } else { current }
}

/// Opens a file that only its owner may read if it is created.
pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.mode(0o600).open(path)
}

/// Creates a folder that only its owner may enter.
pub(crate) fn create_private_folder(builder: &mut DirBuilder, path: &Path) -> io::Result<()> {
    builder.mode(0o700).create(path)
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Tells who else may read a private file, and a hint; root's own may be read by its group.
pub(crate) fn other_readers(metadata: &Metadata, path: &Path) -> Option<[String; 2]> {
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != own && owner != 0 {
        return Some([
            format!("belongs to another user (id {owner}), expected your own (id {own})"),
            "copy it to a file of your own".to_owned(),
        ]);
    }
    let mode = metadata.mode() & 0o7777;
    // What root owns was opened by a group of ours: Kubernetes mounts secrets for a pod's user so.
    let (refused, others, right) = match owner == own {
        true => (0o077, "group or others", "600"),
        false => (0o037, "others", "440"),
    };
    (mode & refused != 0).then(|| {
        [
            format!("has mode {mode:03o}, expected no access for {others}"),
            format!("chmod {right} {}", path.display()),
        ]
    })
}

/// Tells that others may write a file, and a hint.
#[cfg(feature = "cli")]
pub(crate) fn other_writers(metadata: &Metadata, path: &Path) -> Option<[String; 2]> {
    let mode = metadata.mode() & 0o7777;
    (mode & 0o022 != 0).then(|| {
        [
            format!("has mode {mode:03o}, expected that only its owner can write it"),
            format!("chmod go-w {}", path.display()),
        ]
    })
}

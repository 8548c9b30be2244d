//! Writing a file in one piece, whatever stands at its path.

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::journal::lock;

/// The files that a user's command has read.
static INPUTS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Keeps a file that was read from being replaced by a report or another output.
#[cfg(feature = "cli")]
pub(crate) fn protect(path: &Path) {
    lock(&INPUTS).extend(fs::canonicalize(path));
}

/// Returns a path without links and detours. The file need not exist.
pub(crate) fn real_path(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = || fs::canonicalize(folder.unwrap_or(Path::new("."))).ok();
    let in_folder = || Some(folder()?.join(path.file_name()?));
    let whole = fs::canonicalize(path).ok().or_else(in_folder);
    whole.unwrap_or_else(|| path.to_owned())
}

fn refuse_input(path: &Path) -> io::Result<()> {
    match lock(&INPUTS).contains(path) {
        true => Err(io::Error::other("it is a file that is read: name another")),
        false => Ok(()),
    }
}

/// Opens a file by options, perhaps for its owner alone.
pub(crate) type OpenFile = fn(&mut fs::OpenOptions, &Path) -> io::Result<fs::File>;

/// Writes a file and returns its path if a regular file was made.
///
/// A regular file is replaced by renaming a temporary one over it, so that nobody reads half of it. A symbolic link is
/// followed. A device, a FIFO, and a file that cannot be renamed over (a bind mount) are written directly.
///
/// # Errors
/// The system's.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
    write_file_by(path, bytes, open)
}

/// As [`write_file`]; `open` makes the file.
pub(crate) fn write_file_by(
    path: &Path,
    bytes: &[u8],
    open: OpenFile,
) -> io::Result<Option<PathBuf>> {
    let path = real_path(path);
    refuse_input(&path)?;
    let write = || {
        let mut options = fs::OpenOptions::new();
        open(options.write(true).create(true).truncate(true), &path)?.write_all(bytes)
    };
    let exists = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() && !is_of_the_system(&path) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        // What it leads to is not there yet, or has no path, as a pipe behind `/dev/stdout`.
        Ok(metadata) if metadata.is_symlink() => {
            let is_there = path.exists();
            write()?;
            return Ok(fs::canonicalize(&path).ok().filter(|_| !is_there));
        }
        _ => return write().map(|()| None),
    };
    match replace(&path, bytes, open) {
        Err(error) if exists && !is_out_of_space(&error) => write().map(|()| None),
        replaced => replaced.map(|()| Some(path)),
    }
}

/// Makes sure that a file could be written, and leaves no trace but the folders that were missing.
///
/// # Errors
/// The system's.
#[cfg(feature = "cli")]
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    refuse_input(&real_path(path))?;
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        // A device or a FIFO must not be opened before there is something to write.
        Ok(metadata) if !metadata.is_file() => return Ok(()),
        Ok(_) => return fs::OpenOptions::new().append(true).open(path).map(drop),
        Err(_) => {}
    }
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let (temporary, _) = temporary(path, open)?;
    fs::remove_file(temporary)
}

fn open(options: &mut fs::OpenOptions, path: &Path) -> io::Result<fs::File> {
    options.open(path)
}

fn replace(path: &Path, bytes: &[u8], open: OpenFile) -> io::Result<()> {
    let (temporary, mut file) = temporary(path, open)?;
    let written = file.write_all(bytes);
    written
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| drop(fs::remove_file(&temporary)))
}

/// Makes a hidden file in the same folder.
fn temporary(path: &Path, open: OpenFile) -> io::Result<(PathBuf, fs::File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".{name}.{}.{count}.tmp", process::id()));
        let mut options = fs::OpenOptions::new();
        match open(options.write(true).create_new(true), &temporary) {
            // Left behind by a process of the same number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (temporary, file)),
        }
    }
}

/// `/dev/stdout` may lead to a regular file that others have open.
fn is_of_the_system(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

fn is_out_of_space(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files are read back")]
mod tests {
    use std::{os::unix::fs::symlink, thread};

    use super::*;

    #[test]
    fn a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "old").unwrap();

        let made = write_file(&path, b"new").unwrap();

        assert_eq!(made, Some(path.canonicalize().unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_symbolic_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let [real, link, dangling] =
            ["real.json", "link.json", "dangling.json"].map(|name| folder.path().join(name));
        fs::write(&real, "old").unwrap();
        symlink("real.json", &link).unwrap();
        symlink("made.json", &dangling).unwrap();

        write_file(&link, b"new").unwrap();
        let made = write_file(&dangling, b"new").unwrap();

        assert!(made.is_some_and(|path| path.ends_with("made.json")));
        assert!(link.is_symlink() && dangling.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::read_to_string(&dangling).unwrap(), "new");
    }

    #[test]
    fn a_fifo_stays_a_fifo() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, 0o600.into()).unwrap();
        let reader = thread::spawn({
            let path = path.clone();
            move || fs::read_to_string(path).unwrap()
        });

        let made = write_file(&path, b"new").unwrap();

        assert_eq!((made, reader.join().unwrap().as_str()), (None, "new"));
        assert!(!fs::symlink_metadata(&path).unwrap().is_file());
    }
}

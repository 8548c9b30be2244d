//! Where journals stand: a folder of the user's state, outside every project, readable by its owner alone.

use std::{
    env, fs,
    fs::{File, OpenOptions, TryLockError},
    io,
    io::Write,
    path::{Path, PathBuf},
};

use reqwest::Url;
use sha2::{Digest, Sha256};

/// The folder of the journals.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
}

/// What a target's files are called: its host and port, readable, and a digest of its whole address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// Held while a run is at a target; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Key {
    /// Names a target. The scheme does not matter: behind both stands one appliance.
    pub fn of(target: &Url) -> Key {
        let host = target.host_str().unwrap_or_default().to_ascii_lowercase();
        let port = target.port_or_known_default().unwrap_or_default();
        let path = target.path().trim_end_matches('/');
        let digest = Sha256::digest(format!("{host}:{port}{path}"));
        let digits: String = digest
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let plain: String = host
            .chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() || letter == '.' {
                    letter
                } else {
                    '-'
                }
            })
            .collect();
        Key(format!("{plain}_{port}-{digits}"))
    }
}

impl Shelf {
    /// Finds the folder: `$XDG_STATE_HOME/d4iot-double/journals`, else under `~/.local/state`; makes it where it is not.
    ///
    /// # Errors
    /// No such folder can be had, in words.
    pub fn find() -> Result<Shelf, String> {
        let absolute = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
        let folder = state
            .ok_or("neither XDG_STATE_HOME nor HOME names a folder, so no journal can be kept")?
            .join("d4iot-double/journals");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&folder)
            .map_err(|error| format!("making {}: {error}", folder.display()))?;
        Ok(Shelf { folder })
    }

    /// Takes a folder that is there.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Shelf {
        Shelf {
            folder: folder.into(),
        }
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns where a target's journal stands, or would.
    pub fn journal(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.journal", key.0))
    }

    /// Returns every journal, in the order of their names.
    ///
    /// # Errors
    /// The folder cannot be listed, in words.
    pub fn journals(&self) -> Result<Vec<PathBuf>, String> {
        let listing = |error: io::Error| format!("listing {}: {error}", self.folder.display());
        let mut journals = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(listing)? {
            let path = entry.map_err(listing)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "journal")
            {
                journals.push(path);
            }
        }
        journals.sort();
        Ok(journals)
    }

    /// Takes a target's lock; none where another process has it.
    ///
    /// # Errors
    /// The lock file cannot be opened, in words.
    pub fn lock(&self, key: &Key) -> Result<Option<Lock>, String> {
        lock(&self.folder.join(format!("{}.lock", key.0)))
    }
}

/// Takes the lock that belongs to a journal; none where another process has it.
///
/// # Errors
/// The lock file cannot be opened, in words.
pub fn lock_of(journal: &Path) -> Result<Option<Lock>, String> {
    lock(&journal.with_extension("lock"))
}

fn lock(path: &Path) -> Result<Option<Lock>, String> {
    let doing = |error: io::Error| format!("locking {}: {error}", path.display());
    let file = private(
        OpenOptions::new().create(true).truncate(false).write(true),
        path,
    )
    .map_err(doing)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(doing(error)),
    }
}

/// Makes a file that nobody but its owner may read, writes it, and waits until it and its name are on the disk.
pub(super) fn make(path: &Path, text: &str) -> io::Result<File> {
    let mut file = private(OpenOptions::new().create_new(true).append(true), path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    settle(path)?;
    Ok(file)
}

/// Waits until a folder's names are on the disk.
pub(super) fn settle(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::scheme("https://10.0.0.5:80", "http://10.0.0.5", true)]
    #[case::case("https://Sensor.lab/", "https://sensor.lab", true)]
    #[case::port("https://10.0.0.5", "https://10.0.0.5:8443", false)]
    #[case::tunnel("https://10.0.0.5/10.1.0.7", "https://10.0.0.5", false)]
    fn one_target_has_one_key(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        assert_eq!(
            Key::of(&one.parse().unwrap()) == Key::of(&other.parse().unwrap()),
            same
        );
    }
}

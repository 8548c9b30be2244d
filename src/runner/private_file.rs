//! Files with secrets: read only if nobody but their owner may read them, or nobody but root and a group of ours.

use std::{fs::File, io::Read, path::Path};

use thiserror::Error;

use crate::system;

/// Why a private file cannot be used. The text shows nothing of its content.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct PrivateFileError(String);

/// Reads a private file. `what` is its name in messages, `the accounts file`; the hint says why it must be a regular file.
///
/// # Errors
/// The file cannot be read, is not a regular file, or others than its owner may read it; root's own may be read by its group, too.
pub fn read(path: &Path, what: &str, why_regular: &str) -> Result<String, PrivateFileError> {
    let shown = path.display();
    let doing = |error| PrivateFileError(format!("reading {what} {shown}: {error}"));
    let mut file = File::open(path).map_err(doing)?;
    // The file that was opened is checked, not the path, which may change meanwhile.
    let metadata = file.metadata().map_err(doing)?;
    if !metadata.is_file() {
        let text = format!("{what} {shown} is not a regular file\n  hint: {why_regular}");
        return Err(PrivateFileError(text));
    }
    if let Some([fault, hint]) = system::other_readers(&metadata, path) {
        let text = format!("{what} {shown} {fault}\n  hint: {hint}");
        return Err(PrivateFileError(text));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(doing)?;
    Ok(text)
}

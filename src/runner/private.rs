//! Files that hold secrets: read only where nobody but their owner may.

use std::{fs::File, io::Read, path::Path};

/// Reads a private file; `what` is what messages call it, `the accounts file`.
///
/// # Errors
/// In words: a file that cannot be read, that is no plain file, or that others than its owner may use. No error shows what stands in it.
pub fn read(path: &Path, what: &str, why_plain: &str) -> Result<String, String> {
    let shown = path.display();
    let doing = |error: std::io::Error| format!("reading {what} {shown}: {error}");
    let mut file = File::open(path).map_err(doing)?;
    // Of the file that was opened, not of the path: a link between the two questions changes nothing.
    let metadata = file.metadata().map_err(doing)?;
    if !metadata.is_file() {
        return Err(format!(
            "{what} {shown} is no plain file\n  hint: {why_plain}"
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(format!(
                "{what} {shown} has mode {mode:03o}, expected no access for group or others\n  hint: chmod 600 {shown}"
            ));
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(doing)?;
    Ok(text)
}

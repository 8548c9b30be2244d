//! The entries of a JSON file, one after the other, whatever its size: what stands outside of them is passed over.
//!
//! An entry is an object in the list `entries` of the whole or of an object in it (`log.entries`), or in a list that is the whole. Only
//! the extent of each is found here; an entry that is no JSON in itself spoils no other.

use std::io::BufRead;

use crate::runner::capture::{CaptureError, MAX_ENTRY};

/// Calls for each entry with its bytes; with none for one that is too long to be read.
///
/// # Errors
/// The file cannot be read, is no JSON, or has no list of entries.
pub(super) fn each(
    input: &mut impl BufRead,
    mut call: impl FnMut(Option<&[u8]>),
) -> Result<FileEnding, CaptureError> {
    let mut scan = Scan::default();
    loop {
        let chunk = input.fill_buf().map_err(CaptureError::Read)?;
        if chunk.is_empty() {
            break;
        }
        let length = chunk.len();
        for byte in chunk {
            if scan.take(*byte)? {
                let is_whole = scan.entry.len() <= MAX_ENTRY;
                call(is_whole.then_some(&scan.entry));
                scan.entry.clear();
            }
        }
        input.consume(length);
    }
    if !scan.has_list {
        return Err(CaptureError::NoEntries);
    }
    Ok(match (scan.depth, scan.in_entry) {
        (0, _) => FileEnding::Whole,
        (_, false) => FileEnding::Cut,
        (_, true) => FileEnding::CutInEntry,
    })
}

/// How a file ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileEnding {
    Whole,
    /// Between entries, or behind them.
    Cut,
    CutInEntry,
}

#[derive(Default)]
struct Scan {
    place: u64,
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    /// The beginning of the last text outside of entries, which may be a name.
    name: Vec<u8>,
    /// The depth inside of the list of entries.
    list: Option<usize>,
    has_list: bool,
    in_entry: bool,
    /// The entry so far, and one byte more than may be read of a longer one.
    entry: Vec<u8>,
}

impl Scan {
    /// Takes a byte in, and tells whether an entry ends with it.
    fn take(&mut self, byte: u8) -> Result<bool, CaptureError> {
        self.place += 1;
        let starts = !self.in_text && byte == b'{' && self.list == Some(self.depth);
        self.in_entry |= starts;
        if self.in_entry && self.entry.len() <= MAX_ENTRY {
            self.entry.push(byte);
        }
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ if !self.in_entry && self.name.len() < MAX_NAME => self.name.push(byte),
                _ => {}
            }
            return Ok(false);
        }
        match byte {
            b'"' => {
                self.in_text = true;
                self.name.clear();
            }
            b'[' | b'{' => {
                let is_entries = self.depth == 0 || self.depth <= 2 && self.name == b"entries";
                if byte == b'[' && is_entries && self.list.is_none() {
                    self.list = Some(self.depth + 1);
                    self.has_list = true;
                }
                self.depth += 1;
            }
            b']' | b'}' => {
                let no_json = CaptureError::NoJson(self.place);
                self.depth = self.depth.checked_sub(1).ok_or(no_json)?;
                if self.in_entry && self.list == Some(self.depth) {
                    self.in_entry = false;
                    return Ok(true);
                }
                if self.list.is_some_and(|list| self.depth < list) {
                    self.list = None;
                }
            }
            _ => {}
        }
        Ok(false)
    }
}

/// How much of a name is compared.
const MAX_NAME: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn entries(text: &str) -> Result<(Vec<String>, FileEnding), CaptureError> {
        let mut found = Vec::new();
        let ending = each(&mut text.as_bytes(), |entry| {
            let entry = entry.map(|entry| String::from_utf8_lossy(entry).into_owned());
            found.push(entry.unwrap_or_default());
        })?;
        Ok((found, ending))
    }

    #[rstest]
    #[case::har(r#"{"log": {"x": [1], "entries": [{"a": "}]\""}, {"b": [{}]}]}}"#, &[r#"{"a": "}]\""}"#, r#"{"b": [{}]}"#], FileEnding::Whole)]
    #[case::journal(r#"{"entries": [{"a": 1}], "count": 1}"#, &[r#"{"a": 1}"#], FileEnding::Whole)]
    #[case::a_list(r#"[{"a": 1}, 7, {}]"#, &[r#"{"a": 1}"#, "{}"], FileEnding::Whole)]
    #[case::none(r#"{"log": {"entries": []}}"#, &[], FileEnding::Whole)]
    #[case::of_pages_are_none(r#"{"log": {"pages": [{"entries": [{"a": 1}]}], "entries": [{}]}}"#, &["{}"], FileEnding::Whole)]
    #[case::cut(r#"{"log": {"entries": [{}, {"a": "#, &["{}"], FileEnding::CutInEntry)]
    #[case::cut_behind(r#"{"log": {"entries": [{}],"#, &["{}"], FileEnding::Cut)]
    fn entries_are_found(
        #[case] text: &str,
        #[case] expected: &[&str],
        #[case] ending: FileEnding,
    ) {
        let (found, end) = entries(text).unwrap();
        assert_eq!(
            (found.iter().map(String::as_str).collect::<Vec<_>>(), end),
            (expected.to_vec(), ending)
        );
    }

    #[rstest]
    #[case(r#"{"log": {}}"#)]
    #[case("{}")]
    #[case("{}}")]
    fn a_file_without_entries_is_an_error(#[case] text: &str) {
        assert!(entries(text).is_err());
    }

    #[test]
    fn a_long_entry_and_a_deep_one_are_bounded() {
        let long = format!(r#"[{{"a": "{}"}}, {{}}]"#, "x".repeat(MAX_ENTRY));
        assert_eq!(entries(&long).unwrap().0, ["", "{}"]);
        let deep = format!(r#"{{"entries": [{{"a": {}"#, "[".repeat(1 << 20));
        assert_eq!(entries(&deep).unwrap().1, FileEnding::CutInEntry);
    }
}

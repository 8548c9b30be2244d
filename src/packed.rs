//! Texts that the binary carries and most commands read nothing of: packed by the build script, unpacked when one is asked for.

use std::io::Read;
use std::sync::LazyLock;

use flate2::read::DeflateDecoder;

/// Named texts, unpacked at the first look. To be kept in a static: what it returns stays.
#[derive(Debug)]
pub struct Packed(LazyLock<String, fn() -> String>);

impl Packed {
    /// Takes texts in, by a function that unpacks them.
    pub const fn new(unpack: fn() -> String) -> Packed {
        Packed(LazyLock::new(unpack))
    }

    /// Returns name and text of each, in the order of the names.
    pub fn texts(&'static self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.0.split_terminator('\u{1e}').filter_map(|one| one.split_once('\u{1f}'))
    }

    /// Returns the text of that name.
    pub fn text(&'static self, name: &str) -> Option<&'static str> {
        self.texts().find(|(known, _)| *known == name).map(|(_, text)| text)
    }
}

/// Unpacks what the build script packed.
///
/// # Panics
/// Never on that: it is a deflated text.
pub fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    DeflateDecoder::new(packed).read_to_string(&mut text).expect("the build script packed it");
    text
}

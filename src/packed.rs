//! Texts that the binary carries and most commands read nothing of: packed by the build script, unpacked when one is asked for.

use std::{
    io::Read,
    sync::{LazyLock, OnceLock},
};

use flate2::read::DeflateDecoder;

/// Named texts, unpacked at the first look. To be kept in a static: what it returns stays.
#[derive(Debug)]
pub struct Packed {
    text: LazyLock<String, fn() -> String>,
    /// Name and text of each, in the order of the names.
    texts: OnceLock<Vec<(&'static str, &'static str)>>,
}

impl Packed {
    /// Takes texts in, by a function that unpacks them.
    pub const fn new(unpack: fn() -> String) -> Packed {
        Packed {
            text: LazyLock::new(unpack),
            texts: OnceLock::new(),
        }
    }

    /// Returns name and text of each, in the order of the names.
    pub fn texts(&'static self) -> &'static [(&'static str, &'static str)] {
        self.texts.get_or_init(|| {
            self.text
                .split_terminator('\u{1e}')
                .filter_map(|one| one.split_once('\u{1f}'))
                .collect()
        })
    }

    /// Returns the text of that name.
    pub fn text(&'static self, name: &str) -> Option<&'static str> {
        let texts = self.texts();
        texts
            .binary_search_by(|(known, _)| (*known).cmp(name))
            .ok()
            .map(|place| texts[place].1)
    }
}

/// Unpacks what the build script packed.
///
/// # Panics
/// Never on that: it is a deflated text.
pub fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    DeflateDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("the build script packed it");
    text
}

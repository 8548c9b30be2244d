//! The spellings that sinks give a secret, some of them at random; each as a writer of that form makes it.

use proptest::prelude::*;

/// What is decided by chance for each character.
pub(crate) type Dice = Vec<u8>;

/// A way to write a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As it is.
    Raw,
    /// The inside of a JSON string; what need not be escaped is so here and there, with hexadecimal digits of either case.
    Json,
    /// Percent-encoded: what must be, and here and there what need not, digits of either case.
    Percent,
    /// The same, blanks as plus signs.
    Query,
    /// Entities: the five by name, and here and there others by number, decimal or hexadecimal.
    Html,
    /// As Rust's `Debug` has it, `\u{e9}` here and there.
    Rust,
    /// One character this way, the next that.
    Mixed,
    /// With so many bytes of a neighbour before it, and of another behind; the second alphabet or the first.
    Base64 {
        before: usize,
        behind: usize,
        safe: bool,
    },
}

/// Any form that a secret itself may be in.
pub(crate) fn any_form() -> impl Strategy<Value = Form> {
    prop_oneof![
        1 => Just(Form::Raw),
        1 => Just(Form::Mixed),
        5 => any_outer_form(),
        2 => (0..7_usize, 0..4_usize, any::<bool>()).prop_map(|(before, behind, safe)| Form::Base64 { before, behind, safe }),
    ]
}

/// Any form that what is spelled already may be put into.
pub(crate) fn any_outer_form() -> impl Strategy<Value = Form> {
    prop_oneof![
        Just(Form::Json),
        Just(Form::Percent),
        Just(Form::Query),
        Just(Form::Html),
        Just(Form::Rust)
    ]
}

/// Writes a text in a form.
pub(crate) fn spell(text: &str, form: Form, dice: &Dice) -> String {
    let each = |write: fn(char, u8) -> String| {
        let dice = dice.iter().copied().cycle();
        text.chars()
            .zip(dice)
            .map(|(next, die)| write(next, die))
            .collect::<String>()
    };
    match form {
        Form::Raw => text.to_owned(),
        Form::Json => each(json),
        Form::Percent => each(percent),
        Form::Query => each(|next, die| {
            if next == ' ' {
                "+".to_owned()
            } else {
                percent(next, die)
            }
        }),
        Form::Html => each(html),
        Form::Rust => each(rust),
        Form::Mixed => each(mixed),
        Form::Base64 {
            before,
            behind,
            safe,
        } => {
            let whole = [
                "neighbour".as_bytes()[..before].to_vec(),
                text.as_bytes().to_vec(),
                b"next"[..behind].to_vec(),
            ]
            .concat();
            let whole = base64(&whole, dice.first().is_some_and(|die| die % 2 == 0));
            if safe {
                whole.replace('+', "-").replace('/', "_")
            } else {
                whole
            }
        }
    }
}

fn json(next: char, die: u8) -> String {
    match (next, die % 4) {
        ('"' | '\\', 0..3) => format!("\\{next}"),
        ('/', 0) => "\\/".to_owned(),
        ('\n', 0..3) => "\\n".to_owned(),
        ('\r', 0..3) => "\\r".to_owned(),
        ('\t', 0..3) => "\\t".to_owned(),
        ('\u{8}', 0..3) => "\\b".to_owned(),
        ('\u{c}', 0..3) => "\\f".to_owned(),
        (_, 3) => units(next, die),
        _ if next.is_control() => units(next, die),
        _ => next.to_string(),
    }
}

fn units(next: char, die: u8) -> String {
    let unit = |unit: &u16| {
        if die & 8 == 0 {
            format!("\\u{unit:04x}")
        } else {
            format!("\\u{unit:04X}")
        }
    };
    next.encode_utf16(&mut [0; 2]).iter().map(unit).collect()
}

fn percent(next: char, die: u8) -> String {
    let kept = next.is_ascii_alphanumeric() || "-_.~".contains(next);
    if (kept && !die.is_multiple_of(4))
        || (die.is_multiple_of(3) && next.is_ascii_graphic() && !"%+&".contains(next))
    {
        return next.to_string();
    }
    let byte = |byte: &u8| {
        if die & 8 == 0 {
            format!("%{byte:02x}")
        } else {
            format!("%{byte:02X}")
        }
    };
    next.encode_utf8(&mut [0; 4])
        .as_bytes()
        .iter()
        .map(byte)
        .collect()
}

fn html(next: char, die: u8) -> String {
    let number = u32::from(next);
    match (next, die % 6) {
        (_, 1) => format!("&#{number};"),
        (_, 2) => format!("&#x{number:x};"),
        (_, 3) => format!("&#X{number:X};"),
        (_, 4) => format!("&#{number:03};"),
        ('&', _) => "&amp;".to_owned(),
        ('<', _) => "&lt;".to_owned(),
        ('>', _) => "&gt;".to_owned(),
        ('"', _) => "&quot;".to_owned(),
        ('\'', _) => "&apos;".to_owned(),
        _ => next.to_string(),
    }
}

fn rust(next: char, die: u8) -> String {
    let number = u32::from(next);
    match next {
        '"' | '\\' => format!("\\{next}"),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\0' => "\\0".to_owned(),
        _ if next.is_control() || die.is_multiple_of(3) => format!("\\u{{{number:x}}}"),
        _ => next.to_string(),
    }
}

/// What begins an escape in one form is written in a form that is decoded after it, so that there is one way to read it.
fn mixed(next: char, die: u8) -> String {
    match (next, die % 4) {
        ('%' | '&' | '\\' | '+', _) => format!("&#{};", u32::from(next)),
        (_, 0) => units(next, die),
        (_, 1) => next
            .encode_utf8(&mut [0; 4])
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect(),
        (_, 2) => format!("&#x{:x};", u32::from(next)),
        _ => next.to_string(),
    }
}

/// RFC 4648 section 4, with padding or without.
fn base64(bytes: &[u8], padded: bool) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let value = group
            .iter()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for index in 0..=group.len() {
            text.push(char::from(
                ALPHABET[(value >> (18 - 6 * index) & 63) as usize],
            ));
        }
        text.push_str(&"=".repeat(if padded { 3 - group.len() } else { 0 }));
    }
    text
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

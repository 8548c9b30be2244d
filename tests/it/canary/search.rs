//! Looking for secrets in bytes, in the spellings that sinks give them.

/// Returns the first of some secrets that bytes hold.
pub(crate) fn found<'a>(bytes: &[u8], secrets: &[&'a str]) -> Option<&'a str> {
    secrets.iter().copied().find(|secret| {
        let cores = (0..3)
            .map(|alignment| core(secret, alignment))
            .flat_map(|core| [core.replace('+', "-").replace('/', "_"), core]);
        spellings(secret)
            .into_iter()
            .chain(cores.map(String::into_bytes))
            .any(|spelling| holds(bytes, &spelling))
    })
}

/// Returns a secret raw, and escaped for JSON, with units of UTF-16, for URLs, and for HTML.
pub(crate) fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let ascii: String = secret
        .chars()
        .map(|next| {
            if next.is_ascii() && !"\"\\<>&'".contains(next) {
                next.to_string()
            } else {
                units(next)
            }
        })
        .collect();
    let all: String = secret.chars().map(units).collect();
    let html = |quote: &str| {
        secret
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', quote)
    };
    let decimal: String = secret
        .chars()
        .map(|next| format!("&#{};", u32::from(next)))
        .collect();
    let whole: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let texts = [
        secret.to_owned(),
        json.clone(),
        json.replace('/', "\\/"),
        serde_json::Value::from(json.as_str())
            .to_string()
            .trim_matches('"')
            .to_owned(),
        ascii,
        all.clone(),
        all.to_uppercase().replace("\\U", "\\u"),
        percent(secret),
        percent(secret).replace("%20", "+"),
        percent(secret).to_lowercase(),
        whole.to_lowercase(),
        whole,
        html("&#39;"),
        html("&#x27;"),
        html("&apos;"),
        decimal,
        format!("{secret:?}").trim_matches('"').to_owned(),
    ];
    // Changing a secret's own letters makes another text of it.
    let texts = texts
        .into_iter()
        .filter(|text| text.len() > secret.len() || text == secret);
    texts
        .filter(|text| text.contains("Kanarie") || !text.contains("kanarie"))
        .map(String::into_bytes)
        .collect()
}

/// Returns a text as a query's value holds it.
pub(crate) fn percent(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| {
            if keep(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// RFC 4648 section 4.
pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let value = group
            .iter()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
            << (8 * (3 - group.len()));
        for index in 0..4 {
            let six = (value >> (18 - 6 * index) & 63) as usize;
            text.push(if index > group.len() {
                '='
            } else {
                char::from(ALPHABET[six])
            });
        }
    }
    text
}

/// Returns what is the same in the base64 of every text that holds a secret at an alignment.
fn core(secret: &str, alignment: usize) -> String {
    let padded = [vec![0; alignment], secret.as_bytes().to_vec()].concat();
    let whole = base64(&padded);
    // A character that a neighbour decides in part is left out: at the beginning one more than there are bytes before, at the
    // end what is decided by fewer than six bits.
    let first = if alignment == 0 { 0 } else { alignment + 1 };
    let last = padded.len() * 8 / 6;
    whole[first..last].to_owned()
}

fn units(next: char) -> String {
    next.encode_utf16(&mut [0; 2])
        .iter()
        .map(|unit| format!("\\u{unit:04x}"))
        .collect()
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

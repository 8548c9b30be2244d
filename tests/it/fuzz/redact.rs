//! Any secret in any bytes, as it is and however it is escaped: it is hidden where it stands raw.
use std::collections::BTreeSet;

use d4iot_double::redact::Redactor;

pub(crate) fn run(data: &[u8]) {
    let Some(end) = data.iter().position(|byte| *byte == 0) else {
        return;
    };
    let (Ok(secret), bytes) = (std::str::from_utf8(&data[..end]), &data[end + 1..]) else {
        return;
    };
    // A label is no secret, and a piece of one may be made by hiding another.
    if secret.contains(['«', '»']) {
        return;
    }
    let redactor = Redactor::of_secrets([secret], &BTreeSet::new());
    let clean = redactor.bytes(bytes);
    let holds = |bytes: &[u8]| {
        secret.len() >= 8
            && bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
    };
    assert!(
        !holds(&clean),
        "{secret:?} is left in {:?}",
        clean.escape_ascii().to_string()
    );
    assert!(redactor.finds(bytes) || !holds(bytes) && *clean == *bytes);
}

//! The list of ready-made modes: each with the first sentence of its file.

use std::fs;

use d4iot_double::fixture::READY_MADE;

pub(crate) fn list() -> String {
    let rows = READY_MADE.iter().map(|name| {
        let text = fs::read_to_string(format!(
            "{}/fixtures/failures/{name}.yaml",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap();
        format!(
            "| [`{name}`](../fixtures/failures/{name}.yaml) | {} |\n",
            purpose(&text)
        )
    });
    format!(
        "| mode | what happens |\n| --- | --- |\n{}",
        rows.collect::<String>()
    )
}

/// Returns what the comment says before it comes to the good client.
fn purpose(text: &str) -> String {
    let comment: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix("# "))
        .filter(|line| !line.starts_with("yaml-language-server:"))
        .collect();
    let comment = comment.join(" ");
    comment
        .split(" A good client ")
        .next()
        .unwrap_or_default()
        .to_owned()
}

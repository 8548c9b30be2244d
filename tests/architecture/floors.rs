//! Floors: a room uses only rooms listed above it in `lib.rs`.

use crate::source::Source;

/// Returns the rooms in the order that `lib.rs` lists them, from the ground up.
pub(crate) fn order(lib: &str) -> Vec<String> {
    lib.lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// Returns what a file uses of rooms that stand on its own floor's upper side.
pub(crate) fn looks_up(order: &[String], source: &Source) -> Vec<String> {
    let floor = |room: &str| order.iter().position(|other| other == room);
    let room = &source.module[0];
    let mut found = Vec::new();
    for (line, path) in source.paths() {
        let place = format!("{}:{line}", source.path);
        match path.first() {
            None => found.push(format!(
                "{place} names several paths at once: one path per line, please"
            )),
            Some(other) => match (floor(other), floor(room)) {
                (None, _) => found.push(format!(
                    "{place} uses `{other}`, which lib.rs does not list"
                )),
                (Some(up), Some(here)) if up > here => {
                    found.push(format!("{place} looks up: `{room}` may not use `{other}`"))
                }
                _ => {}
            },
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::tree;

    #[rstest]
    #[case::down("src/server.rs", "use crate::contract::Kind;\n", "")]
    #[case::itself("src/appliance/a.rs", "use crate::appliance::B;\n", "")]
    #[case::use_line(
        "src/appliance.rs",
        "\nuse crate::server::Limits;\n",
        "src/appliance.rs:2 looks up: `appliance` may not use `server`"
    )]
    #[case::path(
        "src/contract/a.rs",
        "fn f() { crate::server::run() }\n",
        "src/contract/a.rs:1 looks up: `contract` may not use `server`"
    )]
    #[case::round_the_back(
        "src/contract/a.rs",
        "use super::super::server;\n",
        "src/contract/a.rs:1 looks up: `contract` may not use `server`"
    )]
    #[case::no_room(
        "src/server.rs",
        "use crate::util::x;\n",
        "src/server.rs:1 uses `util`, which lib.rs does not list"
    )]
    #[case::braces(
        "src/contract.rs",
        "use crate::{server, x};\n",
        "src/contract.rs:1 names several paths at once: one path per line, please"
    )]
    #[case::test(
        "src/contract.rs",
        "#[cfg(test)]\nmod tests {\nuse crate::server;\n}\n",
        ""
    )]
    fn a_look_up_is_seen(#[case] path: &str, #[case] text: &str, #[case] expected: &str) {
        let order = order(
            "//! x\n// — the law —\npub mod contract;\npub mod appliance;\npub mod server;\n",
        );
        assert_eq!(
            looks_up(&order, &tree(&[(path, text)])[0]).join("\n"),
            expected
        );
    }
}

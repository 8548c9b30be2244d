//! Layers: a module uses its own layer and those below; no files use one another in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Returns the number of a module's layer, from the bottom.
pub(crate) fn layer_of(layers: &[&[&str]], module: &str) -> Option<usize> {
    layers.iter().position(|layer| layer.contains(&module))
}

/// Returns what a file uses of layers above its own, and modules that stand in no layer.
pub(crate) fn uses_above(layers: &[&[&str]], source: &Source) -> Vec<String> {
    let Some(own) = source.module.first() else {
        return Vec::new();
    };
    let Some(here) = layer_of(layers, own) else {
        return vec![format!("{}: `{own}` has no layer", source.path)];
    };
    let mut found = Vec::new();
    for (line, path) in &source.paths {
        let Some(other) = path.first() else { continue };
        if layer_of(layers, other).is_some_and(|there| there > here) {
            found.push(format!(
                "{}:{line}: `{own}` may not use `{other}`, which is a layer above",
                source.path
            ));
        }
    }
    found
}

/// Returns a line for each circle of top-level modules.
pub(crate) fn module_circles<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let paths: Vec<_> = sources
        .filter_map(|source| Some((source.module.first()?, &source.paths)))
        .collect();
    let modules: BTreeSet<&str> = paths.iter().map(|(own, _)| own.as_str()).collect();
    for (own, named) in &paths {
        for (_, path) in *named {
            if let Some(other) = path.first().filter(|other| *other != *own)
                && let Some(other) = modules.get(other.as_str())
            {
                uses.entry(own).or_default().insert(other);
            }
        }
    }
    circles(uses)
}

/// Returns a line for each circle of files. A parent and its children may use one another.
pub(crate) fn file_circles<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let modules: BTreeMap<&[String], &Source> = sources
        .filter(|source| !source.module.is_empty())
        .map(|source| (source.module.as_slice(), source))
        .collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in modules.values() {
        for (_, path) in &source.paths {
            let used = (1..=path.len())
                .rev()
                .find_map(|length| modules.get(&path[..length]));
            if let Some(used) = used.filter(|used| !are_related(source, used)) {
                uses.entry(&source.path).or_default().insert(&used.path);
            }
        }
    }
    circles(uses)
}

fn are_related(one: &Source, other: &Source) -> bool {
    one.module.starts_with(&other.module) || other.module.starts_with(&one.module)
}

fn circles(mut uses: BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    // A node that uses no other is in no circle. Without it, others may use no other.
    loop {
        let left: BTreeSet<&str> = uses.keys().copied().collect();
        uses.values_mut()
            .for_each(|used| used.retain(|name| left.contains(name)));
        uses.retain(|_, used| !used.is_empty());
        if uses.len() == left.len() {
            break;
        }
    }
    let circle_from = |start: &str| {
        let mut way = vec![start.to_owned()];
        while let Some(next) = uses
            .get(way[way.len() - 1].as_str())
            .and_then(BTreeSet::first)
        {
            let seen = way.iter().position(|other| other == next);
            way.push((*next).to_owned());
            if let Some(start) = seen {
                return way.split_off(start);
            }
        }
        way
    };
    let found: BTreeSet<Vec<String>> = uses
        .keys()
        .map(|start| circle_from(start))
        .map(from_first)
        .collect();
    found.into_iter().map(|way| way.join(" → ")).collect()
}

/// Lets a circle begin at the first of its names, so that it is told once.
fn from_first(mut way: Vec<String>) -> Vec<String> {
    way.pop();
    let first = way
        .iter()
        .enumerate()
        .min_by_key(|(_, path)| path.as_str())
        .map_or(0, |(index, _)| index);
    way.rotate_left(first);
    way.extend(way.first().cloned());
    way
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::source::tree;

    const LAYERS: &[&[&str]] = &[&["contract", "appliance"], &["server"]];

    #[rstest]
    #[case::down("src/server.rs", "use crate::contract::Kind;\n", "")]
    #[case::beside("src/contract/a.rs", "use crate::appliance::B;\n", "")]
    #[case::itself("src/appliance/a.rs", "use crate::appliance::B;\n", "")]
    #[case::import(
        "src/appliance.rs",
        "\nuse crate::server::Limits;\n",
        "src/appliance.rs:2: `appliance` may not use `server`, which is a layer above"
    )]
    #[case::braces(
        "src/contract.rs",
        "use crate::{appliance::X, server};\n",
        "src/contract.rs:1: `contract` may not use `server`, which is a layer above"
    )]
    #[case::path(
        "src/contract/a.rs",
        "fn f() { crate::server::run() }\n",
        "src/contract/a.rs:1: `contract` may not use `server`, which is a layer above"
    )]
    #[case::by_super(
        "src/contract/a.rs",
        "use super::super::server;\n",
        "src/contract/a.rs:1: `contract` may not use `server`, which is a layer above"
    )]
    #[case::no_layer("src/other.rs", "", "src/other.rs: `other` has no layer")]
    #[case::in_a_test(
        "src/contract.rs",
        "#[cfg(test)]\nmod tests {\nuse crate::server;\n}\n",
        ""
    )]
    fn what_looks_up_is_seen(#[case] path: &str, #[case] text: &str, #[case] expected: &str) {
        let sources = tree(&[(path, text)]);
        assert_eq!(uses_above(LAYERS, &sources[0]).join("\n"), expected);
    }

    #[rstest]
    #[case::a_line("use super::b;", "use super::c;", "", "")]
    #[case::two(
        "use super::b;",
        "fn f() -> super::a::A { }",
        "",
        "src/r/a.rs → src/r/b.rs → src/r/a.rs"
    )]
    #[case::three(
        "use super::b;",
        "use super::c;",
        "use crate::r::a::A;",
        "src/r/a.rs → src/r/b.rs → src/r/c.rs → src/r/a.rs"
    )]
    #[case::beside_a_circle(
        "use super::b;",
        "use super::c;",
        "use super::b::B;",
        "src/r/b.rs → src/r/c.rs → src/r/b.rs"
    )]
    #[case::parent_and_child("use crate::r::R;", "use super::X;", "", "")]
    fn a_circle_of_files_is_seen(
        #[case] a: &str,
        #[case] b: &str,
        #[case] c: &str,
        #[case] expected: &str,
    ) {
        let sources = tree(&[
            ("src/r.rs", "use crate::r::a::A;"),
            ("src/r/a.rs", a),
            ("src/r/b.rs", b),
            ("src/r/c.rs", c),
        ]);
        assert_eq!(file_circles(sources.iter()).join("\n"), expected);
    }

    #[test]
    fn a_circle_of_modules_is_seen() {
        let sources = tree(&[
            ("src/a/x.rs", "use crate::b::B;"),
            ("src/b.rs", "use crate::c::C;"),
            ("src/c/y.rs", "use crate::a;"),
            ("src/d.rs", "use crate::a;"),
        ]);
        assert_eq!(module_circles(sources.iter()), ["a → b → c → a"]);
    }
}

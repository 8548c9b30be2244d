//! Circles: no files of a room use one another in turn. A parent and its children may: the parent is the front door.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// Returns a line for each circle that some files go in.
pub(crate) fn circles(sources: &[Source]) -> Vec<String> {
    let modules: BTreeMap<&[String], &Source> = sources
        .iter()
        .map(|source| (source.module.as_slice(), source))
        .collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources {
        for (_, path) in source.paths() {
            let used = (1..=path.len())
                .rev()
                .find_map(|length| modules.get(&path[..length]));
            if let Some(used) = used.filter(|used| !are_family(source, used)) {
                uses.entry(&source.path).or_default().insert(&used.path);
            }
        }
    }
    // Whoever uses nobody is in no circle; without him, others may use nobody.
    loop {
        let left: BTreeSet<&str> = uses.keys().copied().collect();
        uses.values_mut()
            .for_each(|used| used.retain(|path| left.contains(path)));
        uses.retain(|_, used| !used.is_empty());
        if uses.len() == left.len() {
            break;
        }
    }
    let turn = |path: &str| {
        let mut way = vec![path.to_owned()];
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
        .map(|path| turn(path))
        .map(from_the_first)
        .collect();
    found.into_iter().map(|way| way.join(" → ")).collect()
}

fn are_family(one: &Source, other: &Source) -> bool {
    one.module.starts_with(&other.module) || other.module.starts_with(&one.module)
}

/// Lets a circle begin at the first of its names, so that it is told once.
fn from_the_first(mut way: Vec<String>) -> Vec<String> {
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
    fn a_circle_is_seen(#[case] a: &str, #[case] b: &str, #[case] c: &str, #[case] expected: &str) {
        let sources = tree(&[
            ("src/r.rs", "use crate::r::a::A;"),
            ("src/r/a.rs", a),
            ("src/r/b.rs", b),
            ("src/r/c.rs", c),
        ]);
        assert_eq!(circles(&sources).join("\n"), expected);
    }
}

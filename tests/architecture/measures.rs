//! Figures of the code: lines, names of types, errors that are strings, names of tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    source::Source,
    tokens::{Token, TokenKind, each_level},
};

/// Returns how many lines hold code: no tests, comments, blank lines or imports.
pub(crate) fn code_lines(code: &[Token]) -> usize {
    let mut lines = BTreeSet::new();
    add_lines(code, &mut lines);
    lines.len()
}

fn add_lines(tokens: &[Token], lines: &mut BTreeSet<usize>) {
    let mut rest = tokens;
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        let imports = first.is_named("use") && others.first().is_some_and(|next| !next.is('<'));
        if imports {
            // Its visibility stands before it, on the same line.
            lines.remove(&first.line);
            let end = rest.iter().position(|token| token.is(';'));
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
        } else if let Some(inner) = first.inner() {
            lines.extend([first.line, first.end]);
            add_lines(inner, lines);
        } else {
            lines.extend(first.line..=first.end);
        }
    }
}

/// A type that is declared outside tests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Types as they are written, before they are validated, live in a module `raw`.
    pub(crate) is_raw: bool,
}

/// Returns the types and traits that are declared.
pub(crate) fn types(code: &[Token], is_raw: bool) -> Vec<Declared> {
    let mut found = Vec::new();
    add_types(code, false, is_raw, &mut found);
    found
}

fn add_types(tokens: &[Token], is_associated: bool, is_raw: bool, found: &mut Vec<Declared>) {
    let (mut is_impl, mut opens_raw) = (false, false);
    for (position, token) in tokens.iter().enumerate() {
        if let Some(keyword) = token.name() {
            is_impl |= matches!(keyword, "impl" | "trait");
            let declares = matches!(keyword, "struct" | "enum" | "union" | "trait")
                || keyword == "type" && !is_associated && !is_impl;
            if let Some(name) = tokens.get(position + 1).and_then(Token::name) {
                opens_raw |= keyword == "mod" && name == "raw";
                if declares {
                    found.push(Declared {
                        name: name.to_owned(),
                        line: token.line,
                        is_raw,
                    });
                }
            }
        }
        if let Some(inner) = token.inner() {
            add_types(inner, is_impl, is_raw || opens_raw, found);
        }
        if token.is(';') || token.group('{').is_some() {
            (is_impl, opens_raw) = (false, false);
        }
    }
}

/// Returns a line for each name that several types have. One of them may be raw.
pub(crate) fn shared_names<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<String> {
    let mut by_name: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
    for source in sources {
        for declared in &source.types {
            by_name
                .entry((&declared.name, declared.is_raw))
                .or_default()
                .push(format!("{}:{}", source.path, declared.line));
        }
    }
    by_name
        .into_iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|((name, _), places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

/// Returns the lines with a `Result<_, String>`.
pub(crate) fn string_errors(code: &[Token]) -> Vec<usize> {
    let mut found = Vec::new();
    each_level(code, &mut |tokens| {
        for (position, token) in tokens.iter().enumerate() {
            if token.is_named("Result")
                && let Some(arguments) = generic_arguments(&tokens[position + 1..])
                && let [_, error] = &arguments[..]
                && matches!(error[..], [name] if name.is_named("String"))
            {
                found.push(token.line);
            }
        }
    });
    found
}

/// Splits `<A, B>` into its arguments.
fn generic_arguments(tokens: &[Token]) -> Option<Vec<Vec<&Token>>> {
    tokens.first().filter(|first| first.is('<'))?;
    let mut arguments = vec![Vec::new()];
    let (mut depth, mut before) = (1, &tokens[0]);
    for token in &tokens[1..] {
        depth += usize::from(token.is('<'));
        // `->` closes nothing.
        depth -= usize::from(token.is('>') && !before.is('-'));
        before = token;
        if depth == 0 {
            // A comma may follow the last argument.
            arguments.retain(|argument| !argument.is_empty());
            return Some(arguments);
        }
        if depth == 1 && token.is(',') {
            arguments.push(Vec::new());
        } else {
            arguments.last_mut()?.push(token);
        }
    }
    None
}

/// Returns the names of tests.
pub(crate) fn tests(tokens: &[Token]) -> Vec<String> {
    let mut found = Vec::new();
    each_level(tokens, &mut |tokens| {
        let mut is_test = false;
        for pair in tokens.windows(2) {
            if pair[0].is('#')
                && let Some(attribute) = pair[1].group('[')
            {
                let path = attribute.iter().take_while(|token| token.inner().is_none());
                let last = path.filter_map(Token::name).last();
                is_test |= matches!(last, Some("test" | "rstest"));
            } else if pair[0].group('{').is_some() {
                is_test = false;
            } else if pair[0].is_named("fn") && is_test {
                found.extend(pair[1].name().map(str::to_owned));
            }
        }
    });
    found
}

/// Returns the literals, with their lines.
pub(crate) fn literals(code: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    each_level(code, &mut |tokens| {
        for token in tokens {
            if let TokenKind::Literal(text) = &token.kind {
                found.push((token.line, text.clone()));
            }
        }
    });
    found
}

/// Returns every name.
pub(crate) fn names(tokens: &[Token]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each_level(tokens, &mut |tokens| {
        found.extend(tokens.iter().filter_map(Token::name).map(str::to_owned));
    });
    found
}

#[cfg(test)]
mod tests_of_this {
    use rstest::rstest;

    use super::*;
    use crate::source::tree;

    #[rstest]
    #[case::blank_and_comment("// a\n\n/// b\nfn f() {}\n", 1)]
    #[case::imports("use a::{\n    b,\n    c,\n};\npub(crate) use d::e;\n", 0)]
    #[case::several("fn f() {\n    g(\n        1,\n    );\n}\n", 5)]
    #[case::text("const A: &str = \"one\ntwo\";\n", 2)]
    #[case::tests("fn f() {}\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n", 1)]
    #[case::attribute("#[derive(\n    A,\n)]\nstruct B;\n", 4)]
    #[case::captures("fn f() -> impl A + use<> {}\n", 1)]
    fn lines_are_counted(#[case] text: &str, #[case] expected: usize) {
        assert_eq!(tree(&[("src/a.rs", text)])[0].code_lines, expected);
    }

    #[rstest]
    #[case::several("struct A; enum B {} trait C {} type D = A;", "A B C D")]
    #[case::associated("impl Iterator for A { type Item = B; } trait E { type F; }", "E")]
    #[case::inner("mod m { struct A; }", "A")]
    #[case::after_an_impl("impl A {} type B = A;", "B")]
    #[case::in_a_macro("closed_set! { enum A { B } }", "A")]
    fn types_are_found(#[case] text: &str, #[case] expected: &str) {
        let sources = tree(&[("src/a.rs", text)]);
        let types = sources[0].types.iter();
        let names: Vec<&str> = types.map(|declared| declared.name.as_str()).collect();
        assert_eq!(names.join(" "), expected);
    }

    #[test]
    fn a_raw_type_may_share_a_name_with_its_validated_type() {
        let files = [
            (
                "src/a.rs",
                "struct User; struct Told;\nmod raw { struct User; }",
            ),
            ("src/b.rs", "\nenum Told {}"),
        ];
        assert_eq!(
            shared_names(tree(&files).iter()),
            ["Told: src/a.rs:1, src/b.rs:2"]
        );
    }

    #[rstest]
    #[case::plain("fn f() -> Result<u8, String> {}", 1)]
    #[case::nested("fn f() -> Result<Vec<Option<u8>>, String> {}", 1)]
    #[case::over_lines("fn f() -> Result<\n    (u8, u8),\n    String,\n> {}", 1)]
    #[case::function("type A = Result<Box<dyn Fn(u8) -> u8>, String>;", 1)]
    #[case::other("fn f() -> Result<String, Error> { Ok::<Vec<String>, u8>(1) }", 0)]
    fn errors_that_are_strings_are_found(#[case] text: &str, #[case] expected: usize) {
        let sources = tree(&[("src/a.rs", text)]);
        assert_eq!(sources[0].string_errors.len(), expected);
    }

    #[rstest]
    #[case::plain("#[test]\nfn a() {}", "a")]
    #[case::tokio("#[tokio::test(flavor = \"x\")]\nasync fn a() {}", "a")]
    #[case::inner("mod tests { #[rstest]\n#[case::x(1)]\nfn a() {} }", "a")]
    #[case::helper("#[test]\nfn a() {}\nfn b() {}", "a")]
    fn tests_are_found(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(tree(&[("src/a.rs", text)])[0].tests.join(" "), expected);
    }
}

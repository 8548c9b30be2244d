//! A source file as tokens: what it declares and names outside its tests.

use std::collections::BTreeSet;

use crate::{
    measures,
    measures::Declared,
    tokens,
    tokens::{Token, TokenKind, each_level},
};

/// What one Rust file of the project has.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path in the project.
    pub(crate) path: String,
    /// Its module: `src/contract/fact.rs` is `contract`, `fact`; empty for a crate's root.
    pub(crate) module: Vec<String>,
    /// How many lines it has.
    pub(crate) length: usize,
    /// The paths of this crate that the code names, each from the crate's root, with its line.
    pub(crate) paths: Vec<(usize, Vec<String>)>,
    /// How many lines hold code.
    pub(crate) code_lines: usize,
    /// The types and traits that the code declares.
    pub(crate) types: Vec<Declared>,
    /// The lines with a `Result<_, String>`.
    pub(crate) string_errors: Vec<usize>,
    /// The literals of the code, with their lines.
    pub(crate) literals: Vec<(usize, String)>,
    /// The names of tests.
    pub(crate) tests: Vec<String>,
    /// Every name that stands in the file, tests included.
    pub(crate) names: BTreeSet<String>,
}

/// Reads files, each given as its path and its text.
pub(crate) fn gather(files: Vec<(String, String)>) -> Vec<Source> {
    let read: Vec<(String, usize, Vec<Token>)> = files
        .into_iter()
        .map(|(path, text)| (path, text.lines().count(), tokens::read(&text)))
        .collect();
    let test_modules: BTreeSet<Vec<String>> = read
        .iter()
        .flat_map(|(path, _, tokens)| test_modules(&module_of(path), tokens))
        .collect();
    read.into_iter()
        .map(|(path, length, tokens)| {
            let module = module_of(&path);
            let is_test = path.starts_with("tests/")
                || (1..=module.len()).any(|depth| test_modules.contains(&module[..depth]));
            let code = if is_test {
                Vec::new()
            } else {
                without_tests(&tokens)
            };
            Source {
                paths: paths(&module, &code),
                code_lines: measures::code_lines(&code),
                types: measures::types(&code, module.iter().any(|name| name == "raw")),
                string_errors: measures::string_errors(&code),
                literals: measures::literals(&code),
                tests: measures::tests(&tokens),
                names: measures::names(&tokens),
                path,
                module,
                length,
            }
        })
        .collect()
}

fn module_of(path: &str) -> Vec<String> {
    let inner = path.strip_prefix("src/").unwrap_or(path);
    if matches!(inner, "lib.rs" | "main.rs") {
        return Vec::new();
    }
    inner
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect()
}

/// Splits off the attribute that the tokens begin with: `#[…]` or `#![…]`.
fn attribute(tokens: &[Token]) -> Option<(&[Token], &[Token])> {
    let (hash, rest) = tokens.split_first()?;
    let rest = match rest {
        [mark, rest @ ..] if mark.is('!') => rest,
        rest => rest,
    };
    let (group, rest) = rest.split_first()?;
    group
        .group('[')
        .filter(|_| hash.is('#'))
        .map(|inner| (inner, rest))
}

fn is_cfg_test(attribute: &[Token]) -> bool {
    matches!(attribute, [name, group] if name.is_named("cfg")
        && matches!(group.group('('), Some([test]) if test.is_named("test")))
}

/// Leaves out every item under `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some((first, others)) = rest.split_first() {
        if let Some((attribute, after)) = attribute(rest)
            && is_cfg_test(attribute)
        {
            rest = after_item(after);
            continue;
        }
        let mut token = first.clone();
        if let TokenKind::Group(_, inner) = &mut token.kind {
            *inner = without_tests(inner);
        }
        kept.push(token);
        rest = others;
    }
    kept
}

/// An item ends with a semicolon or with braces; in an expression or a list, with a comma.
fn after_item(tokens: &[Token]) -> &[Token] {
    let end = tokens
        .iter()
        .position(|token| token.group('{').is_some() || token.is(';') || token.is(','));
    &tokens[end.map_or(tokens.len(), |end| end + 1)..]
}

/// Modules in files of their own that only tests have: `#[cfg(test)] mod name;`.
fn test_modules(own: &[String], tokens: &[Token]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let Some((attribute, after)) = attribute(rest) else {
            rest = &rest[1..];
            continue;
        };
        rest = after;
        if is_cfg_test(attribute) {
            let item = &after[..after.len() - after_item(after).len()];
            let name = item
                .windows(2)
                .filter(|pair| pair[0].is_named("mod"))
                .find_map(|pair| pair[1].name());
            found.extend(name.map(|name| own.iter().cloned().chain([name.to_owned()]).collect()));
        }
    }
    found
}

/// Returns the paths of this crate that the code names.
fn paths(module: &[String], code: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    each_level(code, &mut |tokens| {
        for (position, token) in tokens.iter().enumerate() {
            let parent = || module[..module.len().saturating_sub(1)].to_vec();
            let mut start = match token.name() {
                Some("crate") => Vec::new(),
                Some("self") => module.to_vec(),
                Some("super") => parent(),
                _ => continue,
            };
            let mut rest = &tokens[position + 1..];
            // `super::super::x` is read from its first `super`.
            if !is_separator(rest) || position > 0 && tokens[position - 1].is(':') {
                continue;
            }
            rest = &rest[2..];
            while let [name, after @ ..] = rest
                && name.is_named("super")
                && is_separator(after)
            {
                start.pop();
                rest = &after[2..];
            }
            found.extend(
                leaves(&start, rest)
                    .into_iter()
                    .map(|path| (token.line, path)),
            );
        }
    });
    found
}

/// Returns every path that the tokens after `prefix::` name: one, or one for each in braces.
fn leaves(prefix: &[String], tokens: &[Token]) -> Vec<Vec<String>> {
    let Some((first, rest)) = tokens.split_first() else {
        return Vec::new();
    };
    if let Some(inner) = first.group('{') {
        return inner
            .split(|token| token.is(','))
            .flat_map(|part| leaves(prefix, part))
            .collect();
    }
    let mut path = prefix.to_vec();
    path.extend(
        first
            .name()
            .filter(|name| *name != "self")
            .map(str::to_owned),
    );
    if is_separator(rest) {
        leaves(&path, &rest[2..])
    } else {
        vec![path]
    }
}

/// Tells whether the tokens begin with `::`.
fn is_separator(tokens: &[Token]) -> bool {
    matches!(tokens, [first, second, ..] if first.is(':') && second.is(':'))
}

/// Makes sources for the checkers' own tests.
pub(crate) fn tree(files: &[(&str, &str)]) -> Vec<Source> {
    gather(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    )
}

#[test]
fn paths_are_found_wherever_they_stand() {
    let text = "use crate::contract::{Outcome, fact::{self, Fact}};\n\
        fn f(x: &super::b::B) -> crate::server::X { self::y(); super::super::client::ask() }\n\
        // crate::cli\n";
    let source = &tree(&[("src/appliance/judge.rs", text)])[0];
    let named: Vec<(usize, String)> = source
        .paths
        .iter()
        .map(|(line, path)| (*line, path.join("::")))
        .collect();
    let expected = [
        (1, "contract::Outcome"),
        (1, "contract::fact"),
        (1, "contract::fact::Fact"),
        (2, "server::X"),
        (2, "appliance::b::B"),
        (2, "appliance::judge::y"),
        (2, "client::ask"),
    ];
    assert_eq!(named, expected.map(|(line, path)| (line, path.to_owned())));
}

#[test]
fn tests_and_test_modules_are_left_out() {
    let files = [
        (
            "src/a.rs",
            "const ONE: u8 = 1;\n#[cfg(test)]\nmod sample;\n/// Two.\nconst TWO: u8 = 2;\n#[cfg(test)]\nmod tests {\nconst THREE: u8 = 3;\n}\n",
        ),
        ("src/a/sample.rs", "const FOUR: u8 = 4;\n"),
    ];
    let literals: Vec<String> = tree(&files)
        .into_iter()
        .flat_map(|source| source.literals)
        .map(|(line, text)| format!("{line} {text}"))
        .collect();
    assert_eq!(literals, ["1 1", "5 2"]);
}

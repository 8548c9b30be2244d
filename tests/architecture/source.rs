//! A source file as the house sees it: which module it is, what it says outside its tests, and which paths it names.

use std::collections::BTreeSet;

/// One file below `src`.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path in the project.
    pub(crate) path: String,
    /// Its module, from the crate's root: `src/contract/fact.rs` is `contract`, `fact`.
    pub(crate) module: Vec<String>,
    /// How many lines it has.
    pub(crate) length: usize,
    /// Its lines without comments and without the tests at its end, numbered from 1; none where the whole file is a test's.
    pub(crate) lines: Vec<(usize, String)>,
}

/// Takes files in, each path with its text. `lib.rs` and `main.rs` are no rooms.
pub(crate) fn gather(files: Vec<(String, String)>) -> Vec<Source> {
    let files: Vec<(String, String)> = files
        .into_iter()
        .filter(|(path, _)| !matches!(path.as_str(), "src/lib.rs" | "src/main.rs"))
        .collect();
    let tests: BTreeSet<Vec<String>> = files
        .iter()
        .flat_map(|(path, text)| test_modules(&module(path), text))
        .collect();
    files
        .into_iter()
        .map(|(path, text)| {
            let module = module(&path);
            let is_test = (1..=module.len()).any(|depth| tests.contains(&module[..depth]));
            Source {
                lines: if is_test {
                    Vec::new()
                } else {
                    spoken_lines(&text)
                },
                length: text.lines().count(),
                module,
                path,
            }
        })
        .collect()
}

fn module(path: &str) -> Vec<String> {
    path.trim_start_matches("src/")
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect()
}

/// Modules in files of their own that only tests have: `#[cfg(test)]`, then `mod name;`.
fn test_modules(own: &[String], text: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let named = lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| module_line(pair[1])?.strip_suffix(';'));
    named
        .map(|name| own.iter().cloned().chain([name.to_owned()]).collect())
        .collect()
}

/// What a line that declares a module says after `mod`.
fn module_line(line: &str) -> Option<&str> {
    line.split_once("mod ")
        .filter(|(before, _)| before.is_empty() || before.starts_with("pub"))
        .map(|(_, after)| after)
}

/// Tests stand last in a file: what follows `#[cfg(test)]` and `mod … {` is theirs.
fn spoken_lines(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| {
        pair[0] == "#[cfg(test)]" && module_line(pair[1]).is_some_and(|rest| rest.ends_with('{'))
    });
    let spoken = lines
        .into_iter()
        .enumerate()
        .take(tests.unwrap_or(usize::MAX));
    spoken
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line.to_owned()))
        .collect()
}

impl Source {
    /// Returns the paths of this crate that the file names, each from the crate's root, with the line it stands on.
    pub(crate) fn paths(&self) -> Vec<(usize, Vec<String>)> {
        self.lines
            .iter()
            .flat_map(|(number, line)| self.paths_in(line).into_iter().map(|path| (*number, path)))
            .collect()
    }

    fn paths_in(&self, line: &str) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        let mut rest = line;
        let mut before = ' ';
        while !rest.is_empty() {
            let length = rest
                .find(|letter: char| !(letter.is_alphanumeric() || letter == '_' || letter == ':'))
                .unwrap_or(rest.len());
            if length > 0 {
                paths.extend(self.resolved(&rest[..length], before));
            }
            let skipped = rest[length..].chars().next();
            before = skipped.unwrap_or(' ');
            rest = &rest[length + skipped.map_or(0, char::len_utf8)..];
        }
        paths
    }

    /// Resolves a path that begins at the crate's root, here, or above; others name things in scope, which a `use` brought there.
    fn resolved(&self, word: &str, before: char) -> Option<Vec<String>> {
        let mut segments: Vec<&str> = word.split("::").collect();
        // A lifetime or a label is no path.
        if segments.len() < 2 || before == '\'' {
            return None;
        }
        let mut path: Vec<String> = match segments[0] {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self.module[..self.module.len() - 1].to_vec(),
            _ => return None,
        };
        segments.remove(0);
        while segments.first() == Some(&"super") {
            path.pop();
            segments.remove(0);
        }
        path.extend(
            segments
                .into_iter()
                .filter(|segment| !segment.is_empty())
                .map(str::to_owned),
        );
        Some(path)
    }
}

/// Makes a tree of sources for the checkers' own tests.
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
    let text = "use crate::contract::Outcome;\nfn f(x: &super::b::B) -> crate::server::X { self::y() }\n// crate::cli\n";
    let source = &tree(&[("src/appliance/judge.rs", text)])[0];
    let named: Vec<(usize, String)> = source
        .paths()
        .into_iter()
        .map(|(line, path)| (line, path.join("::")))
        .collect();
    let expected = [
        (1, "contract::Outcome"),
        (2, "appliance::b::B"),
        (2, "server::X"),
        (2, "appliance::judge::y"),
    ];
    assert_eq!(named, expected.map(|(line, path)| (line, path.to_owned())));
}

#[test]
fn tests_and_test_modules_are_left_out() {
    let files = [
        (
            "src/a.rs",
            "one\n#[cfg(test)]\nmod sample;\ntwo\n#[cfg(test)]\nmod tests {\nthree\n}\n",
        ),
        ("src/a/sample.rs", "four\n"),
    ];
    let lines: Vec<Vec<(usize, String)>> = tree(&files)
        .into_iter()
        .map(|source| source.lines)
        .collect();
    let one_to_two = ["one", "#[cfg(test)]", "mod sample;", "two"].map(str::to_owned);
    assert_eq!(
        lines,
        [
            one_to_two
                .into_iter()
                .enumerate()
                .map(|(index, line)| (index + 1, line))
                .collect(),
            Vec::new()
        ]
    );
}

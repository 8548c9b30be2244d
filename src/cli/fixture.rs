//! `d4iot-double fixture check|schema|init|schedule`, and the loading of fixtures that other commands share.

mod schedule;

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

pub use schedule::schedule;

use crate::{cli::written, fixture, fixture::Fixture};

/// Checks files and folders: one line for each good fixture on `out`, every error of every file on `err`.
///
/// Returns the exit code: 0 where all hold together, else 2. A folder means its `*.yaml`, `*.yml` and `*.json` (not `*.schema.json`), not recursively.
pub fn check(files: &[PathBuf], out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let (good, errors) = read_all(files);
    for (_, fixture) in &good {
        // A reader that went away has seen what it wanted.
        let _ = writeln!(out, "ok {fixture}");
    }
    for error in &errors {
        let _ = writeln!(err, "{error}");
    }
    if errors.is_empty() { OK } else { WRONG }
}

/// Prints the JSON Schema of fixtures, or of files of failure modes. Returns the exit code.
pub fn schema(modes: bool, out: &mut dyn Write) -> u8 {
    let schema = if modes {
        fixture::modes_schema()
    } else {
        fixture::schema()
    };
    match written(out.write_all(format!("{schema:#}\n").as_bytes())) {
        Ok(()) => OK,
        Err(_) => WRONG,
    }
}

/// Prints a commented fixture to begin with, or writes it to a path where there is nothing yet. Returns the exit code.
pub fn init(path: Option<&Path>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let done = match path {
        None => written(out.write_all(fixture::STARTER.as_bytes())).map_err(|error| format!("error: writing the starter: {error}")),
        Some(path) => write_new(path, fixture::STARTER).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                format!("error: writing the starter: {} exists already\n  hint: name a new file, or remove that one", path.display())
            }
            _ => format!("error: writing the starter to {}: {error}", path.display()),
        }),
    };
    match done {
        Ok(()) => OK,
        Err(message) => {
            let _ = writeln!(err, "{message}");
            WRONG
        }
    }
}

/// Reads the fixtures of files and folders, in the order given, a folder's files by name.
///
/// # Errors
/// Every error of every file, one after another, ready to print: unreadable files, fixtures that do not hold, two of one name.
pub fn load(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Fixture)>, String> {
    let (good, errors) = read_all(paths);
    if errors.is_empty() {
        Ok(good)
    } else {
        Err(errors.join("\n"))
    }
}

/// Returns the files that paths mean, in the order in which [`load`] reads them.
///
/// # Errors
/// A folder that cannot be read, or holds no fixture.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    paths
        .iter()
        .map(|path| files_of(path))
        .collect::<Result<Vec<_>, _>>()
        .map(|files| files.concat())
}

fn read_all(paths: &[PathBuf]) -> (Vec<(PathBuf, Fixture)>, Vec<String>) {
    let mut good = Vec::new();
    let mut errors = Vec::new();
    for path in paths {
        match files_of(path) {
            Ok(files) => {
                for file in files {
                    match read(&file) {
                        Ok(fixture) => good.push((file, fixture)),
                        Err(error) => errors.push(error),
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    let named: Vec<(String, Fixture)> = good
        .iter()
        .map(|(path, fixture)| (path.display().to_string(), fixture.clone()))
        .collect();
    errors.extend(
        fixture::distinct(&named)
            .err()
            .map(|error| error.to_string()),
    );
    (good, errors)
}

/// Returns the fixtures a path means: itself, or those in the folder it is.
fn files_of(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable =
        |error: io::Error| format!("error: reading the folder {}: {error}", path.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if is_fixture(&file) && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!(
            "error: no fixture in the folder {}, expected *.yaml, *.yml or *.json\n  hint: folders in it are not read",
            path.display()
        ));
    }
    Ok(files)
}

fn is_fixture(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let known = [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| name.ends_with(ending));
    known && !name.starts_with('.') && !name.ends_with(".schema.json")
}

fn read(file: &Path) -> Result<Fixture, String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an edge: this is where fixtures come from files"
    )]
    let bytes =
        fs::read(file).map_err(|error| format!("error: reading {}: {error}", file.display()))?;
    fixture::read_bytes(&file.display().to_string(), &bytes).map_err(|error| error.to_string())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)?
        .write_all(text.as_bytes())
}

const OK: u8 = 0;
/// What the command line or a file says is wrong.
const WRONG: u8 = 2;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const GOOD: &str = "appliance: sensor\n";
    const BAD: &str = "appliance: senor\n";

    /// Writes files into a fresh folder, checks what is named, and returns the code, `out` and `err`, the folder shown as `DIR`.
    fn checked(files: &[(&str, &str)], named: &[&str]) -> (u8, String, String) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            write_new(&folder.path().join(name), text).unwrap();
        }
        let paths: Vec<PathBuf> = named.iter().map(|name| folder.path().join(name)).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = check(&paths, &mut out, &mut err);
        let shown = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .unwrap()
                .replace(&folder.path().display().to_string(), "DIR")
        };
        (code, shown(out), shown(err))
    }

    #[test]
    fn all_errors_of_all_files_are_shown() {
        let files = [("a.yaml", BAD), ("b.yaml", GOOD), ("c.yaml", "name: x\n")];
        let (code, out, err) = checked(&files, &["a.yaml", "b.yaml", "c.yaml", "d.yaml"]);
        assert_eq!(
            (code, out.as_str()),
            (2, "ok sensor sensor: 4 users, policy examples\n")
        );
        let expected = "error: line 1 column 12: unknown kind `senor`, expected one of console, sensor\n --> DIR/a.yaml:1:12\n  \
                        hint: did you mean `sensor`?\n\
                        error: line 1 column 1: missing key `appliance`, expected one of console, sensor\n --> DIR/c.yaml:1:1\n  \
                        hint: add a line `appliance: sensor`\n\
                        error: reading DIR/d.yaml: No such file or directory (os error 2)\n";
        assert_eq!(err, expected);
    }

    #[test]
    fn a_folder_means_its_fixtures_sorted_and_not_those_below() {
        let files = [
            ("b.json", "{\"appliance\": \"console\", \"name\": \"b\"}"),
            (
                "a.yml",
                "appliance: sensor\nname: a\nlockout: { after: 1 }\n",
            ),
            (
                "c.yaml",
                "appliance: sensor\nname: c\npolicy: { classes: 1 }\nreadings: { validation.authenticated.body: table }\n",
            ),
            ("d.schema.json", "{}"),
            (".hidden.yaml", BAD),
            ("notes.txt", BAD),
            ("below/e.yaml", BAD),
        ];
        let expected = "ok sensor a: 4 users, policy examples, lock-out after 1 failure\n\
                        ok console b: 4 users, policy examples\n\
                        ok sensor c: 4 users, policy of its own, 1 reading chosen\n";
        assert_eq!(checked(&files, &[""]), (0, expected.into(), String::new()));
    }

    #[rstest]
    #[case::empty_folder(
        &[("below/a.yaml", GOOD)], &[""],
        "error: no fixture in the folder DIR/, expected *.yaml, *.yml or *.json\n  hint: folders in it are not read\n"
    )]
    #[case::one_name_twice(
        &[("a.yaml", GOOD), ("b.yaml", GOOD)], &["a.yaml", "b.yaml"],
        "error: line 1 column 12: two appliances are named `sensor`, the first at DIR/a.yaml:1:12\n --> DIR/b.yaml:1:12\n  \
         hint: give each a `name` of its own\n"
    )]
    fn what_does_not_hold_together(
        #[case] files: &[(&str, &str)],
        #[case] named: &[&str],
        #[case] expected: &str,
    ) {
        let (code, _, err) = checked(files, named);
        assert_eq!((code, err.as_str()), (2, expected));
    }

    #[test]
    fn init_writes_a_starter_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.yaml");
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(init(Some(&path), &mut out, &mut err), 0);
        assert_eq!(
            load(std::slice::from_ref(&path)).unwrap()[0].1.name,
            "plant-7"
        );
        assert!(out.is_empty() && err.is_empty());
        assert_eq!(init(Some(&path), &mut out, &mut err), 2);
        assert!(
            String::from_utf8(err)
                .unwrap()
                .contains("plant.yaml exists already\n  hint: name a new file")
        );
    }

    #[test]
    fn init_without_a_path_prints() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        assert_eq!(
            (init(None, &mut out, &mut err), out.as_slice()),
            (0, fixture::STARTER.as_bytes())
        );
    }

    #[test]
    fn schema_prints_what_is_committed() {
        let mut out = Vec::new();
        assert_eq!(schema(false, &mut out), 0);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            include_str!("../../fixtures/fixture.schema.json")
        );
    }

    #[test]
    fn load_gives_fixtures_in_order_or_every_error() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (
            folder.path().join("good.yaml"),
            folder.path().join("bad.yaml"),
        );
        write_new(&good, GOOD).unwrap();
        write_new(&bad, BAD).unwrap();
        assert_eq!(load(std::slice::from_ref(&good)).unwrap()[0].0, good);
        let errors = load(&[bad.clone(), good, bad]).unwrap_err();
        assert_eq!(errors.matches("unknown kind `senor`").count(), 2);
    }
}

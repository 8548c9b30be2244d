//! `fixture check|schema|init|modes|schedule`, and the loading of fixtures that other commands share.

mod schedule;

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Subcommand;

use crate::{
    cli::{
        code,
        error::{CliError, Result, read},
        print,
    },
    failure::FailureMode,
    fixture,
    fixture::{Fixture, READY_MADE},
};

/// The commands under `fixture`.
#[derive(Debug, Subcommand)]
pub(super) enum FixtureCommand {
    /// Validate fixtures and files of failure modes; a folder stands for all files in it
    Check {
        /// Fixtures, files of failure modes, or folders; - is stdin
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of fixtures
    Schema {
        /// The schema of files that contain only failure modes
        #[arg(long)]
        modes: bool,
    },
    /// Write a commented starter fixture; without a path: to stdout
    Init {
        /// Where to write it; an existing file is not overwritten
        path: Option<PathBuf>,
    },
    /// List the ready-made failure modes, with a line on each
    Modes,
    /// List the calls that each failure mode will affect
    Schedule(schedule::ScheduleArgs),
}

/// Runs one of the commands.
pub(super) fn run(command: &FixtureCommand) -> Result {
    match command {
        FixtureCommand::Check { files } => {
            let (valid, checked) = check(files);
            print(valid)?;
            checked
        }
        FixtureCommand::Schema { modes: false } => print(format!("{:#}\n", fixture::schema())),
        FixtureCommand::Schema { modes: true } => print(format!("{:#}\n", fixture::modes_schema())),
        FixtureCommand::Init { path: None } => print(fixture::STARTER),
        FixtureCommand::Init { path: Some(path) } => init(path),
        FixtureCommand::Modes => print(modes_text()),
        FixtureCommand::Schedule(options) => print(schedule::text(options)?),
    }
}

/// Returns a line for each valid fixture, and the errors of the others.
///
/// A folder stands for its `*.yaml`, `*.yml` and `*.json` files (not `*.schema.json`), not recursively.
fn check(paths: &[PathBuf]) -> (String, Result) {
    let (mut lines, mut errors, mut fixtures) = (String::new(), Vec::new(), Vec::new());
    for file in expanded(paths, &mut errors) {
        match read_modes(&file) {
            None => fixtures.push(file),
            Some(Ok(modes)) => {
                let names: Vec<&str> = modes.iter().map(|mode| mode.name.as_str()).collect();
                lines += &format!("ok failure modes: {}\n", names.join(", "));
            }
            Some(Err(error)) => errors.push(error),
        }
    }
    let valid = read_all(&fixtures, &mut errors);
    let of = |(_, fixture): &(PathBuf, Fixture)| format!("ok {fixture}\n");
    lines.extend(valid.iter().map(of));
    (lines, joined(&errors).map(|()| code::SUCCESS))
}

/// Reads a file of failure modes; none where it is something else.
fn read_modes(file: &Path) -> Option<Result<Vec<FailureMode>>> {
    let bytes = read(file).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let read = || Ok(fixture::read_modes(&file.display().to_string(), text)?);
    fixture::holds_modes(text).then(read)
}

/// Lists the ready-made failure modes.
fn modes_text() -> String {
    let line = |name: &&str| {
        let description = fixture::description(name).unwrap_or_default();
        format!("{name:<28}{description}\n")
    };
    READY_MADE.iter().map(line).collect()
}

/// Writes a commented fixture to begin with to a new file.
fn init(path: &Path) -> Result {
    let shown = path.display();
    write_new(path, fixture::STARTER).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            CliError::usage(format!("cannot write the starter: {shown} exists already"))
                .hint("name a new file, or remove that one")
        }
        _ => CliError::usage(format!("cannot write the starter to {shown}: {error}")),
    })?;
    Ok(code::SUCCESS)
}

/// Reads the fixtures of files and folders, in the order given, a folder's files by name.
///
/// # Errors
/// Every error of every file: unreadable files, invalid fixtures, two of one name.
pub(super) fn load(paths: &[PathBuf]) -> Result<Vec<(PathBuf, Fixture)>> {
    let mut errors = Vec::new();
    let files = expanded(paths, &mut errors);
    let valid = read_all(&files, &mut errors);
    joined(&errors).map(|()| valid)
}

/// Returns the files that paths stand for, in the order in which [`load`] reads them.
///
/// # Errors
/// A folder that cannot be read, or has no fixture.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let files: Result<Vec<_>> = paths.iter().map(|path| files_of(path)).collect();
    Ok(files?.concat())
}

/// Returns the files that paths stand for, and adds the errors of unreadable folders.
fn expanded(paths: &[PathBuf], errors: &mut Vec<CliError>) -> Vec<PathBuf> {
    let files = paths.iter().flat_map(|path| {
        let files = files_of(path).map_err(|error| errors.push(error));
        files.unwrap_or_default()
    });
    files.collect()
}

/// Returns the valid fixtures of files, and adds the errors of the others.
fn read_all(files: &[PathBuf], errors: &mut Vec<CliError>) -> Vec<(PathBuf, Fixture)> {
    let mut valid = Vec::new();
    for file in files {
        match read_fixture(file) {
            Ok(fixture) => valid.push((file.clone(), fixture)),
            Err(error) => errors.push(error),
        }
    }
    let named = valid
        .iter()
        .map(|(path, fixture)| (path.display().to_string(), fixture));
    errors.extend(fixture::distinct(named).err().map(CliError::from));
    valid
}

/// Returns several errors as one text, in which each begins with `error:`.
fn joined(errors: &[CliError]) -> Result<()> {
    let texts = errors.iter().map(|error| match error.to_string() {
        text if text.starts_with("error:") => text,
        text => format!("error: {text}"),
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    match text.is_empty() {
        true => Ok(()),
        false => Err(CliError::usage(text)),
    }
}

/// Returns the fixtures that a path stands for: itself, or those in the folder.
fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let shown = path.display();
    let unreadable = |error| CliError::usage(format!("cannot read the folder {shown}: {error}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        // A link to nothing is an error when it is read.
        if is_fixture(&file) && (file.is_file() || !file.exists()) {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let message = format!("no fixture in the folder {shown}, expected *.yaml, *.yml or *.json");
        return Err(CliError::usage(message).hint("folders in it are not read"));
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

#[expect(
    clippy::disallowed_methods,
    reason = "a fixture names files beside itself"
)]
fn read_fixture(file: &Path) -> Result<Fixture> {
    let mut load = |name: &str| fs::read(file.with_file_name(name));
    let (shown, bytes) = (file.display().to_string(), read(file)?);
    Ok(fixture::read_file(&shown, &bytes, &mut load)?)
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

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
        let (out, checked) = check(&paths);
        let shown = |text: String| text.replace(&folder.path().display().to_string(), "DIR");
        let (code, err) = match checked {
            Ok(code) => (code, String::new()),
            Err(error) => (error.code, format!("{error}\n")),
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
                        error: cannot read DIR/d.yaml: No such file or directory (os error 2)\n";
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
         hint: give each a `name` and a port of its own\n"
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
    fn a_link_to_nothing_in_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        write_new(&folder.path().join("a.yaml"), GOOD).unwrap();
        std::os::unix::fs::symlink("nowhere.yaml", folder.path().join("b.yaml")).unwrap();
        let (out, checked) = check(&[folder.path().to_owned()]);
        let error = checked.unwrap_err().to_string();
        assert!(
            out.starts_with("ok sensor") && error.contains("b.yaml: No such file"),
            "{out}{error}"
        );
    }

    #[test]
    fn files_of_modes_are_checked_and_ready_made_ones_listed() {
        let modes = "failures: [{ name: a, do: { bom: true } }, { name: b, do: { gzip: true } }]";
        let bad = "failures:\n  - { name: a, do: { statsu: 503 } }\n";
        let files = [
            ("modes.yaml", modes),
            ("bad.yaml", bad),
            ("good.yaml", GOOD),
        ];
        let (code, out, err) = checked(&files, &[""]);
        assert_eq!(
            out,
            "ok failure modes: a, b\nok sensor sensor: 4 users, policy examples\n"
        );
        assert!(
            code == 2 && err.starts_with("error: line 2 column 22: unknown key `statsu`"),
            "{err}"
        );
        let listed = modes_text();
        assert_eq!(listed.lines().count(), READY_MADE.len());
        assert!(
            listed.contains("\nslow_first_answer           The first answer takes ten seconds"),
            "{listed}"
        );
    }

    #[test]
    fn init_writes_a_starter_and_overwrites_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plant.yaml");
        init(&path).unwrap();
        assert_eq!(
            load(std::slice::from_ref(&path)).unwrap()[0].1.name,
            "plant-7"
        );
        let error = init(&path).unwrap_err();
        assert_eq!(error.code, 2);
        let error = error.to_string();
        assert!(
            error.contains("plant.yaml exists already\n  hint: name a new file"),
            "{error}"
        );
    }

    #[test]
    fn schema_prints_what_is_committed() {
        assert_eq!(
            format!("{:#}\n", fixture::schema()),
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
        let errors = load(&[bad.clone(), good, bad]).unwrap_err().to_string();
        assert_eq!(errors.matches("unknown kind `senor`").count(), 2);
    }
}

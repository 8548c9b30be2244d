//! What a client believes at the end: a file with a line `SITE USER PASSWORD` for each password, compared with the appliances.

use std::{borrow::Borrow, collections::HashMap, path::Path};

use thiserror::Error;

use crate::{
    appliance::User,
    cli::{
        code,
        error::{CliError, Result, read_text},
        print,
        serve::fixture_set::Entry,
    },
    fixture::Fixture,
};

/// Checks that a client can write the file.
///
/// # Errors
/// A folder stands there, or the file has none.
pub(super) fn check_path(path: &Path) -> Result<()> {
    let shown = path.display();
    let hint = "name the file that the client writes";
    match path.parent() {
        _ if path.is_dir() => Err(CliError::usage(format!("{shown} is a folder")).hint(hint)),
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let message = format!(
                "cannot read {shown}: the folder {} does not exist",
                folder.display()
            );
            Err(CliError::usage(message).hint(hint))
        }
        _ => Ok(()),
    }
}

/// Prints which appliances have a user whose password the client does not know, and returns the exit code. Of a user without a line it
/// is to be that of the start; the last line of a user counts. No password is printed.
///
/// # Errors
/// The file cannot be read, or a line names no appliance, no user or no password.
pub(super) fn compare(path: &Path, entries: &[Entry]) -> Result {
    let text = read_text(path)?;
    let sites = entries
        .iter()
        .map(|entry| (&*entry.fixture.name, &entry.fixture));
    let sites: HashMap<&str, &Fixture> = sites.collect();
    let mut believed: HashMap<(&str, &str), &str> = HashMap::new();
    let mut faults = Vec::new();
    let lines = text.strip_prefix('\u{feff}').unwrap_or(&text).lines();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        match read_line(line, &sites) {
            Ok((user, password)) => drop(believed.insert(user, password)),
            Err(fault) => faults.push(format!("{}:{}: {fault}", path.display(), index + 1)),
        }
    }
    if let Some(first) = faults.first() {
        let message = match faults.len() - 1 {
            0 => first.clone(),
            1 => format!("{first}; 1 other line is wrong"),
            others => format!("{first}; {others} other lines are wrong"),
        };
        let hint = "expected SITE USER PASSWORD, with a blank or a tab between them";
        return Err(CliError::usage(message).hint(hint));
    }
    let knows = |entry: &&Entry| {
        let name = &*entry.fixture.name;
        let mut users = entry.fixture.state.directory.users();
        users.all(|user| {
            let password = believed.get(&(name, &*user.username));
            let password = password.map_or(user.password.expose(), |password| *password);
            let holds = entry.appliance.appliance();
            holds.password_is(&user.username, password) == Some(true)
        })
    };
    let lost: Vec<String> = entries
        .iter()
        .filter(|entry| !knows(entry))
        .map(|entry| match entry.fixture.drift {
            0 => entry.fixture.name.clone(),
            drift => format!("{} (drift {drift})", entry.fixture.name),
        })
        .collect();
    let colon = if lost.is_empty() { "" } else { ": " };
    print(format!(
        "lost {} of {}{colon}{}\n",
        lost.len(),
        entries.len(),
        listed(&lost, MAX_SHOWN)
    ))?;
    Ok(if lost.is_empty() {
        code::SUCCESS
    } else {
        code::DEVIATION
    })
}

/// Reads a line: a site, its user and the password, with a blank or a tab between them. Names of users may have blanks: the longest counts.
fn read_line<'a>(
    line: &'a str,
    sites: &HashMap<&'a str, &'a Fixture>,
) -> Result<((&'a str, &'a str), &'a str), LineError> {
    let (word, rest) = line.split_once(SEPARATORS).unwrap_or((line, ""));
    let Some((site, fixture)) = sites.get_key_value(word) else {
        // A part of the line may be a password: a name is shown if others follow it.
        let name = word.split([',', ';', ':']).next().unwrap_or_default();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-[]#".contains(&byte);
        return Err(match name.len() < line.len() && name.bytes().all(is_name) {
            true => LineError::Unknown(name.chars().take(64).collect()),
            false => LineError::Site,
        });
    };
    let after = |user: &'a User| {
        let rest = rest.strip_prefix(&*user.username)?;
        let rest = rest
            .strip_prefix(SEPARATORS)
            .or(rest.is_empty().then_some(""))?;
        Some((&*user.username, rest))
    };
    let users = fixture.state.directory.users().filter_map(after);
    match users.max_by_key(|(user, _)| user.len()) {
        None if rest.is_empty() => Err(LineError::Alone((*site).to_owned())),
        None => Err(LineError::User((*site).to_owned())),
        Some((user, "")) => Err(LineError::Password(user.to_owned(), (*site).to_owned())),
        Some((user, password)) => Ok(((site, user), password)),
    }
}

/// Why a line is not read. It shows no password.
#[derive(Debug, Error)]
enum LineError {
    #[error("no appliance is named `{0}`")]
    Unknown(String),
    #[error("its first word is the name of no appliance")]
    Site,
    #[error("{0} stands alone")]
    Alone(String),
    #[error("{0} has no user of the next word")]
    User(String),
    #[error("no password of {0} at {1}")]
    Password(String, String),
}

/// Lists names, as many as are asked for, and how many more there are.
pub(super) fn listed(names: &[impl Borrow<str>], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(" ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

const SEPARATORS: [char; 2] = [' ', '\t'];
/// How many names are printed.
const MAX_SHOWN: usize = 100;

//! What a client believes at the end: a file with a line `SITE USER PASSWORD` for each password, compared with the appliances.

use std::{collections::HashMap, path::Path};

use crate::{
    cli::{
        code,
        error::{CliError, Result, read_text},
        print,
        serve::fixture_set::Entry,
    },
    fixture::Fixture,
};

/// Prints which appliances have a user whose password the client does not know, and returns the exit code. Of a user without a line it
/// is to be the fixture's; the last line of a user counts. No password is printed.
///
/// # Errors
/// The file cannot be read, or a line names no appliance or no user; what the other lines say is printed before.
pub(super) fn compare(path: &Path, entries: &[Entry]) -> Result {
    let text = read_text(path)?;
    let sites = entries
        .iter()
        .map(|entry| (&*entry.fixture.name, &entry.fixture));
    let sites: HashMap<&str, &Fixture> = sites.collect();
    let mut believed: HashMap<(&str, &str), &str> = HashMap::new();
    let mut faults = Vec::new();
    for (index, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let mut words = line.splitn(3, ' ');
        // A line is not shown: a part of it may be a password.
        let fault = match (
            words.next().and_then(|site| sites.get_key_value(site)),
            words.next(),
            words.next(),
        ) {
            (None, ..) => "its first word is the name of no appliance",
            (_, _, None | Some("")) => "it has no password",
            (Some((_, site)), Some(user), _) if site.state.directory.find(user).is_none() => {
                "that appliance has no user of its second word"
            }
            (Some((site, _)), Some(user), Some(password)) => {
                believed.insert((site, user), password);
                continue;
            }
            (_, None, _) => "it has no user",
        };
        faults.push(format!("{}:{}: {fault}", path.display(), index + 1));
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
    let lost: Vec<&str> = entries
        .iter()
        .filter(|entry| !knows(entry))
        .map(|entry| &*entry.fixture.name)
        .collect();
    let shown = lost[..lost.len().min(MAX_SHOWN)].join(" ");
    let more = match lost.len().saturating_sub(MAX_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let colon = if lost.is_empty() { "" } else { ": " };
    print(format!(
        "lost {} of {}{colon}{shown}{more}\n",
        lost.len(),
        entries.len()
    ))?;
    if let Some(first) = faults.first() {
        let others = faults.len() - 1;
        let message = format!("{first}; {others} other lines are wrong");
        let message = if others == 0 { first.clone() } else { message };
        return Err(
            CliError::usage(message).hint("expected SITE USER PASSWORD, with a blank between them")
        );
    }
    Ok(if lost.is_empty() {
        code::SUCCESS
    } else {
        code::DEVIATION
    })
}

/// How many names are printed.
const MAX_SHOWN: usize = 100;

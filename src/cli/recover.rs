//! `recover`: give back the passwords that an interrupted run left changed.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{client::Client, code, serve, talk::Talk},
    contract,
    contract::Readings,
    runner::{
        Accounts, Named, undo,
        undo::{Hands, Journal, Lost, Shelf, shelf},
    },
};

/// What recover is told.
#[derive(Args, Debug)]
pub struct Options {
    /// The journal of the interrupted run; without it: all that are open
    journal: Option<PathBuf>,
    /// The target's accounts, where the file is no longer the one the journal names
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

/// Gives back what is open and returns the exit code: 0, or 7 where something could not be given back.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    let journals = match &options.journal {
        Some(journal) if !journal.exists() => Err(no_such_journal(journal)),
        Some(journal) => Ok(vec![journal.clone()]),
        None => open_journals(talk),
    };
    let (journals, runtime) = match (journals, serve::runtime()) {
        (Ok(journals), Ok(runtime)) => (journals, runtime),
        (Err(error), _) => return talk.code(Err(error)),
        (_, Err(error)) => return talk.code(Err(format!("starting: {error}"))),
    };
    journals.iter().fold(code::GOOD, |worst, path| {
        let code = match shelf::lock_of(path) {
            Ok(Some(_lock)) => runtime.block_on(one(path, options.accounts.as_deref(), talk)),
            Ok(None) => {
                talk.error(format!("the run of {} is still under way", path.display()));
                code::REFUSED
            }
            Err(error) => {
                talk.error(error);
                code::LOST
            }
        };
        code::gravest(worst, code)
    })
}

/// Returns the journals in the user's state folder. Without one, a note names the folder: another state folder may have journals.
fn open_journals(talk: &Talk) -> Result<Vec<PathBuf>, String> {
    let shelf = Shelf::find()?;
    let journals = shelf.journals()?;
    if journals.is_empty() {
        talk.note(format!(
            "no open journal in {}: no password to restore",
            shelf.folder().display()
        ));
    }
    Ok(journals)
}

/// A mistyped path must not pass for a run that has left nothing changed.
fn no_such_journal(path: &Path) -> String {
    let hint = match Shelf::find().and_then(|shelf| Ok((shelf.journals()?, shelf))) {
        Ok((journals, shelf)) if journals.is_empty() => {
            format!("no journal is open in {}", shelf.folder().display())
        }
        Ok((journals, _)) => {
            let paths: Vec<String> = journals
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            format!("open journals: {}", paths.join(", "))
        }
        Err(error) => error,
    };
    format!("no such journal: {}\n  hint: {hint}", path.display())
}

/// Gives back what one journal says; its lock is held by the caller.
pub async fn one(path: &Path, accounts: Option<&Path>, talk: &Talk) -> u8 {
    match attempt(path, accounts, talk).await {
        Ok(code) => code,
        Err(error) => {
            talk.error(format!(
                "the passwords of {} are not given back: {error}\n  hint: then again: {}",
                path.display(),
                command(path)
            ));
            code::LOST
        }
    }
}

async fn attempt(path: &Path, accounts: Option<&Path>, talk: &Talk) -> Result<u8, String> {
    let Some((journal, seed)) = Journal::open(path)? else {
        talk.note(format!("{} was closed already", path.display()));
        return Ok(code::GOOD);
    };
    let header = journal.header().clone();
    if journal.at_risk().is_empty() {
        journal
            .close()
            .map_err(|error| format!("closing the journal: {error}"))?;
        talk.note(format!("{}: nothing is left changed", header.target));
        return Ok(code::GOOD);
    }
    let file = accounts.unwrap_or(&header.accounts);
    let named =
        Named::load(file, &|name| env::var(name).ok()).map_err(|error| error.to_string())?;
    let client: Client = serde_json::from_value(header.client.clone())
        .map_err(|error| format!("the journal's client options: {error}"))?;
    let url = header
        .target
        .parse()
        .map_err(|error| format!("the journal's target: {error}"))?;
    let target = client.target(&url, named.proxy.as_ref())?;
    let contract = contract::of(journal.kind().map_err(|error| error.to_string())?);
    let mut served = Readings::default();
    for (fact, reading) in journal.served() {
        served
            .choose(contract, fact, reading)
            .map_err(|error| error.to_string())?;
    }
    let accounts = Accounts::at_a_target(&named.accounts, &seed);
    if let Some(missing) = journal
        .at_risk()
        .keys()
        .find(|account| !accounts.present().contains(account))
    {
        return Err(format!("{} names no `{}`", file.display(), missing.name()));
    }
    let mut hands = Hands::new(&target, contract, &accounts, served);
    let (given, lost) = undo::recover(&mut hands, journal).await?;
    for account in given {
        talk.note(format!(
            "{}: the password of `{}` is its own, as a validation has proven",
            header.target,
            account.name()
        ));
    }
    if lost.is_empty() {
        return Ok(code::GOOD);
    }
    talk.error(steps(&lost, &header.target, file, path));
    Ok(code::LOST)
}

/// Says what a person has to do where a password could not be given back.
pub fn steps(lost: &[Lost], target: &str, accounts: &Path, journal: &Path) -> String {
    let mut text = format!(
        "{} password(s) at {target} could not be given back: act now",
        lost.len()
    );
    for Lost {
        account,
        username,
        because,
        ..
    } in lost
    {
        let account = account.name();
        text.push_str(&format!(
            "\n  account `{account}`, user `{}`: {because}",
            username.escape_debug()
        ));
        text.push_str(&format!("\n    1. sign in to {target} as an administrator"));
        text.push_str(&format!(
            "\n    2. set the password of `{}` to the one under `{account}` in {}",
            username.escape_debug(),
            accounts.display()
        ));
    }
    text.push_str(&format!(
        "\n  then let this prove it and close the journal: {}",
        command(journal)
    ));
    text
}

/// The command that gives back what a journal says.
pub fn command(journal: &Path) -> String {
    format!(
        "d4iot-double recover {}",
        shlex::try_quote(&journal.display().to_string())
            .map_or_else(|_| "JOURNAL".into(), |path| path.into_owned())
    )
}

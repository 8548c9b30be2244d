//! `recover`: restores the passwords that an interrupted run left changed.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{code, serve, talk::Talk},
    runner::{
        AccountsFile,
        live::{
            LiveError,
            recover::recover,
            undo::{JournalDir, JournalError, Recovery, TargetLock, UnrestoredPassword},
        },
    },
};

/// Which journals, and with which accounts.
#[derive(Args, Debug)]
pub struct Options {
    /// The journal of the interrupted run; without it: all open journals
    journal: Option<PathBuf>,
    /// The target's accounts, if the file is not the one that the journal names
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

/// Restores what is open and returns the exit code: 0, or 7 if a password could not be restored.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    let journals = match &options.journal {
        Some(journal) if !journal.exists() => Err(no_such_journal(journal)),
        Some(journal) => Ok(vec![journal.clone()]),
        None => open_journals(talk).map_err(|error| error.to_string()),
    };
    let (journals, runtime) = match (journals, serve::runtime()) {
        (Ok(journals), Ok(runtime)) => (journals, runtime),
        (Err(error), _) => return talk.code(Err(error)),
        (_, Err(error)) => return talk.code(Err(format!("starting: {error}"))),
    };
    let codes = journals.iter().map(|journal| {
        let accounts = options.accounts.as_deref();
        runtime.block_on(recover_journal(journal, accounts, talk))
    });
    codes.fold(code::GOOD, code::gravest)
}

/// Returns the journals in the user's state folder. Without one, a note names the folder: another state folder may have journals.
fn open_journals(talk: &Talk) -> Result<Vec<PathBuf>, JournalError> {
    let dir = JournalDir::find()?;
    let journals = dir.journals()?;
    if journals.is_empty() {
        talk.note(format!(
            "no open journal in {}: no password to restore",
            dir.path().display()
        ));
    }
    Ok(journals)
}

/// A mistyped path must not read as if the run had left nothing changed.
fn no_such_journal(path: &Path) -> String {
    let listed = JournalDir::find().and_then(|dir| Ok((dir.journals()?, dir)));
    let hint = match listed {
        Ok((journals, dir)) if journals.is_empty() => {
            format!("no journal is open in {}", dir.path().display())
        }
        Ok((journals, _)) => {
            let paths = journals.iter().map(|path| path.display().to_string());
            format!("open journals: {}", paths.collect::<Vec<_>>().join(", "))
        }
        Err(error) => error.to_string(),
    };
    format!("no such journal: {}\n  hint: {hint}", path.display())
}

async fn recover_journal(journal: &Path, accounts: Option<&Path>, talk: &Talk) -> u8 {
    let _lock = match TargetLock::of_journal(journal) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            talk.error(format!(
                "the run of {} is still in progress",
                journal.display()
            ));
            return code::REFUSED;
        }
        Err(error) => {
            talk.error(error);
            return code::LOST;
        }
    };
    let load = |named: &Path| AccountsFile::load(accounts.unwrap_or(named));
    match recover(journal, |header| Ok(load(&header.accounts)?)).await {
        Ok(Some(recovery)) => report(&recovery, journal, talk),
        Ok(None) => {
            talk.note(format!("{} had been closed", journal.display()));
            code::GOOD
        }
        Err(error) => failed(&error, journal, talk),
    }
}

/// Prints what was restored, and the steps for what was not. Returns the exit code.
pub fn report(recovery: &Recovery, journal: &Path, talk: &Talk) -> u8 {
    let Recovery {
        target,
        accounts_file,
        restored,
        unrestored,
    } = recovery;
    for account in restored {
        talk.note(format!(
            "{target}: the password of `{}` is restored, as a validation shows",
            account.name()
        ));
    }
    if !unrestored.is_empty() {
        talk.error(steps(unrestored, target, accounts_file, journal));
        return code::LOST;
    }
    if restored.is_empty() {
        talk.note(format!("{target}: no password is changed"));
    }
    code::GOOD
}

/// Prints why a journal could not be worked off. Returns the exit code.
pub fn failed(error: &LiveError, journal: &Path, talk: &Talk) -> u8 {
    talk.error(format!(
        "the passwords of {} are not restored: {error}\n  hint: then run again: {}",
        journal.display(),
        command(journal)
    ));
    code::LOST
}

/// Says what a person has to do about passwords that could not be restored.
pub fn steps(
    unrestored: &[UnrestoredPassword],
    target: &str,
    accounts: &Path,
    journal: &Path,
) -> String {
    let mut text = match unrestored.len() {
        1 => format!("1 password at {target} could not be restored: act now"),
        count => format!("{count} passwords at {target} could not be restored: act now"),
    };
    for unrestored in unrestored {
        let account = unrestored.account.name();
        let username = unrestored.username.escape_debug();
        text.push_str(&format!(
            "\n  account `{account}`, user `{username}`: {}\n    1. sign in to {target} as an administrator\n    2. set the password of `{username}` to the one of `{account}` in {}",
            unrestored.reason,
            accounts.display()
        ));
    }
    text.push_str(&format!(
        "\n  then run this command, which validates the passwords and closes the journal: {}",
        command(journal)
    ));
    text
}

/// Returns the command that works off a journal.
pub fn command(journal: &Path) -> String {
    let path = journal.display().to_string();
    let quoted =
        shlex::try_quote(&path).map_or_else(|_| "JOURNAL".into(), |path| path.into_owned());
    format!("d4iot-double recover {quoted}")
}

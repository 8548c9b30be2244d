//! `recover`: restores the passwords that an interrupted run left changed.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        serve,
    },
    runner::{
        AccountsFile,
        live::{
            LiveError,
            recover::recover,
            undo::{JournalDir, Recovery, TargetLock, UnrestoredPassword},
        },
    },
};

/// The arguments of `recover`.
#[derive(Args, Debug)]
pub(super) struct RecoverArgs {
    /// Journal of the interrupted run; without it: all open journals
    journal: Option<PathBuf>,
    /// Accounts of the target, if the file has moved since the run
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

/// Restores what is open and returns the exit code: 0, or 7 if a password could not be restored.
pub(super) fn run(options: &RecoverArgs, console: &Console) -> Result {
    let journals = match &options.journal {
        Some(journal) if !journal.exists() => return Err(no_such_journal(journal)),
        Some(journal) => vec![journal.clone()],
        None => open_journals(console)?,
    };
    let runtime = serve::runtime().map_err(serve::cannot_start)?;
    let codes = journals.iter().map(|journal| {
        let accounts = options.accounts.as_deref();
        runtime.block_on(recover_journal(journal, accounts, console))
    });
    Ok(codes.fold(code::SUCCESS, code::worst))
}

/// Returns the journals in the user's state folder. Without one, a note names the folder: another state folder may have journals.
fn open_journals(console: &Console) -> Result<Vec<PathBuf>> {
    let dir = JournalDir::find()?;
    let journals = dir.journals()?;
    if journals.is_empty() {
        console.note(format!(
            "no open journal in {}: no password to restore",
            dir.path().display()
        ));
    }
    Ok(journals)
}

/// A mistyped path must not read as if the run had left nothing changed.
fn no_such_journal(path: &Path) -> CliError {
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
    CliError::usage(format!("no such journal: {}", path.display())).hint(hint)
}

async fn recover_journal(journal: &Path, accounts: Option<&Path>, console: &Console) -> u8 {
    let _lock = match TargetLock::of_journal(journal) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            console.error(format!(
                "the run of {} is still in progress",
                journal.display()
            ));
            return code::REFUSED;
        }
        Err(error) => {
            console.error(error);
            return code::UNRESTORED;
        }
    };
    let load = |named: &Path| AccountsFile::load(accounts.unwrap_or(named));
    match recover(journal, |header| Ok(load(&header.accounts)?)).await {
        Ok(Some(recovery)) => report(&recovery, journal, console),
        Ok(None) => {
            console.note(format!("{} had been closed", journal.display()));
            code::SUCCESS
        }
        Err(error) => failed(&error, journal, console),
    }
}

/// Prints what was restored, and the steps for what was not. Returns the exit code.
pub(super) fn report(recovery: &Recovery, journal: &Path, console: &Console) -> u8 {
    let Recovery {
        target,
        accounts_file,
        restored,
        unrestored,
    } = recovery;
    for account in restored {
        console.note(format!(
            "{target}: the password of `{}` is restored, as a validation shows",
            account.name()
        ));
    }
    if !unrestored.is_empty() {
        console.error(steps(unrestored, target, accounts_file, journal));
        return code::UNRESTORED;
    }
    if restored.is_empty() {
        console.note(format!("{target}: no password is changed"));
    }
    code::SUCCESS
}

/// Prints why a journal could not be worked off. Returns the exit code.
pub(super) fn failed(error: &LiveError, journal: &Path, console: &Console) -> u8 {
    console.error(format!(
        "the passwords of {} are not restored: {error}\n  hint: then run again: {}",
        journal.display(),
        command(journal)
    ));
    code::UNRESTORED
}

/// Says what a person has to do about passwords that could not be restored.
pub(super) fn steps(
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
pub(super) fn command(journal: &Path) -> String {
    let path = journal.display().to_string();
    let quoted =
        shlex::try_quote(&path).map_or_else(|_| "JOURNAL".into(), |path| path.into_owned());
    format!("d4iot-double recover {quoted}")
}

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

/// Restores what is open and returns the exit code: 0, 6 if a run is in progress, or 7 if a password could not be restored.
pub(super) fn run(options: &RecoverArgs, console: &Console) -> Result {
    let journals = match &options.journal {
        Some(journal) if !journal.exists() => return Err(no_such_journal(journal)),
        Some(journal) => vec![journal.clone()],
        None => open_journals(console)?,
    };
    let (runtime, accounts) = (serve::runtime()?, options.accounts.as_deref());
    let recover = |journal: &PathBuf| runtime.block_on(recover_journal(journal, accounts, console));
    let codes = journals.iter().map(recover);
    Ok(codes.fold(code::SUCCESS, code::worst))
}

/// Returns the journals in the user's state folder. Without one, a note names the folder: another state folder may have journals.
fn open_journals(console: &Console) -> Result<Vec<PathBuf>> {
    let dir = JournalDir::find()?;
    let journals = dir.journals()?;
    if journals.is_empty() {
        let dir = dir.path().display();
        console.note(format!("no open journal in {dir}: no password to restore"));
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
    let shown = journal.display();
    let _lock = match TargetLock::of_journal(journal) {
        Ok(Some(lock)) => lock,
        Ok(None) => {
            console.error(format!("the run of {shown} is still in progress"));
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
            console.note(format!("{shown} had been closed"));
            code::SUCCESS
        }
        Err(error) => failed(&error, journal, console),
    }
}

/// Prints what was restored, and the steps for what was not. Returns the exit code.
pub(super) fn report(recovery: &Recovery, journal: &Path, console: &Console) -> u8 {
    let (target, unrestored) = (&recovery.target, &recovery.unrestored);
    for account in &recovery.restored {
        let name = account.name();
        console.note(format!(
            "{target}: the password of `{name}` is restored, as a validation shows"
        ));
    }
    if !unrestored.is_empty() {
        console.error(steps(unrestored, target, &recovery.accounts_file, journal));
        return code::UNRESTORED;
    }
    if recovery.restored.is_empty() {
        console.note(format!("{target}: no password is changed"));
    }
    code::SUCCESS
}

/// Prints why a journal could not be worked off. Returns the exit code.
pub(super) fn failed(error: &LiveError, journal: &Path, console: &Console) -> u8 {
    let (shown, command) = (journal.display(), command(journal));
    console.error(format!(
        "the passwords of {shown} are not restored: {error}\n  hint: then run again: {command}"
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
    let passwords = match unrestored.len() {
        1 => "1 password".to_owned(),
        count => format!("{count} passwords"),
    };
    let mut text = format!("{passwords} at {target} could not be restored: act now");
    for UnrestoredPassword {
        account,
        username,
        reason,
        ..
    } in unrestored
    {
        let (account, username, file) =
            (account.name(), username.escape_debug(), accounts.display());
        text.push_str(&format!(
            "\n  account `{account}`, user `{username}`: {reason}\n    1. sign in to {target} as an administrator\n    2. set the password of `{username}` to the one of `{account}` in {file}"
        ));
    }
    let command = command(journal);
    format!(
        "{text}\n  then run this command, which validates the passwords and closes the journal: {command}"
    )
}

/// Returns the command that works off a journal.
pub(super) fn command(journal: &Path) -> String {
    let path = journal.display().to_string();
    let quoted = shlex::try_quote(&path).unwrap_or("JOURNAL".into());
    format!("d4iot-double recover {quoted}")
}

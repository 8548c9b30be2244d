//! `recover`: restores the passwords that an interrupted run left changed.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result, read_text},
        runtime,
    },
    client::Pin,
    runner::{
        AccountsFile,
        live::{
            LiveError, RecoverOptions,
            recover::{recover, steps},
            undo,
            undo::{JournalDir, JournalHeader, RecoveredPassword, Recovery, TargetLock},
        },
    },
    suite::Account,
};

/// The arguments of `recover`.
#[derive(Args, Debug)]
pub(super) struct RecoverArgs {
    /// Journal of the interrupted run; without it: all open journals
    journal: Option<PathBuf>,
    /// Accounts of the target, if the file has moved since the run
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Set the passwords of the accounts file even if the run knew other ones; without it such a password is only validated
    #[arg(long)]
    set_password_from_file: bool,
    /// Give up the journal and its seed: passwords stay as they are. Asks for confirmation on stdin
    #[arg(long, requires = "journal")]
    discard: bool,
    /// Accept any certificate; the key must still be the one of the run
    #[arg(short = 'k', long, conflicts_with_all = ["cacert", "pin_spki"])]
    insecure: bool,
    /// Trust only the certificates in this file, instead of those of the run
    #[arg(long, value_name = "PEM")]
    cacert: Option<PathBuf>,
    /// SHA-256 of the target's public key, if it has another one than in the run
    #[arg(long, value_name = "SHA256", conflicts_with_all = ["cacert"])]
    pin_spki: Option<Pin>,
}

/// Restores what is open and returns the exit code: 0, 6 if a run is in progress, or 7 if a password could not be restored.
pub(super) fn run(args: &RecoverArgs, console: &Console) -> Result {
    let journals = match &args.journal {
        Some(journal) if !journal.exists() => return Err(no_such_journal(journal)),
        Some(journal) if args.discard => return discard_journal(journal, console),
        Some(journal) => vec![journal.clone()],
        None => {
            let (journals, folder) = list_journals()?;
            if journals.is_empty() {
                // Another state folder may have journals.
                let text = format!("no open journal in {folder}: no password to restore");
                console.note(text);
            }
            journals
        }
    };
    let options = RecoverOptions {
        trust: args.cacert.as_deref().map(read_text).transpose()?,
        insecure: args.insecure,
        pin: args.pin_spki.clone(),
        set_password_from_file: args.set_password_from_file,
    };
    let (runtime, accounts) = (runtime::start()?, args.accounts.as_deref());
    let codes = journals.iter().map(|journal| {
        let recovered = recover_journal(journal, &options, accounts, console);
        console.code(runtime.block_on(recovered))
    });
    Ok(codes.fold(code::SUCCESS, code::worst))
}

/// Gives up a journal, if the user confirms it.
fn discard_journal(journal: &Path, console: &Console) -> Result {
    let shown = journal.display();
    let _lock = take_lock(journal)?;
    console.warning(format!(
        "without {shown} nothing can restore the passwords that its run may have left changed\n  type `yes` to remove it and its seed"
    ));
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if line.trim() != "yes" {
        console.error(format!("{shown} is kept"));
        return Ok(code::SAFETY_RULE);
    }
    undo::discard(journal)?;
    console.note(format!("{shown} is removed"));
    Ok(code::SUCCESS)
}

/// Takes the lock of a journal's target.
fn take_lock(journal: &Path) -> Result<TargetLock> {
    let lock = TargetLock::of_journal(journal);
    let lock = lock.map_err(|error| CliError::new(code::UNRESTORED, error))?;
    let message = format!("the run of {} is still in progress", journal.display());
    lock.ok_or_else(|| CliError::new(code::SAFETY_RULE, message))
}

/// Returns the journals in the user's state folder, and the folder.
fn list_journals() -> Result<(Vec<PathBuf>, String)> {
    let dir = JournalDir::of_user()?.create()?;
    Ok((dir.journals()?, dir.0.display().to_string()))
}

/// A mistyped path must not read as if the run had left nothing changed.
fn no_such_journal(path: &Path) -> CliError {
    let hint = match list_journals() {
        Ok((journals, folder)) if journals.is_empty() => {
            format!("no journal is open in {folder}")
        }
        Ok((journals, _)) => {
            let paths = journals.iter().map(|path| path.display().to_string());
            format!("open journals: {}", paths.collect::<Vec<_>>().join(", "))
        }
        Err(error) => error.to_string(),
    };
    CliError::usage(format!("no such journal: {}", path.display())).hint(hint)
}

async fn recover_journal(
    journal: &Path,
    options: &RecoverOptions,
    accounts: Option<&Path>,
    console: &Console,
) -> Result {
    let _lock = take_lock(journal)?;
    let load = |header: &JournalHeader, needed: &BTreeSet<Account>| {
        let path = accounts.unwrap_or(&header.accounts);
        Ok(AccountsFile::load_only(path, Some(needed))?)
    };
    let shown = journal.display();
    let recovered = recover(journal, options, load).await.map_err(|error| {
        let command = undo::recover_command(journal);
        let hint = match error {
            LiveError::Journal(_) => {
                format!("set the passwords by hand, then give the journal up: {command} --discard")
            }
            LiveError::Accounts(_) => {
                format!("then run again: {command}; if the file has moved, with --accounts FILE")
            }
            _ => format!("then run again: {command}"),
        };
        let message = format!("the passwords of {shown} are not restored: {error}");
        CliError::new(code::UNRESTORED, message).hint(hint)
    })?;
    if let Some(recovery) = recovered {
        return report(&recovery, journal, console);
    }
    console.note(format!(
        "{shown} is done: its run has restored all passwords"
    ));
    Ok(code::SUCCESS)
}

/// Prints what was done, and the steps for what was not restored. Returns the exit code.
fn report(recovery: &Recovery, journal: &Path, console: &Console) -> Result {
    let (target, unrestored) = (&recovery.target, &recovery.unrestored);
    let file = recovery.accounts_file.display();
    for (name, recovered) in &recovery.restored {
        let what = match recovered {
            RecoveredPassword::Restored => "is restored, as a validation shows".to_owned(),
            RecoveredPassword::RestoredUnseen => {
                "is restored, as a validation shows; whether somebody else had changed it since the run could not be found out".to_owned()
            }
            RecoveredPassword::SetFromFile => {
                format!("is set to the one of {file}, as a validation shows")
            }
            RecoveredPassword::Valid => {
                format!("is the one of {file}, as a validation shows: nothing was set")
            }
        };
        let name = name.escape_debug();
        console.note(format!("{target}: the password of `{name}` {what}"));
    }
    if !unrestored.is_empty() {
        let steps = steps(unrestored, target, &recovery.accounts_file, journal);
        return Err(CliError::new(code::UNRESTORED, act_now(&steps)));
    }
    if let Some(trouble) = &recovery.trouble {
        let command = undo::recover_command(journal);
        let message = format!("the passwords are as they should be, but {trouble}");
        let hint = format!("if the journal is still there, give it up: {command} --discard");
        return Err(CliError::new(code::UNRESTORED, message).hint(hint));
    }
    if recovery.restored.is_empty() {
        console.note(format!("{target}: no password is changed"));
    }
    console.note(format!("{} is done", journal.display()));
    Ok(code::SUCCESS)
}

/// Shows what a person has to do.
pub(super) fn act_now(steps: &[String]) -> String {
    let steps = steps.join("\n  ");
    format!("passwords could not be restored: act now\n  {steps}")
}

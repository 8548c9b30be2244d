//! Restoring what a run left changed: after a panic in the same process, or by `recover` after the process was killed.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    path::{Path, PathBuf},
};

use super::{
    consent,
    error::LiveError,
    sign_ins::SignInCounter,
    undo::{
        JournalDir, JournalHeader, JournalLine, JournalState, JournalUser, Recovery, SessionReply,
        TargetPlace, TargetSession, UndoJournal, UnrestoredPassword,
    },
};
use crate::{
    client::{Pin, Target, TargetOptions},
    contract,
    contract::Readings,
    runner::{Accounts, Seed, accounts_file::AccountsFile},
    suite::Account,
};

/// What the user allows, and how the target is reached if the journal's options do not do any more.
#[derive(Clone, Debug, Default)]
pub struct RecoverOptions {
    /// Certificates to trust, PEM.
    pub trust: Option<String>,
    /// Accept any certificate. The key must still be the one that the run saw.
    pub insecure: bool,
    /// The target's key, if it has another one now.
    pub pin: Option<Pin>,
    /// Set the password of the accounts file, although the run knew another one.
    pub set_password_from_file: bool,
}

/// Restores the passwords that a journal says may be changed; none if the journal had been closed. Closes the journal if nothing is
/// left changed. The caller holds its lock. `accounts` gives those accounts for the journal's first line.
///
/// # Errors
/// A file cannot be read, or the accounts or the target are not those of the journal.
pub async fn recover(
    path: &Path,
    options: &RecoverOptions,
    accounts: impl FnOnce(&JournalHeader, &BTreeSet<Account>) -> Result<AccountsFile, LiveError>,
) -> Result<Option<Recovery>, LiveError> {
    let Some((mut journal, seed)) = UndoJournal::open(path)? else {
        return Ok(None);
    };
    let header = journal.header().clone();
    let open = journal.state().open_accounts();
    let mut recovery = Recovery {
        target: header.target.clone(),
        accounts_file: header.accounts.clone(),
        restored: BTreeMap::new(),
        unrestored: Vec::new(),
    };
    if !open.is_empty() {
        let mut needed = open.clone();
        needed.insert(Account::Admin);
        let file = accounts(&header, &needed)?;
        check_accounts(&header, &file, &open)?;
        let client = client_options(journal.state(), &file, options)?;
        let target = Target::new(&header.target, &client)?;
        let values = Accounts::at_target(&file, &seed.clone().unwrap_or_else(Seed::random));
        let contract = contract::of(header.kind);
        let folder = JournalDir::at(path.parent().unwrap_or(Path::new(".")));
        let sign_ins = SignInCounter::for_recovery(folder.failures(&header.place));
        let served = served(journal.state())?;
        let mut session = TargetSession::new(&target, contract, &values, served, sign_ins);
        let mut refusal = None;
        if session.has_admin() {
            // Two wrong passwords in one file would be two failures more.
            let own = session.own_password(Account::Admin);
            if let SessionReply::Rejected(_) = session.validate(Account::Admin, &own).await {
                let (name, file) = (session.username(Account::Admin), file.path.display());
                refusal = Some(format!(
                    "the appliance refuses the password of admin ({name}): check {file}"
                ));
            }
        }
        let protected = consent::protected(&file.accounts);
        for account in open {
            let is_forced = seed.is_some() || session.has_admin();
            let may_set = options.set_password_from_file && is_forced
                || seed.as_ref().is_some_and(|seed| {
                    let own = file.accounts.get(&account);
                    own.map(|own| JournalUser::of(own, seed)).as_ref() == header.users.get(&account)
                });
            if seed.is_none() {
                session.forget_generated(account);
            }
            // A request that names an administrator may change nothing: such a password is only validated.
            if let Some(reason) = &refusal {
                recovery
                    .unrestored
                    .push(session.unrestored(account, reason));
                continue;
            }
            let restored = match may_set && !protected.contains_key(&account) {
                true => session.restore(account, true, &mut journal).await,
                false => validate_only(&mut session, account, &mut journal).await,
            };
            match restored {
                Ok(()) => drop(recovery.restored.insert(account, session.username(account))),
                Err(unrestored) => recovery.unrestored.push(unrestored),
            }
        }
        recovery.accounts_file = file.path;
    }
    if recovery.unrestored.is_empty() {
        journal.close();
    }
    Ok(Some(recovery))
}

/// Refuses accounts that are not those of the run.
fn check_accounts(
    header: &JournalHeader,
    file: &AccountsFile,
    open: &BTreeSet<Account>,
) -> Result<(), LiveError> {
    let path = file.path.display();
    for account in open {
        let (Some(own), Some(user)) = (file.accounts.get(account), header.users.get(account))
        else {
            return Err(LiveError::Unusable(format!(
                "{path} does not name `{account}`"
            )));
        };
        let (own, other) = (&own.username, &user.username);
        if own != other {
            return Err(LiveError::Unusable(format!(
                "`{account}` is `{own}` in {path}, but the run changed the password of `{other}`"
            )));
        }
    }
    Ok(())
}

/// Returns how the target is reached. It must have the key that the run saw, or, without TLS, one of its addresses.
fn client_options(
    state: &JournalState,
    file: &AccountsFile,
    options: &RecoverOptions,
) -> Result<TargetOptions, LiveError> {
    let header = &state.header;
    let mut client = header.client.clone();
    file.add_proxy_credentials(&mut client);
    if options.trust.is_some() || options.insecure || options.pin.is_some() {
        client.trust.clone_from(&options.trust);
        client.pin.clone_from(&options.pin);
        client.insecure = options.insecure;
    }
    client.expected_key = state.key.clone().filter(|_| options.pin.is_none());
    let url = header.target.parse();
    let place = url.map(|url| TargetPlace::of(&url, &client));
    let (then, now) = (
        &header.place.addresses,
        place.map(|place| place.addresses).unwrap_or_default(),
    );
    if client.expected_key.is_none()
        && options.pin.is_none()
        && !(then.is_empty() || now.is_empty())
        && then.is_disjoint(&now)
    {
        return Err(LiveError::Unusable(format!(
            "{} has another address than in the run, and no key by which it is known",
            header.target
        )));
    }
    Ok(client)
}

fn served(state: &JournalState) -> Result<Readings, LiveError> {
    let (contract, mut served) = (contract::of(state.header.kind), Readings::default());
    for (fact, reading) in &state.served {
        let chosen = served.choose(contract, fact, reading);
        chosen.map_err(|error| LiveError::Unusable(error.to_string()))?;
    }
    Ok(served)
}

/// Validates a password that is not the one the run knew: a person may have set it.
async fn validate_only(
    session: &mut TargetSession<'_>,
    account: Account,
    journal: &mut UndoJournal,
) -> Result<(), UnrestoredPassword> {
    let own = session.own_password(account);
    let reply = session.validate(account, &own).await;
    if reply == SessionReply::Accepted {
        journal.note(JournalLine::Restored { account });
        return Ok(());
    }
    let reason = format!(
        "a validation says {reply}; the password is protected, or another one than the run knew (--set-password-from-file sets that)"
    );
    Err(session.unrestored(account, &reason))
}

/// Runs a live run in a task of its own. If it panics, what its journal says is restored.
#[expect(
    clippy::disallowed_methods,
    reason = "a panic ends the task, and not what restores"
)]
pub(super) async fn run_or_recover<T: Send + 'static>(
    run: impl Future<Output = Result<T, LiveError>> + Send + 'static,
    journal: Option<PathBuf>,
    accounts: AccountsFile,
) -> Result<T, LiveError> {
    let panic = match tokio::spawn(run).await {
        Ok(result) => return result,
        Err(panic) => panic,
    };
    let recovery = match journal.filter(|journal| journal.exists()) {
        Some(journal) => {
            let options = RecoverOptions::default();
            let recovery = recover(&journal, &options, |_, _| Ok(accounts));
            recovery.await.transpose()
        }
        None => None,
    };
    let recovery = recovery.map(|recovery| recovery.map_err(Box::new));
    Err(LiveError::Panicked {
        message: panic.to_string(),
        recovery,
    })
}

/// Says what a person has to do about passwords that could not be restored.
pub fn steps(
    unrestored: &[UnrestoredPassword],
    target: &str,
    accounts: &Path,
    journal: &Path,
) -> Vec<String> {
    let file = accounts.display();
    let step = |unrestored: &UnrestoredPassword| {
        let (account, reason) = (unrestored.account, &unrestored.reason);
        let username = unrestored.username.escape_debug();
        format!(
            "the password of user `{username}` at {target} may be changed ({reason}): sign in to {target} as an administrator and set it to the one of `{account}` in {file}, or set another one and write it into that file"
        )
    };
    let mut steps: Vec<String> = unrestored.iter().map(step).collect();
    steps.push(format!(
        "then validate the passwords and close the journal: {}",
        command(journal)
    ));
    steps
}

/// Says what a person has to watch after a change whose answer was lost.
pub(super) fn watch_step(names: &[String], kept: &Path) -> String {
    let names = names.join("`, `");
    format!(
        "the answer to a change of `{names}` was lost, or contradicts a validation: check the password again within a day, and if it is not the one of the accounts file: {}",
        command(kept)
    )
}

/// Returns the command that works off a journal.
pub fn command(journal: &Path) -> String {
    let path = journal.display().to_string();
    let quoted = shlex::try_quote(&path).unwrap_or("JOURNAL".into());
    format!("d4iot-double recover {quoted}")
}

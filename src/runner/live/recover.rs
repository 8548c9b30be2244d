//! Restoring what a run left changed, by `recover`.

use std::{collections::BTreeSet, path::Path};

use super::{
    consent,
    error::LiveError,
    sign_ins::SignInCounter,
    undo::{
        JournalDir, JournalHeader, JournalLine, JournalState, JournalUser, PasswordUnknown,
        RecoveredPassword, Recovery, SessionReply, TargetPlace, TargetSession, UndoJournal,
        UnrestoredPassword, recover_command,
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
#[derive(Clone, Debug)]
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
/// A file cannot be read, the accounts or the target are not those of the journal, or the administrator's password is refused.
pub async fn recover(
    path: &Path,
    options: &RecoverOptions,
    accounts: impl FnOnce(&JournalHeader, &BTreeSet<Account>) -> Result<AccountsFile, LiveError>,
) -> Result<Option<Recovery>, LiveError> {
    let Some((mut journal, seed)) = UndoJournal::open(path)? else {
        return Ok(None);
    };
    let header = &journal.state.header;
    let open = journal.state.open_accounts();
    let mut recovery = Recovery {
        target: header.target.clone(),
        accounts_file: header.accounts.clone(),
        ..Recovery::default()
    };
    if !open.is_empty() {
        let mut needed = open.clone();
        needed.insert(Account::Admin);
        let file = accounts(header, &needed)?;
        check_accounts(header, &file, &open)?;
        recovery.accounts_file.clone_from(&file.path);
        work_off(&mut journal, seed, options, &file, &mut recovery).await?;
    }
    if recovery.unrestored.is_empty() {
        recovery.trouble = journal.close().1;
    }
    Ok(Some(recovery))
}

/// Restores or validates the password of each account of a journal.
async fn work_off(
    journal: &mut UndoJournal,
    seed: Option<Seed>,
    options: &RecoverOptions,
    file: &AccountsFile,
    recovery: &mut Recovery,
) -> Result<(), LiveError> {
    let (header, open) = (journal.state.header.clone(), journal.state.open_accounts());
    let client = client_options(&journal.state, file, options)?;
    let target = Target::new(&header.target, &client)?;
    let random = seed.clone().unwrap_or_else(Seed::random);
    let values = Accounts::at_target(file, &random, Some(&journal.state.form));
    let memory = JournalDir::of_journal(&journal.path).failures(&header.place);
    let sign_ins = SignInCounter::for_recovery(memory);
    let (contract, served) = (contract::of(header.kind), served(&journal.state)?);
    let mut session = TargetSession::new(&target, contract, &values, served, sign_ins);
    check_admin(&mut session, file, &open).await?;
    let protected = consent::protected(&file.accounts);
    for account in open {
        let own = seed.as_ref().zip(file.accounts.get(&account));
        let own = own.map(|(seed, own)| JournalUser::of(own, seed));
        let is_same = own.is_some() && own.as_ref() == header.users.get(&account);
        let may_set = options.set_password_from_file && (seed.is_some() || session.has_admin());
        if seed.is_none() {
            // None of the passwords that it generates is known.
            session.unknown_passwords.insert(account);
        }
        let mut unknown = None;
        if is_same && !may_set {
            let noted = session.noted(account, journal);
            unknown = session.find(account, &noted).await.err();
        }
        let restored = match protected.get(&account) {
            None if matches!(unknown, Some(PasswordUnknown::NoneAccepted)) => {
                Err(session.unrestored(account, ELSEWHERE))
            }
            None if is_same || may_set => session.restore(account, true, journal).await,
            None => validate_only(&mut session, account, OTHER_PASSWORD, journal).await,
            Some(reason) => validate_only(&mut session, account, reason, journal).await,
        };
        let name = session.username(account);
        let recovered = match restored {
            Ok(false) => RecoveredPassword::Valid,
            Ok(true) if unknown.is_some() => RecoveredPassword::RestoredUnseen,
            Ok(true) if is_same => RecoveredPassword::Restored,
            Ok(true) => RecoveredPassword::SetFromFile,
            Err(unrestored) => {
                recovery.unrestored.push(unrestored);
                continue;
            }
        };
        recovery.restored.insert(name, recovered);
    }
    Ok(())
}

/// Refuses accounts that are not those of the run.
fn check_accounts(
    header: &JournalHeader,
    file: &AccountsFile,
    open: &BTreeSet<Account>,
) -> Result<(), LiveError> {
    let path = file.path.display();
    for account in open {
        let (own, user) = (file.accounts.get(account), header.users.get(account));
        let text = match own.zip(user) {
            Some((own, user)) if own.username == user.username => continue,
            Some((own, user)) => format!(
                "`{account}` is `{}` in {path}, but the run changed the password of `{}`",
                own.username, user.username
            ),
            None => format!("{path} does not name `{account}`"),
        };
        return Err(LiveError::Unusable(text));
    }
    Ok(())
}

/// Validates the administrator's password first: two wrong passwords in one file would be two failures more.
async fn check_admin(
    session: &mut TargetSession<'_>,
    file: &AccountsFile,
    open: &BTreeSet<Account>,
) -> Result<(), LiveError> {
    let Some(admin) = file.accounts.get(&Account::Admin) else {
        return Ok(());
    };
    let reply = session.validate(Account::Admin, &admin.password).await;
    let SessionReply::Rejected(_) = reply else {
        return Ok(());
    };
    let names: Vec<_> = open.iter().map(|one| session.username(*one)).collect();
    let (admin, names, path) = (&admin.username, names.join("`, `"), file.path.display());
    Err(LiveError::Unusable(format!(
        "the appliance refuses the password of admin ({admin}), so the one of `{names}` was not set: check {path}"
    )))
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
    let now = url.map(|url| TargetPlace::of(&url, &client).addresses);
    let (then, now) = (&header.place.addresses, now.unwrap_or_default());
    let has_key = client.expected_key.is_some() || options.pin.is_some();
    if !has_key && !then.is_empty() && !now.is_empty() && then.is_disjoint(&now) {
        let target = &header.target;
        return Err(LiveError::Unusable(format!(
            "{target} has another address than in the run, and no key by which it is known"
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

/// Validates a password that must not be set, and says why. Returns that nothing was set.
async fn validate_only(
    session: &mut TargetSession<'_>,
    account: Account,
    reason: &str,
    journal: &mut UndoJournal,
) -> Result<bool, UnrestoredPassword> {
    let own = session.own_password(account);
    match session.validate(account, &own).await {
        SessionReply::Accepted => {
            journal.note(JournalLine::Restored { account });
            Ok(false)
        }
        reply => Err(session.unrestored(account, &format!("a validation says {reply}; {reason}"))),
    }
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
    let command = recover_command(journal);
    let last = format!("then validate the passwords and close the journal: {command}");
    unrestored.iter().map(step).chain([last]).collect()
}

/// Says what a person has to watch after a change whose answer was lost.
pub(super) fn watch_step(names: &[String], kept: &Path) -> String {
    let (names, command) = (names.join("`, `"), recover_command(kept));
    format!(
        "the answer to a change of `{names}` was lost, or contradicts a validation: check the password again within a day, and if it is not the one of the accounts file: {command}"
    )
}

const ELSEWHERE: &str = "the appliance refuses the passwords of the run and of the accounts file: somebody else may have changed it, so it is left as it is, and --set-password-from-file would set it";
/// A person may have set it.
const OTHER_PASSWORD: &str = "the accounts file has another password than in the run, which is not set: write the old one into it, or use --set-password-from-file";

//! Restoring what a run left changed: after a panic in the same process, or by `recover` after the process was killed.

use std::{
    collections::BTreeSet,
    future::Future,
    path::{Path, PathBuf},
};

use super::{
    error::LiveError,
    undo::{JournalHeader, Recovery, TargetSession, UndoJournal},
};
use crate::{
    client::Target,
    contract,
    contract::Readings,
    runner::{Accounts, accounts_file::AccountsFile},
    suite::Account,
};

/// Restores the passwords that a journal says may be changed; none if the journal had been closed. Closes the journal if nothing is
/// left changed. The caller holds its lock. `accounts` gives the accounts for the journal's first line.
///
/// # Errors
/// A file cannot be read or written, or the accounts do not suit the journal.
pub async fn recover(
    path: &Path,
    accounts: impl FnOnce(&JournalHeader) -> Result<AccountsFile, LiveError>,
) -> Result<Option<Recovery>, LiveError> {
    let Some((mut journal, seed)) = UndoJournal::open(path)? else {
        return Ok(None);
    };
    let header = journal.header().clone();
    let open: Vec<Account> = journal.at_risk().keys().copied().collect();
    let mut recovery = Recovery {
        target: header.target.clone(),
        accounts_file: header.accounts.clone(),
        restored: BTreeSet::new(),
        unrestored: Vec::new(),
    };
    if !open.is_empty() {
        let file = accounts(&header)?;
        let contract = contract::of(header.kind);
        let unusable = LiveError::Unusable;
        let mut served = Readings::default();
        for (fact, reading) in journal.served() {
            let chosen = served.choose(contract, fact, reading);
            chosen.map_err(|error| unusable(error.to_string()))?;
        }
        let values = Accounts::at_target(&file, &seed);
        let present = values.present();
        if let Some(missing) = open.iter().find(|account| !present.contains(account)) {
            let path = file.path.display();
            return Err(unusable(format!("{path} does not name `{missing}`")));
        }
        let mut client = header.client;
        file.add_proxy_credentials(&mut client);
        let target = Target::new(&header.target, &client)?;
        let mut session = TargetSession::new(&target, contract, &values, served);
        for account in open {
            match session.restore(account, None, &mut journal).await? {
                None => drop(recovery.restored.insert(account)),
                Some(unrestored) => recovery.unrestored.push(unrestored),
            }
        }
        recovery.accounts_file = file.path;
    }
    if recovery.unrestored.is_empty() {
        journal.close()?;
    }
    Ok(Some(recovery))
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
        Some(journal) => recover(&journal, |_| Ok(accounts)).await.transpose(),
        None => None,
    };
    let recovery = recovery.map(|recovery| recovery.map_err(Box::new));
    Err(LiveError::Panicked {
        message: panic.to_string(),
        recovery,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::{
        client::TargetOptions,
        contract::Kind,
        failure::Schedule,
        fixture,
        redact::Secret,
        runner::{Credentials, Seed},
        server::{MockAppliance, RunningAppliance},
        suite::{Placeholder, Property},
    };

    const OWN: &str = "Own-Passw0rd:12345";

    /// A change is sent, and then the run panics: with the seed of its journal the password is generated again and changed back.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_restores_what_was_changed() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "appliance: sensor\nusers: [{{ username: lab, password: \"{OWN}\", role: read_only }}]\n"
        );
        let appliance = fixture::read("test.yaml", &text).unwrap().appliance();
        let double =
            RunningAppliance::open(MockAppliance::new(appliance, Schedule::default()), None)
                .unwrap();
        let credentials = Credentials {
            username: "lab".into(),
            password: Secret::new(OWN),
        };
        let accounts = AccountsFile {
            accounts: BTreeMap::from([(Account::User, credentials)]),
            ..AccountsFile::default()
        };
        let (seed, url) = (Seed::random(), double.url());
        let header = JournalHeader {
            version: JournalHeader::VERSION,
            target: url.clone(),
            kind: Kind::Sensor,
            client: TargetOptions::default(),
            accounts: PathBuf::new(),
            environment: Vec::new(),
        };
        let path = folder.path().join("target.journal");
        let mut journal = UndoJournal::begin(path.clone(), header, &seed).unwrap();
        let (account, property) = (Account::User, Property::NewPassword);
        let generated = Accounts::at_target(&accounts, &seed)
            .value(Placeholder { account, property })
            .unwrap()
            .clone();
        let new = generated.expose().to_owned();
        let run = async move {
            let template = "«user.new_password»".to_owned();
            journal
                .sending("a_case", 1, [Account::User], &[template])
                .unwrap();
            let body = format!(r#"{{"username":"lab","password":"{OWN}","new_password":"{new}"}}"#);
            let request = Request::post("/api/external/authentication/set_password")
                .header("content-type", "application/json");
            Target::new(&url, &TargetOptions::default())
                .unwrap()
                .send(&request.body(Bytes::from(body)).unwrap())
                .await
                .unwrap();
            std::panic::resume_unwind(Box::new("in the middle of a case"));
        };

        let ended: Result<(), LiveError> = run_or_recover(run, Some(path.clone()), accounts).await;

        let Err(LiveError::Panicked { recovery, .. }) = ended else {
            panic!("{ended:?}");
        };
        let recovery = recovery.unwrap().unwrap();
        assert_eq!(recovery.restored, [Account::User].into());
        assert_eq!(recovery.unrestored, []);
        let state = double.appliance().state();
        let password = state.directory.find("lab").unwrap().password.clone();
        assert_eq!(password.expose(), OWN, "it was {}", generated.expose());
        assert!(!path.exists() && !path.with_extension("seed").exists());
    }
}

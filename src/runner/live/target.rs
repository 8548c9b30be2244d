//! A live target: the rules that a run there must keep, and its preparation. The command line and the library both go this way.

use std::{collections::BTreeMap, path::PathBuf};

use reqwest::Url;

use super::{
    consent,
    error::LiveError,
    plan::{Plan, RunPermissions},
    run::{LiveResult, LiveRunOptions, run},
    sign_ins::SignInCounter,
    stop::StopSignal,
    undo::{
        JournalDir, JournalError, JournalHeader, JournalUser, TargetLock, TargetPlace, UndoJournal,
    },
};
use crate::{
    client::{Target, TargetOptions, stays_here},
    contract,
    contract::Kind,
    report::CaseResult,
    runner::{
        Accounts, Credentials, RunContext, Seed, accounts_file::AccountsFile,
        passwords::MIN_REDACTED,
    },
    snapshot::SnapshotStore,
    suite::{Account, TargetExpectations, cases::CaseWithLocation},
};

/// A live target, and what the user allows there.
#[derive(Debug, Default)]
pub struct LiveTarget {
    /// The address, as the user gave it.
    pub url: String,
    /// The kind of appliance.
    pub kind: Kind,
    /// How the target is reached.
    pub client: TargetOptions,
    /// Whether a test asks. Several runs of a test that change nothing do not count each other's failed sign-ins.
    pub is_library: bool,
    /// Whether `http://` to another machine is allowed.
    pub allow_http: bool,
    /// The accounts.
    pub accounts: AccountsFile,
    /// The cases.
    pub cases: Vec<&'static CaseWithLocation>,
    /// The host on which passwords may be changed.
    pub change_passwords_on: Option<String>,
    /// How many sign-ins may fail.
    pub max_auth_failures: u32,
    /// How often each case is run.
    pub repeat: u32,
    /// The folder of the journals; the user's own if it is not given.
    pub journal_dir: Option<PathBuf>,
}

/// A run that is prepared: everything is read and decided, nothing is sent.
#[derive(Debug)]
pub struct PreparedRun {
    /// The target, with its accounts.
    pub context: RunContext,
    /// The cases, in order.
    pub plan: Plan,
    /// What the user should know before anything is sent.
    pub warnings: Vec<String>,
    /// Counts failed sign-ins, with those of the last 15 minutes.
    pub sign_ins: SignInCounter,
    target: LiveTarget,
    place: TargetPlace,
    seed: Seed,
    journal: Option<UndoJournal>,
    lock: Option<TargetLock>,
}

impl LiveTarget {
    /// Checks the rules and plans the run.
    ///
    /// # Errors
    /// An option is wrong, or a safety rule forbids the run.
    pub fn prepare(mut self) -> Result<PreparedRun, LiveError> {
        let url = parse_url(&self.url)?;
        let warnings = self.check_rules(&url)?;
        let changes = self.change_passwords_on.is_some();
        let protected = consent::protected(&self.accounts.accounts);
        let seed = Seed::random();
        let accounts = Accounts::at_target(&self.accounts, &seed, None);
        let place = TargetPlace::of(&url, &self.client);
        let remembers = changes || !self.is_library;
        let dir = self.journal_dir().ok().filter(|_| remembers);
        let memory = dir.map(|dir| dir.failures(&place));
        let sign_ins = SignInCounter::new(self.max_auth_failures, memory);
        let permissions = RunPermissions {
            present: accounts.present(),
            protected,
            changes,
            max_auth_failures: self.max_auth_failures,
            used: sign_ins.count(),
            repeat: self.repeat,
        };
        let contract = contract::of(self.kind);
        let mut plan = Plan::new(&self.cases, contract, &permissions);
        let named = &self.accounts.accounts;
        plan.leave_out(|case| consent::refuse_one_password(case, contract, named));
        self.accounts.add_proxy_credentials(&mut self.client);
        let target = Target::new(url.as_str(), &self.client)?;
        let mut label = target.address().to_owned();
        if self.client.insecure {
            let option = if self.is_library { "insecure" } else { "-k" };
            label.push_str(&format!(" ({option}: any certificate was accepted)"));
        }
        let context = RunContext {
            kind: self.kind,
            target,
            label,
            accounts,
            agreed: TargetExpectations::default(),
            repeat: self.repeat,
            stop: StopSignal::default(),
            mock: None,
        };
        Ok(PreparedRun {
            context,
            plan,
            warnings,
            sign_ins,
            target: self,
            place,
            seed,
            journal: None,
            lock: None,
        })
    }

    /// Refuses a run that a safety rule forbids, and returns what the user should know.
    fn check_rules(&self, url: &Url) -> Result<Vec<String>, LiveError> {
        let mut warnings = Vec::new();
        if url.scheme() != "https" {
            if !stays_here(url, &self.client) && !self.allow_http {
                return Err(LiveError::ClearText(url.clone()));
            }
            warnings.push(format!("{url} has no TLS: passwords are sent unencrypted"));
        }
        consent::refuse_one_name(&self.accounts.accounts)?;
        warnings.extend(short_passwords(&self.accounts.accounts));
        let Some(named) = self.change_passwords_on.clone() else {
            return Ok(warnings);
        };
        if !consent::is_target(url, &named) {
            let port = url.port_or_known_default().unwrap_or_default();
            let host = format!("{}:{port}", url.host_str().unwrap_or_default());
            return Err(LiveError::Consent { named, host });
        }
        let mut protected = consent::protected(&self.accounts.accounts);
        for account in [Account::User, Account::ReadOnly, Account::SecurityAnalyst] {
            if let Some(reason) = protected.remove(&account) {
                return Err(LiveError::Protected { account, reason });
            }
        }
        Ok(warnings)
    }

    fn journal_dir(&self) -> Result<JournalDir, JournalError> {
        let given = self.journal_dir.clone().map(JournalDir);
        given.map_or_else(JournalDir::of_user, Ok)
    }
}

impl PreparedRun {
    /// Takes the target's lock, and begins a journal if the plan has changes. Where nothing is changed and no folder for the lock
    /// is known, a warning says so.
    ///
    /// # Errors
    /// Another run is in progress, an earlier one left its journal open, or a file cannot be written.
    pub fn begin(&mut self) -> Result<(), LiveError> {
        let dir = match self.target.journal_dir().and_then(JournalDir::create) {
            Err(error) if !self.plan.has_changes() => {
                let warning = format!("another run at this target is not noticed: {error}");
                self.warnings.push(warning);
                return Ok(());
            }
            dir => dir?,
        };
        let (path, place) = (dir.journal(&self.place), self.place.clone());
        let address = self.context.target.address().to_owned();
        let Some(lock) = TargetLock::take(dir, place.clone())? else {
            return Err(LiveError::RunInProgress(address));
        };
        if let Some(journal) = lock.dir.open_journal(&place, None, None)? {
            return Err(LiveError::OpenJournal { address, journal });
        }
        self.lock = Some(lock);
        if self.plan.has_changes() {
            let accounts = self.target.accounts.accounts.iter();
            let users = accounts.map(|(account, it)| (*account, JournalUser::of(it, &self.seed)));
            let header = JournalHeader {
                version: JournalHeader::VERSION,
                target: address,
                place,
                kind: self.context.kind,
                client: self.target.client.with_absolute_paths(),
                accounts: self.target.accounts.path.clone(),
                users: users.collect(),
                form: self.context.accounts.form(),
            };
            self.journal = Some(UndoJournal::begin(path, header, &self.seed)?);
        }
        Ok(())
    }

    /// Returns the journal's file, once it has begun.
    pub fn journal_path(&self) -> Option<PathBuf> {
        self.journal.as_ref().map(|journal| journal.path.clone())
    }

    /// Runs the plan in a task of its own. `watch` is called with each case as it ends. If `is_full`, snapshots without a case are
    /// reported.
    ///
    /// # Errors
    /// A snapshot or the journal cannot be read or written, or the run panicked.
    #[expect(clippy::disallowed_methods, reason = "a panic ends the task alone")]
    pub async fn run(
        mut self,
        store: SnapshotStore,
        is_full: bool,
        stop: StopSignal,
        watch: impl Fn(&CaseResult) + Send + Sync + 'static,
    ) -> Result<LiveResult, LiveError> {
        let path = self.journal_path();
        self.context.stop = stop.clone();
        let run = async move {
            // The lock is held until the passwords are restored.
            let options = LiveRunOptions {
                sign_ins: self.sign_ins,
                journal: self.journal.take(),
                lock: self.lock.take(),
                accounts_file: &self.target.accounts.path,
                stop,
            };
            let mut result = run(&self.context, &self.plan, &store, options, &watch).await?;
            if is_full {
                result.run.summary.gone = store.gone(&self.plan.ids())?;
            }
            Ok(result)
        };
        let result = tokio::spawn(run).await;
        result.unwrap_or_else(|panic| {
            Err(LiveError::Panicked {
                message: panic.to_string(),
                journal: path.filter(|path| path.exists()),
            })
        })
    }
}

/// Warns of passwords that are too short to be found in what a target sends.
fn short_passwords(accounts: &BTreeMap<Account, Credentials>) -> impl Iterator<Item = String> {
    let is_short = |credentials: &&Credentials| credentials.password.expose().len() < MIN_REDACTED;
    let short = accounts.iter().filter(move |(_, it)| is_short(it));
    short.map(|(account, Credentials { username, .. })| {
        format!("the password of account `{account}` ({username}) has fewer than {MIN_REDACTED} characters: a report hides it only where a password is expected")
    })
}

/// Reads the address of a target.
///
/// # Errors
/// It is not a URL, or has what no target has.
pub fn parse_url(text: &str) -> Result<Url, LiveError> {
    let wrong = |reason: &str| Err(LiveError::Address(reason.to_owned()));
    let url: Url = match text.parse() {
        Ok(url) => url,
        Err(_) if !text.contains("://") => {
            return wrong(&format!("lacks https://; did you mean https://{text}?"));
        }
        Err(error) => return wrong(&format!("is not a URL: {error}")),
    };
    let path = url.path();
    if !url.username().is_empty() || url.password().is_some() {
        wrong("contains credentials: name an account instead")
    } else if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty)
    {
        wrong("is not https:// or http:// and a host")
    } else if path.contains("/external/") || path.trim_end_matches('/').ends_with("/api") {
        wrong(&format!(
            "has the path {path}, which is the API's own: name what precedes it, or the host alone"
        ))
    } else if url.query().is_some() || url.fragment().is_some() {
        wrong("has a query or a fragment: only a path is possible")
    } else {
        Ok(url)
    }
}

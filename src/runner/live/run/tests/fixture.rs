//! A mock that is treated as a live target.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use tempfile::TempDir;

use crate::{
    appliance::User,
    client::{Target, TargetOptions},
    contract,
    contract::{Kind, Operation, Outcome},
    fixture,
    journal::EntryFilter,
    redact::Secret,
    report::{CaseResult, Conformance},
    runner::{
        Accounts, AccountsFile, Credentials, RunContext, Seed,
        live::{
            plan::{Plan, RunPermissions},
            run::{LiveResult, LiveRunOptions, run},
            sign_ins::SignInCounter,
            stop::StopSignal,
            undo::{JournalDir, JournalHeader, TargetPlace, UndoJournal},
        },
    },
    server::{RunningAppliance, tls::Identity},
    snapshot::SnapshotStore,
    suite::{Account, Placeholder, Property, cases, cases::CaseWithLocation},
};

/// A sensor, its accounts, and where its journal is kept.
pub(super) struct LiveFixture {
    pub(super) served: RunningAppliance,
    pub(super) context: RunContext,
    journals: TempDir,
    pub(super) stop: StopSignal,
    pub(super) before: Vec<User>,
}

impl LiveFixture {
    /// A sensor with this in its fixture.
    pub(super) fn of(rest: &str) -> LiveFixture {
        let fixture = fixture::read("fixture", &format!("appliance: sensor\n{rest}")).unwrap();
        let (served, mut context) =
            RunContext::mock(&fixture, "target".into(), &Identity::generate(&[]).unwrap()).unwrap();
        context.mock = None;
        context.accounts =
            Accounts::at_target(&accounts_file(&context.accounts), &Seed::random(), None);
        // A run waits for it after each doubtful change.
        let timeout = Some(std::time::Duration::from_secs(2));
        let options = TargetOptions {
            trust: served.ca_pem().map(str::to_owned),
            timeout,
            ..TargetOptions::default()
        };
        context.target = Target::new(&served.url(), &options).unwrap();
        let before = served.appliance().users();
        LiveFixture {
            served,
            context,
            journals: tempfile::tempdir().unwrap(),
            stop: StopSignal::default(),
            before,
        }
    }

    fn place(&self) -> TargetPlace {
        let url = self.served.url().parse().unwrap();
        TargetPlace::of(&url, &TargetOptions::default())
    }

    fn journal(&self) -> PathBuf {
        JournalDir(self.journals.path().into()).journal(&self.place())
    }

    pub(super) fn plan(&self, cases: &str, failures: u32) -> Plan {
        let cases: Vec<&CaseWithLocation> = cases::all()
            .iter()
            .filter(|located| {
                located.case.kinds.contains(&Kind::Sensor)
                    && located.case.needs.is_empty()
                    && located.case.id.starts_with(cases)
            })
            .collect();
        let protected = BTreeMap::from([(Account::Admin, "it restores the others".to_owned())]);
        let present = BTreeSet::from([
            Account::Admin,
            Account::Bystander,
            Account::ReadOnly,
            Account::SecurityAnalyst,
            Account::Unknown,
            Account::User,
        ]);
        let permissions = RunPermissions {
            present,
            protected,
            changes: true,
            max_auth_failures: failures,
            used: 0,
            repeat: 1,
        };
        Plan::new(&cases, contract::of(Kind::Sensor), &permissions)
    }

    pub(super) async fn run(
        &self,
        plan: &Plan,
        failures: u32,
        watch: &(dyn Fn(&CaseResult) + Sync),
    ) -> LiveResult {
        let header = JournalHeader {
            version: JournalHeader::VERSION,
            target: self.served.url(),
            place: self.place(),
            users: BTreeMap::new(),
            kind: Kind::Sensor,
            client: TargetOptions::default(),
            accounts: "lab.yaml".into(),
            form: self.context.accounts.form(),
        };
        let journal = UndoJournal::begin(self.journal(), header, &Seed::random()).unwrap();
        let options = LiveRunOptions {
            sign_ins: SignInCounter::new(failures, None),
            journal: Some(journal),
            lock: None,
            accounts_file: "lab.yaml".as_ref(),
            stop: self.stop.clone(),
        };
        run(&self.context, plan, &SnapshotStore::None, options, &watch)
            .await
            .unwrap()
    }

    /// The journal's line of what may still be changed; none where there is no journal.
    pub(super) fn at_risk(&self) -> Option<BTreeSet<Account>> {
        let path = self.journal();
        if !path.exists() {
            return None;
        }
        let (journal, _) = UndoJournal::open(&path).unwrap()?;
        Some(journal.state.at_risk.keys().copied().collect())
    }

    pub(super) fn count(&self, operation: Operation, outcome: Option<Outcome>) -> u64 {
        self.served.appliance().count(&EntryFilter {
            operation: Some(operation),
            outcome,
            ..EntryFilter::default()
        })
    }

    /// How many sign-ins failed.
    pub(super) fn failures(&self) -> u64 {
        [
            (Operation::SetPassword, Outcome::AuthenticationFailed),
            (Operation::SetPasswordByAdmin, Outcome::AuthenticationFailed),
            (Operation::Validation, Outcome::CredentialsRejected),
        ]
        .into_iter()
        .map(|(operation, outcome)| self.count(operation, Some(outcome)))
        .sum()
    }

    pub(super) fn nothing_is_lost(&self, ended: &LiveResult) {
        assert_eq!(ended.unrestored, []);
        assert_eq!(self.served.appliance().users(), self.before);
        assert_eq!(self.at_risk(), None, "the journal is closed");
    }
}

/// The accounts that an accounts file can name, as a mock has them.
fn accounts_file(mock: &Accounts) -> AccountsFile {
    let credentials = |account| {
        let value = |property| mock.text(Placeholder { account, property }).unwrap();
        let (username, password) = (value(Property::Username), value(Property::Password));
        let password = Secret::new(password);
        (account, Credentials { username, password })
    };
    let accounts = [
        Account::Admin,
        Account::Bystander,
        Account::ReadOnly,
        Account::SecurityAnalyst,
        Account::User,
    ];
    AccountsFile {
        accounts: accounts.map(credentials).into(),
        ..AccountsFile::default()
    }
}

/// Each case's verdict, and why.
pub(super) fn reported(ended: &LiveResult) -> BTreeMap<&str, (Conformance, &str)> {
    let reason = |case: &'_ CaseResult| {
        case.reasons
            .first()
            .map_or("", |reason| reason.received.as_str())
            .to_owned()
    };
    ended
        .run
        .summary
        .cases
        .iter()
        .map(|case| (case.id.as_str(), (case.conformance, &*reason(case).leak())))
        .collect()
}

//! Where the runs take place: a mock of our own that is treated as anybody's.

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;

use crate::{
    appliance::User,
    client::{Target, TargetOptions},
    conformance::{Account, suite, suite::Located},
    contract,
    contract::{Kind, Operation, Outcome},
    fixture,
    journal::EntryFilter,
    report::{CaseResult, Conformance},
    runner::{
        Lab, Memory, Seed,
        careful::{Care, Ended, run},
        order::{Leave, Plan},
        stop::Stop,
        undo::{Header, Journal, Key, Shelf},
    },
    server::{RunningAppliance, tls::Identity},
};

/// A sensor, its accounts, and where its journal is kept.
pub(super) struct Stage {
    pub(super) served: RunningAppliance,
    pub(super) lab: Lab,
    shelf: TempDir,
    pub(super) stop: Stop,
    pub(super) before: Vec<User>,
}

impl Stage {
    /// A sensor with this in its fixture.
    pub(super) fn of(rest: &str) -> Stage {
        let fixture = fixture::read("stage", &format!("appliance: sensor\n{rest}")).unwrap();
        let (served, mut lab) =
            Lab::mock(&fixture, "target".into(), &Identity::generate(&[]).unwrap()).unwrap();
        lab.mock = None;
        let timeout = Some(std::time::Duration::from_secs(10));
        let options = TargetOptions {
            trust: served.ca_pem().map(str::to_owned),
            timeout,
            ..TargetOptions::default()
        };
        lab.target = Target::new(&served.url(), &options).unwrap();
        let before = served.appliance().users();
        Stage {
            served,
            lab,
            shelf: tempfile::tempdir().unwrap(),
            stop: Stop::new(),
            before,
        }
    }

    fn key(&self) -> Key {
        Key::of(&self.served.url().parse().unwrap())
    }

    pub(super) fn plan(&self, cases: &str, failures: u32) -> Plan {
        let cases: Vec<&Located> = suite::all()
            .iter()
            .filter(|located| {
                located.case.kinds.contains(&Kind::Sensor)
                    && located.case.needs.is_empty()
                    && located.case.id.starts_with(cases)
            })
            .collect();
        let protected = BTreeMap::from([(Account::Admin, "it gives back".to_owned())]);
        let present = BTreeSet::from([
            Account::Admin,
            Account::Bystander,
            Account::ReadOnly,
            Account::SecurityAnalyst,
            Account::Unknown,
            Account::User,
        ]);
        let leave = Leave {
            present,
            protected,
            changes: true,
            failures,
            repeat: 1,
        };
        Plan::new(&cases, contract::of(Kind::Sensor), &leave)
    }

    pub(super) async fn run(
        &self,
        plan: &Plan,
        failures: u32,
        watch: &(dyn Fn(&CaseResult) + Sync),
    ) -> Ended {
        let header = Header {
            version: 1,
            target: self.served.url(),
            kind: "sensor".into(),
            client: serde_json::Value::Null,
            accounts: "lab.yaml".into(),
            environment: Vec::new(),
        };
        let journal = Journal::begin(
            &Shelf::in_folder(self.shelf.path()),
            &self.key(),
            header,
            &Seed::random(),
        )
        .unwrap();
        let care = Care {
            failures,
            journal: Some(journal),
            stop: self.stop.clone(),
        };
        run(&self.lab, plan, &Memory::Nothing, care, &watch)
            .await
            .unwrap()
    }

    /// The journal's line of what may still be changed; none where there is no journal.
    pub(super) fn at_risk(&self) -> Option<BTreeSet<Account>> {
        let path = Shelf::in_folder(self.shelf.path()).journal(&self.key());
        if !path.exists() {
            return None;
        }
        let (journal, _) = Journal::open(&path).unwrap()?;
        Some(journal.at_risk().keys().copied().collect())
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

    pub(super) fn nothing_is_lost(&self, ended: &Ended) {
        assert_eq!(ended.after.lost, []);
        assert_eq!(self.served.appliance().users(), self.before);
        assert_eq!(self.at_risk(), None, "the journal is closed");
    }
}

/// Each case's verdict, and why.
pub(super) fn told(ended: &Ended) -> BTreeMap<&str, (Conformance, &str)> {
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

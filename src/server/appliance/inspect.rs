//! The journal as anybody may read it, waiting for its entries, and what a request would get.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::{Request, Response};
use serde::Serialize;

use super::MockAppliance;
use crate::{
    appliance::Directory,
    contract::{Operation, Outcome},
    journal::{
        BoundedJournal, EntryFilter, EntryView, Finding, JournalEntry, JournalRedactor, suggestion,
    },
    redact::{Fingerprints, Redactor},
    server::{Client, Refusal},
};

/// Entries of a journal, and how many there were besides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalPage {
    /// Those that were wanted and are held, in the order of their arrival: the newest, where not all were asked for.
    pub entries: Vec<EntryView>,
    /// How many were ever as wanted, since the start or the last reset, dropped ones too unless a user or a path was wanted.
    pub count: u64,
    /// Whether there are more of them than asked for.
    pub truncated: bool,
    /// How many entries were dropped since then, wanted or not.
    pub dropped: u64,
}

/// What a request would get, and why.
#[derive(Debug)]
pub struct Explanation {
    /// The operation it hits, if any.
    pub operation: Option<Operation>,
    /// The outcome that the client would be told; none where a failure mode would send something else instead.
    pub outcome: Option<Outcome>,
    /// The outcome that the appliance would come to.
    pub judged: Outcome,
    /// Why the appliance comes to that, in words.
    pub reason: String,
    /// The failure mode that would trigger.
    pub failure: Option<String>,
    /// Whether a password would be replaced.
    pub changes: bool,
    /// What is wrong with the request.
    pub findings: Vec<Finding>,
    /// What may have been meant, where it hits no operation.
    pub suggestion: Option<String>,
    /// The answer, before anything happens to it on its way.
    pub answer: Response<Bytes>,
}

impl MockAppliance {
    /// Returns the wanted entries of the journal in the order of their arrival, the newest so many, with no password in them.
    pub fn journal(&self, wanted: &EntryFilter, most: usize) -> JournalPage {
        self.journal_without(wanted, most, self.redactor())
    }

    /// Returns the same with what `redactor` hides instead of the appliance's passwords.
    pub(crate) fn journal_without(
        &self,
        wanted: &EntryFilter,
        most: usize,
        redactor: Redactor,
    ) -> JournalPage {
        let (entries, truncated, count, dropped) = self.journal.read(|journal| {
            let mut newest = journal.newest(wanted);
            let entries: Vec<JournalEntry> = newest.by_ref().take(most).cloned().collect();
            let truncated = newest.next().is_some();
            (entries, truncated, journal.count(wanted), journal.dropped())
        });
        let rules = self.rules();
        let redactor = JournalRedactor::new(&rules, FINGERPRINTS.clone(), redactor);
        let entries = entries.iter().rev();
        JournalPage {
            entries: entries.map(|entry| redactor.view(entry)).collect(),
            count,
            truncated,
            dropped,
        }
    }

    /// Completes when so many requests were as wanted since the start or the last reset, dropped ones too; at once if they were.
    pub async fn wait(&self, wanted: &EntryFilter, count: u64) {
        self.wait_until(|| self.count(wanted) >= count).await;
    }

    /// Completes when this holds: asked at once, and again after each change of the journal.
    pub async fn wait_until(&self, holds: impl FnMut() -> bool) {
        self.journal.wait_until(holds).await;
    }

    /// Returns how many requests were as wanted since the start or the last reset, dropped ones too.
    pub fn count(&self, wanted: &EntryFilter) -> u64 {
        self.journal.read(|journal| journal.count(wanted))
    }

    /// Returns how often each fault of a client's was found since the start or the last reset.
    pub fn findings(&self) -> Vec<(Finding, u64)> {
        self.journal.read(|journal| journal.findings())
    }

    /// Empties the journal, and starts counting again.
    pub fn clear_journal(&self) {
        self.journal.change(BoundedJournal::clear);
    }

    /// Returns what a request from a source would get now, and why. Nothing is changed or counted.
    pub fn explain(&self, request: &Request<Bytes>, source: IpAddr) -> Explanation {
        let mut current = self.lock_content().current.clone();
        let rules = Arc::clone(&current.appliance.rules);
        let parsed = rules.parse_request(request);
        // A connection without a number: what is counted per connection counts as on a new one.
        let client = Client {
            source,
            connection: 0,
        };
        let decision = current.evaluate_and_commit(&parsed, client, self.clock.now());
        let delivery = decision.render_delivery(&rules, &parsed, request.uri().path());
        let class = decision.class;
        let operation = class.operation;
        let suggest = || suggestion(&rules, request.uri().path());
        Explanation {
            operation,
            outcome: class.outcome,
            judged: class.judged,
            reason: decision.reason.to_string(),
            failure: class.failure.map(|failure| failure.to_string()),
            changes: decision.changed,
            findings: Finding::all_in(request, parsed.rejection()),
            suggestion: operation.is_none().then(suggest),
            answer: delivery.response,
        }
    }

    /// Returns what a request would get that the server refuses by itself.
    pub fn explain_refusal(&self, request: &Request<Bytes>, refusal: Refusal) -> Explanation {
        let (rules, outcome) = (self.rules(), refusal.outcome());
        let (head, ()) = request.clone().map(drop).into_parts();
        Explanation {
            operation: rules.operation_at(head.uri.path()),
            outcome: Some(outcome),
            judged: outcome,
            reason: refusal.advice().to_owned(),
            failure: None,
            changes: false,
            findings: vec![Finding::Unlawful],
            suggestion: None,
            answer: rules.render_rejection(&head, outcome),
        }
    }

    /// Hides what passwords this appliance has, had when it was loaded, or got since by what entries still tell.
    pub(super) fn redactor(&self) -> Redactor {
        let directories = self.directories();
        let users = directories.iter().flat_map(|directory| directory.users());
        let names: BTreeSet<&str> = users.map(|user| user.username.as_str()).collect();
        Redactor::of_secrets(self.passwords().iter().map(String::as_str), &names)
    }

    /// Returns what passwords this appliance has, had when it was loaded, or got since by what entries still tell.
    pub(crate) fn passwords(&self) -> BTreeSet<String> {
        let changed = |journal: &BoundedJournal| journal.password_changes().cloned().collect();
        let changed: Vec<JournalEntry> = self.journal.read(changed);
        let directories = self.directories();
        let users = directories.iter().flat_map(|directory| directory.users());
        let known = users.map(|user| user.password.expose().to_owned());
        known
            .chain(changed.iter().flat_map(JournalEntry::passwords))
            .collect()
    }

    /// Returns the users of now, and those that were loaded.
    fn directories(&self) -> [Directory; 2] {
        let content = self.lock_content();
        let snapshots = [&content.current, &content.loaded];
        snapshots.map(|snapshot| snapshot.appliance.state.directory.clone())
    }
}

/// This process's fingerprints: their key is made when first asked for, and never shown.
static FINGERPRINTS: LazyLock<Fingerprints> = LazyLock::new(|| {
    // What std keys its maps with is the system's randomness, and cannot fail.
    let half = || u128::from(RandomState::new().build_hasher().finish());
    Fingerprints::new((half() << 64 | half()).to_ne_bytes())
});

//! Looking at what was asked: the journal as anybody may read it, waiting for it, and what a request would get.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, Hasher, RandomState},
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::{Request, Response, header::AUTHORIZATION};

use super::{Host, service::answering};
use crate::{
    contract::{Operation, Outcome},
    failure::Call,
    journal::{
        Count, Entry, EntryFilter, EntryView, Finding, Findings, Journal, JournalRedactor, Latency,
        suggestion,
    },
    redact::{Fingerprints, Redactor},
};

/// Entries of a journal, and how many there were besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Those that were wanted and are held, newest first.
    pub entries: Vec<EntryView>,
    /// How many were ever as wanted, since the start or the last reset, dropped ones too.
    pub count: u64,
    /// How many entries were dropped since then, wanted or not.
    pub dropped: u64,
}

/// What a request would get, and why.
#[derive(Debug)]
pub struct Explanation {
    /// The operation it hits, if any.
    pub operation: Option<Operation>,
    /// What it comes to.
    pub outcome: Outcome,
    /// Why the appliance comes to that, in words.
    pub reason: String,
    /// The failure mode that would strike.
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

/// What a journal has counted since the start, whatever was cleared.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// Requests.
    pub requests: Vec<Count>,
    /// How long answers took.
    pub latency: Latency,
    /// Entries that were dropped.
    pub dropped: u64,
    /// Entries and bytes that are held.
    pub held: (usize, usize),
}

impl Host {
    /// Returns the wanted entries of the journal, newest first, at most so many, with no password in them.
    pub fn journal(&self, wanted: &EntryFilter, most: usize) -> Page {
        let (entries, changed, count, dropped) = self.journal.read(|journal| {
            let entries: Vec<Entry> = journal.newest(wanted).take(most).cloned().collect();
            (
                entries,
                password_changes(journal),
                journal.count(wanted),
                journal.dropped(),
            )
        });
        let rules = self.rules();
        let serves = |path: &str| rules.has_path(path);
        let redactor = JournalRedactor::new(
            rules.kind(),
            fingerprints(),
            self.redactor(&changed),
            &serves,
        );
        Page {
            entries: entries.iter().map(|entry| redactor.view(entry)).collect(),
            count,
            dropped,
        }
    }

    /// Completes when so many requests were as wanted since the start or the last reset, dropped ones too; at once if they were.
    pub async fn wait(&self, wanted: &EntryFilter, count: u64) {
        self.journal.wait(wanted, count).await;
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

    /// Forgets the journal, and begins to count anew.
    pub fn clear_journal(&self) {
        self.journal.clear();
    }

    /// Returns what was counted since the start.
    pub fn totals(&self) -> Totals {
        self.journal.read(|journal| Totals {
            requests: journal.totals(),
            latency: journal.latency().clone(),
            dropped: journal.dropped_ever(),
            held: (journal.len(), journal.bytes()),
        })
    }

    /// Returns what a request from a source would get now, and why. Nothing is changed, counted or noted.
    pub fn explain(&self, request: &Request<Bytes>, source: IpAddr) -> Explanation {
        let mut present = self.content().present.clone();
        let rules = Arc::clone(&present.rules);
        let asked = rules.read(request);
        let now = self.clock.now();
        let (worded, reason, change) = present.state.judge_with_reason(&rules, &asked, source, now);
        // A connection that has no number: what is counted per connection is counted as on a new one.
        let call = Call {
            operation: asked.operation(),
            user: asked.user(),
            source,
            connection: 0,
            now,
        };
        let trigger = present.schedule.request(&call);
        let commits = trigger
            .as_ref()
            .is_none_or(|trigger| trigger.action.commits());
        let changes = commits && change.is_some_and(|change| change.replaces());
        let findings = Findings::of(
            request.uri(),
            request.headers().contains_key(AUTHORIZATION),
            request.body(),
            asked.reason(),
        )
        .iter()
        .collect();
        let (rules, worded) = trigger.as_ref().map_or((&*rules, worded), |trigger| {
            answering(&rules, trigger, worded, &asked)
        });
        let answer = rules.word(worded, &asked);
        let (outcome, path) = (worded.outcome, request.uri().path());
        let answer = match &trigger {
            None => answer,
            Some(trigger) => {
                trigger
                    .action
                    .apply(&trigger.random, crate::failure::Delivery::plain(answer))
                    .response
            }
        };
        Explanation {
            operation: asked.operation(),
            outcome,
            reason: reason.to_string(),
            failure: trigger.as_ref().map(|trigger| trigger.mode.to_string()),
            changes,
            findings,
            suggestion: asked
                .operation()
                .is_none()
                .then(|| suggestion(rules.kind(), path, |path| rules.has_path(path))),
            answer,
        }
    }

    /// Hides what passwords this appliance has, had when it was loaded, or got since by what entries still tell.
    pub fn redactor_of_present(&self) -> Redactor {
        self.redactor(&self.journal.read(password_changes))
    }

    fn redactor(&self, changed: &[Entry]) -> Redactor {
        let states = {
            let content = self.content();
            [&content.present, &content.loaded.present]
                .map(|present| present.state.directory.clone())
        };
        let users = || states.iter().flat_map(|directory| directory.users());
        let names: BTreeSet<&str> = users().map(|user| user.username.as_str()).collect();
        let sent: BTreeSet<String> = changed.iter().flat_map(Entry::passwords).collect();
        Redactor::of_secrets(
            users()
                .map(|user| user.password.expose())
                .chain(sent.iter().map(String::as_str)),
            &names,
        )
    }
}

fn password_changes(journal: &Journal) -> Vec<Entry> {
    journal.password_changes().cloned().collect()
}

/// Returns this process's fingerprints: their key is made when first asked for, and never shown.
fn fingerprints() -> Fingerprints {
    static OWN: OnceLock<Fingerprints> = OnceLock::new();
    OWN.get_or_init(|| {
        // What std keys its maps with is the system's randomness, and cannot fail.
        let half = || u128::from(RandomState::new().build_hasher().finish());
        Fingerprints::new((half() << 64 | half()).to_ne_bytes())
    })
    .clone()
}

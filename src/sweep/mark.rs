//! What else was seen of a client: from its requests, and from what the appliance holds of others.

use std::collections::BTreeSet;

use serde::Serialize;

use super::scenario::{CleanCall, Scenario};
use crate::{
    appliance::Directory,
    contract::{Outcome, closed_set},
    journal::{EntryView, Progress},
};

closed_set! {
    /// What else was seen of a client.
    #[non_exhaustive]
    MarkName, "mark" {
        /// A certificate was accepted that is expired, of another name, or of an unknown issuer. Fails.
        CertificateAccepted = "certificate_accepted",
        /// A change was sent again although nothing was known of the one before.
        ChangeRepeated = "change_repeated",
        /// Several sign-ins failed in a row: five of them lock an address out.
        FailedSignIns = "failed_sign_ins",
        /// The password of another user was changed. Fails.
        OtherUserChanged = "other_user_changed",
        /// A password was printed on stdout or stderr.
        PasswordPrinted = "password_printed",
        /// The requests have faults that the journal lists.
        RequestFindings = "request_findings",
    }
}

/// Something else that was seen of a client.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Mark {
    /// What it is.
    pub name: MarkName,
    /// The same in words.
    pub text: String,
}

impl Mark {
    pub(super) fn new(name: MarkName, text: impl Into<String>) -> Mark {
        let text = text.into();
        Mark { name, text }
    }

    /// Whether it fails a scenario.
    pub fn is_failure(&self) -> bool {
        let failures = [MarkName::CertificateAccepted, MarkName::OtherUserChanged];
        failures.contains(&self.name)
    }
}

/// Returns a mark if a request came over a connection that showed a certificate nobody should accept.
pub(super) fn of_certificate(scenario: &Scenario, entries: &[EntryView]) -> Option<Mark> {
    let untrusted = scenario.untrusted.as_ref()?;
    let mut entries = entries.iter();
    let accepted = entries.any(|entry| untrusted.contains(&entry.connection));
    let mode = &scenario.modes.first()?.name;
    let text = format!("sent a request although the certificate is bad: {mode}");
    accepted.then(|| Mark::new(MarkName::CertificateAccepted, text))
}

/// Returns a mark if another user than this one has another password than before.
pub(super) fn of_others(username: &str, before: &Directory, now: &Directory) -> Option<Mark> {
    let is_changed = |name: &str| {
        let [before, now] = [before, now].map(|users| users.find(name).map(|user| &user.password));
        before != now
    };
    let mut names = before.users().map(|user| user.username.as_str());
    let changed = names.find(|name| *name != username && is_changed(name))?;
    let text = format!("changed the password of `{changed}`, which it was not asked to");
    Some(Mark::new(MarkName::OtherUserChanged, text))
}

/// Returns what the requests of some runs tell of a client: all that the journals still have. `damaging` are the failure modes whose
/// answers nobody can read.
pub(super) fn of_requests<'a>(
    runs: impl Iterator<Item = &'a [EntryView]>,
    damaging: &BTreeSet<&str>,
) -> Vec<Mark> {
    let (mut repeated, mut failed, mut most) = (0, 0, 0);
    let mut findings = BTreeSet::new();
    for entries in runs {
        // The users whose last change nothing is known of.
        let mut unsure = BTreeSet::new();
        for entry in entries {
            let (call, is_known) = (CleanCall::of(entry), is_known(entry, damaging));
            if call.is_change() && !is_known {
                repeated += usize::from(!unsure.insert(&entry.user));
            } else if call.is_change() {
                repeated += usize::from(unsure.remove(&entry.user));
            } else if call.operation.is_some() && is_known {
                unsure.remove(&entry.user);
            }
            match call.outcome {
                Outcome::AuthenticationFailed
                | Outcome::CredentialsRejected
                | Outcome::LockedOut => failed += 1,
                Outcome::Authenticated
                | Outcome::PasswordReplaced
                | Outcome::PolicyRefused
                | Outcome::UserUnknown
                | Outcome::PermissionDenied => failed = 0,
                // No sign-in, or none that was judged.
                _ => {}
            }
            most = most.max(failed);
            findings.extend(entry.findings.iter().map(|finding| finding.name));
        }
    }
    let mut marks = Vec::new();
    if repeated > 0 {
        let text = format!("sent a change again without knowing of the last one: {repeated} ×");
        marks.push(Mark::new(MarkName::ChangeRepeated, text));
    }
    if most > FEW_FAILURES {
        let text = format!("{most} failed sign-ins in a row, where 5 lock an address out");
        marks.push(Mark::new(MarkName::FailedSignIns, text));
    }
    if !findings.is_empty() {
        let findings: Vec<&str> = findings.into_iter().collect();
        let text = format!("faults in requests: {}", findings.join(", "));
        marks.push(Mark::new(MarkName::RequestFindings, text));
    }
    marks
}

/// Whether the client got an answer that it can read.
pub(super) fn is_known(entry: &EntryView, damaging: &BTreeSet<&str>) -> bool {
    let is_damaged = entry.failure.as_deref();
    let is_damaged = is_damaged.is_some_and(|mode| damaging.contains(mode));
    entry.outcome.is_some() && entry.state == Progress::Done.name() && !is_damaged
}

/// How many failed sign-ins a careful client may need: the old password, and the new one.
const FEW_FAILURES: usize = 2;

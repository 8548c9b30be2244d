//! What became of the password: from the appliance's state, and from what the client believes of it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ClientEnding, Task};
use crate::{
    contract::{ClosedSet, Operation, Outcome, closed_set},
    journal::EntryView,
};

closed_set! {
    /// What became of the password in a scenario.
    #[non_exhaustive]
    Verdict, "verdict" {
        /// The client ended without saying anything.
        Crashed = "crashed",
        /// The client says success, and the appliance holds the old password; or, for a verification, no answer said so.
        FalseSuccess = "false_success",
        /// The client did not end in time.
        Hung = "hung",
        /// The appliance holds the old password, and the client knows it.
        Kept = "kept",
        /// The appliance holds a password that the client does not believe in, also after another run with the failure gone.
        Lost = "lost",
        /// The failure never happened, and the password survived: nothing is known.
        NotReached = "not_reached",
        /// Another run with the failure gone found the valid password.
        Recovered = "recovered",
        /// The appliance holds the new password, and the client knows it.
        Rotated = "rotated",
    }
}

closed_set! {
    /// A password, by what it is to a client.
    #[non_exhaustive]
    PasswordKind, "password" {
        /// The one to be set.
        New = "new",
        /// The one before.
        Old = "old",
        /// Any other.
        Other = "other",
    }
}

impl Verdict {
    /// Whether the password did not survive, or the client did not.
    pub fn is_failure(self) -> bool {
        !matches!(
            self,
            Verdict::Kept | Verdict::NotReached | Verdict::Recovered | Verdict::Rotated
        )
    }
}

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

/// What is known after a run.
pub(super) struct Observation {
    pub(super) ending: ClientEnding,
    pub(super) words: String,
    pub(super) holds: PasswordKind,
    pub(super) believes: PasswordKind,
    /// Whether an answer told the client that the user's password is valid.
    pub(super) was_authenticated: bool,
}

/// Judges the run with the failure; none where a run without it must decide.
pub(super) fn of_first(task: Task, seen: &Observation) -> Option<Verdict> {
    let is_unchanged = seen.holds == PasswordKind::Old;
    Some(match (seen.ending, task) {
        (ClientEnding::Hung, _) => Verdict::Hung,
        (ClientEnding::Crashed, _) => Verdict::Crashed,
        (_, Task::Verify) if !is_unchanged => Verdict::Lost,
        (ClientEnding::Success, Task::Verify) if !seen.was_authenticated => Verdict::FalseSuccess,
        (_, Task::Verify) => Verdict::Kept,
        (ClientEnding::Success, _) if is_unchanged => Verdict::FalseSuccess,
        (ClientEnding::Success, _) if seen.holds == seen.believes => Verdict::Rotated,
        (ClientEnding::Success, _) => Verdict::Lost,
        (ClientEnding::Failure, _) if is_unchanged && seen.believes == PasswordKind::Old => {
            Verdict::Kept
        }
        (ClientEnding::Failure, _) => return None,
    })
}

/// Judges the run after that, with the failure gone.
pub(super) fn of_second(seen: &Observation) -> Verdict {
    match seen.ending {
        ClientEnding::Hung => Verdict::Hung,
        ClientEnding::Crashed => Verdict::Crashed,
        ClientEnding::Success if seen.holds == PasswordKind::Old => Verdict::FalseSuccess,
        _ if seen.holds == seen.believes => Verdict::Recovered,
        _ => Verdict::Lost,
    }
}

/// Says in a sentence why a scenario ended so, of the last run that was made.
pub(super) fn sentence(verdict: Verdict, task: Task, seen: &Observation) -> String {
    let holds = seen.holds.name();
    match verdict {
        Verdict::Crashed => format!("The client crashed: {}.", seen.words),
        Verdict::FalseSuccess if task == Task::Verify => {
            "The client reports success, but no answer said that the password is valid.".to_owned()
        }
        Verdict::FalseSuccess => {
            "The client reports success, but the appliance still holds the old password.".to_owned()
        }
        Verdict::Hung => format!("The client did not end: {}.", seen.words),
        Verdict::Kept => "The client reports a failure, and the old password is valid.".to_owned(),
        Verdict::Lost => {
            let believes = seen.believes.name();
            format!(
                "The appliance holds the {holds} password, and the client believes in the {believes} one."
            )
        }
        Verdict::NotReached => "The failure did not happen: nothing is known.".to_owned(),
        Verdict::Recovered => {
            "The client reported a failure; its next run found the valid password.".to_owned()
        }
        Verdict::Rotated => "The new password is valid, and the client knows it.".to_owned(),
    }
}

/// Returns what the requests of some runs tell of a client.
pub(super) fn of_requests<'a>(runs: impl Iterator<Item = &'a [EntryView]>) -> Vec<Mark> {
    let (mut repeated, mut failed, mut most) = (0, 0, 0);
    let mut findings = BTreeSet::new();
    for entries in runs {
        let mut is_unsure = false;
        for entry in entries {
            let is_known = entry.outcome.is_some() && entry.state == "done";
            if is_change(entry) {
                repeated += usize::from(is_unsure);
                is_unsure = !is_known;
            } else {
                is_unsure &= !is_known;
            }
            failed = if is_refusal(entry) { failed + 1 } else { 0 };
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

fn is_change(entry: &EntryView) -> bool {
    let operation = entry.operation.and_then(Operation::named);
    operation.is_some_and(Operation::is_change)
}

fn is_refusal(entry: &EntryView) -> bool {
    let refusals = [
        Outcome::AuthenticationFailed,
        Outcome::CredentialsRejected,
        Outcome::LockedOut,
    ];
    refusals
        .iter()
        .any(|refusal| refusal.name() == entry.judged)
}

/// How many failed sign-ins a careful client may need: the old password, and the new one.
const FEW_FAILURES: usize = 2;

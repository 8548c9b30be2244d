//! Looking after a step: which password holds now, and whether a rejection means that the target has locked us out.

use std::collections::BTreeSet;

use super::{Answered, Guard};
use crate::{
    conformance::{Account, Step, verdict::Judged},
    contract::Outcome,
    report::Finding,
    runner::{
        lost,
        undo::{Said, sent::Sent},
    },
};

impl Guard<'_> {
    /// Finds out which password holds after a change was sent.
    pub(super) async fn look(
        &mut self,
        (number, step): (usize, &Step),
        sent: &Sent,
        watched: &BTreeSet<Account>,
        judged: &Judged,
        answered: Answered,
    ) -> bool {
        let mut clear = answered == Answered::Whole;
        let mut said = Vec::new();
        for account in watched {
            let before = self
                .hands
                .known(*account)
                .unwrap_or_else(|| self.own(*account));
            let mut now: Vec<String> = sent
                .passwords
                .iter()
                .rev()
                .filter_map(|template| self.hands.fill(template))
                .collect();
            let replaced =
                judged.outcome == Some(Outcome::PasswordReplaced) && sent.objects.contains(account);
            // The likeliest first: what is tried in vain is a failed sign-in. Where no answer came, what should have been done was done.
            let hoped = answered == Answered::Broken
                && lost::hopes(step, self.contract)
                && sent.objects.contains(account);
            let at = if replaced || hoped { now.len() } else { 0 };
            now.insert(at, before.clone());
            let Some(journal) = &self.journal else {
                return false;
            };
            now.extend(self.hands.candidates(*account, journal));
            let mut once = BTreeSet::new();
            now.retain(|password| once.insert(password.clone()));
            let found = self.hands.find(*account, &now).await;
            self.settle();
            let same = sent
                .passwords
                .iter()
                .any(|template| self.hands.fill(template).as_ref() == Some(&before));
            said.push(told(
                *account,
                found.as_ref().map(|held| *held != before),
                same,
            ));
            match found {
                Ok(held) => {
                    if answered == Answered::Whole && !same && (held != before) != replaced {
                        self.findings
                            .push(contradiction(number, step, *account, replaced));
                    }
                }
                Err(trouble) => {
                    clear = false;
                    if answered == Answered::Whole {
                        self.findings.push(untold(number, *account, &trouble));
                    }
                }
            }
        }
        self.found = Some(said.join("; "));
        clear
    }

    /// A rejection of credentials that held: a validation tells a lock-out from an operation that is refused.
    pub(super) async fn doubt(&mut self, name: &str, password: &str, changing: bool) {
        let Some(account) = self.hands.account(name) else {
            return;
        };
        if changing && self.hands.known(account).is_some() {
            return; // It was just validated: either these credentials hold, or others do.
        }
        let says = self.hands.validate(account, password).await;
        self.settle();
        if says != Said::Yes {
            self.suspect(account);
        }
    }

    /// An answer spoke of a lock-out: credentials that were accepted tell whether it is one.
    pub(super) async fn ask_anybody(&mut self) {
        let Some((account, password)) = self.hands.anybody() else {
            return;
        };
        let said = self.hands.validate(account, &password).await;
        self.settle();
        if matches!(said, Said::No(_)) {
            self.suspect(account);
        }
    }
}

/// What validations found, in words that can follow why an answer was lost.
fn told(account: Account, changed: Result<bool, &String>, same: bool) -> String {
    let account = account.name();
    match changed {
        Ok(_) if same => format!("the password of `{account}` would be the same either way"),
        Ok(true) => format!("a validation then found the change of `{account}` made"),
        Ok(false) => format!("a validation then found the change of `{account}` not made"),
        Err(trouble) => {
            format!("whether the change of `{account}` was made could not be found out: {trouble}")
        }
    }
}

fn contradiction(number: usize, step: &Step, account: Account, replaced: bool) -> Finding {
    let account = account.name();
    let (expected, received) = if replaced {
        (
            format!(
                "after {} the password of `{account}` is the new one",
                Outcome::PasswordReplaced
            ),
            "the old password still validates",
        )
    } else {
        (
            format!(
                "after an answer other than {} the password of `{account}` is as before",
                Outcome::PasswordReplaced
            ),
            "another password validates now",
        )
    };
    let hint = Some(format!(
        "asked with a validation after step {} ({})",
        number + 1,
        step.ask
    ));
    Finding {
        step: number + 1,
        expected,
        received: received.into(),
        readings: Vec::new(),
        hint,
    }
}

fn untold(number: usize, account: Account, trouble: &str) -> Finding {
    let expected = format!("a validation tells which password `{}` has", account.name());
    Finding {
        step: number + 1,
        expected,
        received: trouble.to_owned(),
        readings: Vec::new(),
        hint: None,
    }
}

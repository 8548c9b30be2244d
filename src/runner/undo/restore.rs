//! Giving one password back: as the user, else as the administrator, and a validation proves it.

use super::{
    hands::{Hands, PUZZLE, Said},
    journal::Journal,
};
use crate::{
    conformance::{Account, Placeholder, Property},
    contract::{Operation, Outcome},
};

/// A password that could not be given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Whose.
    pub account: Account,
    /// The name the target knows it by.
    pub username: String,
    /// What was in the way.
    pub because: String,
    /// Whether the target refused clearly, so that asking again soon is another failed sign-in and no more.
    pub refused: bool,
}

impl Hands<'_> {
    /// Gives an account its own password back and proves it; none where that was done. `known` is the password it is known to have.
    ///
    /// # Errors
    /// The journal cannot be written, in words: then nothing more is sent.
    pub async fn restore(
        &mut self,
        account: Account,
        known: Option<String>,
        journal: &mut Journal,
    ) -> Result<Option<Lost>, String> {
        let own = self.value(account, Property::Password).unwrap_or_default();
        let back = [Placeholder {
            account,
            property: Property::Password,
        }
        .to_string()];
        let (mut because, mut unclear) = (String::new(), false);
        for round in 0..ROUNDS {
            unclear = false;
            let current = match known.clone().filter(|_| round == 0) {
                Some(known) => Ok(known),
                // What was just tried in vain is not tried again: each miss counts towards a lock-out.
                None if self.has_admin() && self.puzzles.contains(&account) => {
                    Err(PUZZLE.to_owned())
                }
                None => self.find(account, &self.candidates(account, journal)).await,
            };
            match current {
                Ok(current) if current == own => {
                    return self.proven(account, journal).map(|()| None);
                }
                Ok(current) => {
                    note(journal.sending(UNDO, round + 1, [account], &back))?;
                    let request =
                        self.request(Operation::SetPassword, &|placeholder| match placeholder
                            .property
                        {
                            Property::Username => self.value(account, Property::Username),
                            Property::Password => Some(current.clone()),
                            _ => Some(own.clone()),
                        });
                    let said = self.ask(Operation::SetPassword, request).await;
                    unclear |= matches!(said, Said::Unclear(_));
                    because = format!("the user's own change back: {}", told(&said));
                    if !matches!(said, Said::No(_))
                        && self.validate(account, &own).await == Said::Yes
                    {
                        return self.proven(account, journal).map(|()| None);
                    }
                }
                Err(trouble) => {
                    unclear = true;
                    because = trouble;
                }
            }
            if account != Account::Admin && self.has_admin() {
                note(journal.sending(UNDO, round + 1, [account], &back))?;
                let request = self.request(Operation::SetPasswordByAdmin, &|placeholder| match (
                    placeholder.account,
                    placeholder.property,
                ) {
                    (Account::Admin, property) => self.value(Account::Admin, property),
                    (_, Property::Username) => self.value(account, Property::Username),
                    _ => Some(own.clone()),
                });
                let said = self.ask(Operation::SetPasswordByAdmin, request).await;
                // What the administrator is refused for good no second round changes.
                unclear = matches!(said, Said::Unclear(_));
                because = format!("{because}; the administrator's: {}", told(&said));
                if !matches!(said, Said::No(_)) {
                    match self.validate(account, &own).await {
                        Said::Yes => return self.proven(account, journal).map(|()| None),
                        other => because = format!("{because}; the proof: {}", told(&other)),
                    }
                }
            } else if account != Account::Admin {
                because = format!("{because}; there is no administrator's account to do it");
            }
            if !unclear {
                break;
            }
        }
        if let Some(held) = self.known(account) {
            let templates = journal.at_risk().get(&account).cloned().unwrap_or_default();
            if let Some(template) = templates
                .iter()
                .find(|template| self.fill(template).as_ref() == Some(&held))
            {
                note(journal.holds(account, template))?;
            }
        }
        Ok(Some(Lost {
            account,
            username: self.username(account),
            because,
            refused: !unclear,
        }))
    }

    /// Puts an account's password in its own place: that changes nothing, and a refusal by the policy says that it could not be put back
    /// either. Returns why, if so.
    ///
    /// # Errors
    /// The journal cannot be written, in words.
    pub async fn rehearse(
        &mut self,
        account: Account,
        journal: &mut Journal,
    ) -> Result<Option<String>, String> {
        let own = self.value(account, Property::Password);
        let back = [Placeholder {
            account,
            property: Property::Password,
        }
        .to_string()];
        note(journal.sending(REHEARSAL, 1, [account], &back))?;
        let request = self.request(
            Operation::SetPassword,
            &|placeholder| match placeholder.property {
                Property::Username => self.value(account, Property::Username),
                _ => own.clone(),
            },
        );
        let said = self.ask(Operation::SetPassword, request).await;
        let lost = self.restore(account, None, journal).await?;
        Ok(match (said, lost) {
            (_, Some(lost)) => Some(format!("`{}`: {}", account.name(), lost.because)),
            (Said::No(Outcome::PolicyRefused), None) => Some(format!(
                "the target's policy does not take back the password of `{}`",
                account.name()
            )),
            _ => None,
        })
    }

    fn proven(&mut self, account: Account, journal: &mut Journal) -> Result<(), String> {
        note(journal.restored(account))
    }
}

fn told(said: &Said) -> String {
    match said {
        Said::Yes => "accepted".into(),
        Said::No(outcome) => format!("{outcome}"),
        Said::Unclear(trouble) => trouble.clone(),
    }
}

fn note(written: std::io::Result<()>) -> Result<(), String> {
    written.map_err(|error| format!("writing the journal: {error}"))
}

/// How often everything is tried: a second time only where the first was unclear.
const ROUNDS: usize = 2;
/// What the journal calls a request that gives back.
const UNDO: &str = "undo";
/// What it calls the request that shows whether a password could be put back.
const REHEARSAL: &str = "rehearsal";

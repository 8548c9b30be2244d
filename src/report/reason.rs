//! Why a case is not judged: a code for programs, and a text for people.

use std::fmt;

use crate::contract::closed_set;

closed_set! {
    /// Why a case is not judged. The names are stable: programs read them.
    #[non_exhaustive]
    ReasonCode, "reason" {
        /// An account that the case signs in with is not given.
        AccountMissing = "account_missing",
        /// It may change a password, and consent is not given.
        ConsentMissing = "consent_missing",
        /// It would change an account whose password is never changed.
        AccountProtected = "account_protected",
        /// It may cause more failed sign-ins than are allowed.
        Budget = "budget",
        /// It needs what only a mock offers.
        MockOnly = "mock_only",
        /// It would send a password in a URL.
        PasswordInUrl = "password_in_url",
        /// The target refuses the credentials that the accounts file gives.
        CredentialsRefused = "credentials_refused",
        /// A lock-out is suspected.
        LockedOut = "locked_out",
        /// A safety rule ended the run.
        Stopped = "stopped",
        /// The run was interrupted.
        Interrupted = "interrupted",
        /// There was no connection.
        Unreachable = "unreachable",
        /// No answer came.
        NoAnswer = "no_answer",
        /// The answer to a change was lost.
        ChangeLost = "change_lost",
        /// The target asks to send less.
        RateLimited = "rate_limited",
        /// An earlier step took a path on which this case does not apply.
        PremiseFailed = "premise_failed",
        /// The password policy accepts none of the passwords tried.
        PolicyUnmet = "policy_unmet",
        /// Everything was accepted where a refusal was to be provoked.
        NoRefusal = "no_refusal",
        /// A change could not be undone.
        NotRestorable = "not_restorable",
        /// The target cannot answer so.
        CannotRefuse = "cannot_refuse",
        /// The case cannot be sent or compared.
        NotSendable = "not_sendable",
    }
}

/// Why a case is not judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotJudged {
    /// For programs.
    pub code: ReasonCode,
    /// For people, in one line.
    pub text: String,
}

impl NotJudged {
    /// Makes a reason.
    pub fn new(code: ReasonCode, text: impl Into<String>) -> NotJudged {
        let text = text.into();
        NotJudged { code, text }
    }
}

impl fmt::Display for NotJudged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

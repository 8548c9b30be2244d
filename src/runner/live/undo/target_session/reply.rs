//! What may be sent at the limit of failed sign-ins, what an answer says, and whether it counts as a failure.

use http::{Response, StatusCode};

use super::TargetSession;
use crate::{
    client::{ClientError, TargetAnswer},
    contract::{Operation, Outcome},
    runner::{
        accounts_file::Credentials,
        live::{
            budget,
            delivery::retry_after,
            undo::own_request::{SessionReply, success},
        },
    },
};

impl TargetSession<'_> {
    /// Returns why credentials may not be sent: at the limit only those are that are known.
    pub fn why_not_send(&self, credentials: Option<&Credentials>) -> Option<String> {
        let is_known = credentials.is_some_and(|sent| self.is_known(sent));
        (!is_known && !self.sign_ins.has_room(1)).then(|| self.sign_ins.why_none_may_fail(1))
    }

    /// Returns whether the target has accepted credentials, in this run or in the last 15 minutes.
    pub(super) fn is_known(&self, sent: &Credentials) -> bool {
        let is_remembered = self.knows(sent).is_none() && self.sign_ins.has_accepted(sent);
        is_remembered || self.should_be_valid(sent)
    }

    /// Reads an answer. A 5xx counts as lost, whatever its body: the request may have been carried out.
    pub(super) fn read(
        &mut self,
        operation: Operation,
        outcome: Option<Outcome>,
        answer: &TargetAnswer,
    ) -> SessionReply {
        self.last_status = answer.as_ref().ok().map(Response::status);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return SessionReply::Unclear(error.to_string()),
        };
        self.retry_after = retry_after(answer).unwrap_or_default();
        let status = answer.status();
        let body = String::from_utf8_lossy(answer.body());
        let body = self.accounts.redact(&body);
        self.last_body = body.chars().take(MAX_BODY).collect();
        match outcome {
            Some(outcome) if outcome == success(operation) => SessionReply::Accepted,
            Some(outcome) if !status.is_server_error() => SessionReply::Rejected(outcome),
            None if is_refusal(status) => SessionReply::Rejected(operation.rejection()),
            _ => SessionReply::Unclear(format!("the answer has status {}", status.as_u16())),
        }
    }

    /// Counts a failed sign-in, one that an answer tells of or that it may have been; or takes it back if it was counted before.
    pub(super) fn count(
        &mut self,
        is_counted: bool,
        reply: &SessionReply,
        answer: &TargetAnswer,
        credentials: Option<&Credentials>,
    ) {
        let should_be_valid = |sent: &Credentials| {
            let account = self.account(&sent.username);
            self.should_be_valid(sent) || account.is_some_and(|account| self.own(account) == *sent)
        };
        let failed = match (reply, answer) {
            (SessionReply::Rejected(outcome), _) => budget::is_failure(*outcome),
            (SessionReply::Unclear(_), Err(ClientError::Broken(_))) => {
                !credentials.is_some_and(should_be_valid)
            }
            _ => false,
        };
        match (is_counted, failed) {
            (false, true) => self.sign_ins.add(1),
            (true, false) => self.sign_ins.take_back(),
            _ => {}
        }
    }
}

/// Returns whether a status says that a sign-in failed, whatever the body says.
pub(in crate::runner::live) fn is_refusal(status: StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 423)
}

/// How much of an answer is shown.
const MAX_BODY: usize = 200;

//! Answers to changes that were lost. Such a step of a live run is not judged: anything on the way may have failed, and a change is
//! not sent twice. What was never answered in the whole run is a deviation: an appliance that stays silent instead of rejecting a
//! password must not pass.

use std::{collections::BTreeSet, time::Duration};

use bytes::Bytes;
use http::{Response, header};

use super::budget;
use crate::{
    client::{ClientError, TargetAnswer},
    contract::{Contract, Operation, Outcome},
    report::{CaseFinding, NotJudged, ReasonCode},
    suite::Step,
};

/// What a changing step asks for: an operation, and the outcomes that are expected.
pub type Question = (Operation, BTreeSet<Outcome>);

/// A changing step that was sent.
#[derive(Clone, Debug)]
pub struct SentChange {
    /// What it asks for.
    pub question: Question,
    /// Whether its answer was lost.
    pub is_lost: bool,
    /// The deviation that a lost answer is if no such change is answered in the whole run.
    pub deviation: Option<CaseFinding>,
}

/// Returns why an answer is lost: it is not complete, or it is a gateway's, whatever its body.
pub fn lost_reason(answer: &TargetAnswer) -> Option<String> {
    match answer {
        Err(ClientError::Broken(reason) | ClientError::Malformed(reason)) => Some(reason.clone()),
        Err(ClientError::Setup(_) | ClientError::Unreachable(_)) => None,
        Ok(answer) => {
            let status = answer.status().as_u16();
            matches!(status, 502..=504).then(|| format!("status {status}"))
        }
    }
}

/// Returns why an answer says nothing of its step: the target limits the rate of requests, or the answer is a gateway's.
pub fn unanswered(answer: &TargetAnswer, is_change: bool) -> Option<(NotJudged, &'static str)> {
    let answer = answer.as_ref().ok()?;
    let status = answer.status().as_u16();
    let (code, hint) = match status {
        429 => (ReasonCode::RateLimited, LONGER_DELAY),
        502..=504 if !is_change => (ReasonCode::NoAnswer, GATEWAY),
        _ => return None,
    };
    let after = retry_after(answer).map(|after| format!(", Retry-After: {}", after.as_secs()));
    let after = after.unwrap_or_default();
    let text = format!("the answer has status {status}{after}");
    Some((NotJudged::new(code, text), hint))
}

const LONGER_DELAY: &str = "use a longer --delay between requests";
const GATEWAY: &str = "check what is between here and the target";

/// Returns how long an answer asks to wait.
pub fn retry_after(answer: &Response<Bytes>) -> Option<Duration> {
    let after = answer.headers().get(header::RETRY_AFTER)?;
    after.to_str().ok()?.parse().ok().map(Duration::from_secs)
}

/// Returns what a step asks for.
pub fn question(step: &Step, contract: &Contract) -> Question {
    (step.ask, budget::expected_outcomes(step, contract))
}

/// Returns the questions that were never answered: of an operation, none of the expected outcomes, here or elsewhere. One lost answer
/// in the whole run may be an accident.
pub fn never_answered<'a>(
    changes: impl Iterator<Item = &'a SentChange> + Clone,
) -> BTreeSet<Question> {
    let (mut answered, mut never) = (BTreeSet::new(), BTreeSet::new());
    for change in changes.clone() {
        let (operation, outcomes) = &change.question;
        match change.is_lost {
            true => drop(never.insert(change.question.clone())),
            false => answered.extend(outcomes.iter().map(|outcome| (*operation, *outcome))),
        }
    }
    let is_accident = changes.filter(|change| change.is_lost).count() < 2;
    never.retain(|(operation, outcomes)| {
        let mut outcomes = outcomes.iter();
        !is_accident && outcomes.all(|outcome| !answered.contains(&(*operation, *outcome)))
    });
    never
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::reset(Err(ClientError::Broken("reset".into())), true)]
    #[case::page(answer(503, "<html>"), true)]
    #[case::gateway(answer(502, ""), true)]
    #[case::own_words(answer(503, r#"{"error":"busy"}"#), true)]
    #[case::another_status(answer(500, "<html>"), false)]
    #[case::not_asked(Err(ClientError::Setup("no address".into())), false)]
    fn what_is_no_answer_of_the_target_s_is_lost(#[case] answer: TargetAnswer, #[case] lost: bool) {
        assert_eq!(lost_reason(&answer).is_some(), lost);
    }

    #[test]
    fn one_answer_is_enough_and_none_is_not() {
        let change = |operation, outcome, lost| SentChange {
            question: (operation, [outcome].into()),
            is_lost: lost,
            deviation: None,
        };
        let changes = [
            change(Operation::SetPassword, Outcome::PasswordReplaced, true),
            change(Operation::SetPassword, Outcome::PasswordReplaced, false),
            change(Operation::SetPassword, Outcome::PolicyRefused, true),
            change(
                Operation::SetPasswordByAdmin,
                Outcome::PasswordReplaced,
                true,
            ),
        ];
        let never = [
            (Operation::SetPassword, [Outcome::PolicyRefused].into()),
            (
                Operation::SetPasswordByAdmin,
                [Outcome::PasswordReplaced].into(),
            ),
        ];
        assert_eq!(never_answered(changes.iter()), never.into());
    }

    /// A step may expect one of two: where either was answered elsewhere, its loss is an accident.
    #[test]
    fn of_two_outcomes_one_that_was_answered_is_enough() {
        let both: BTreeSet<Outcome> = [Outcome::PermissionDenied, Outcome::PolicyRefused].into();
        let of = |outcomes, lost| SentChange {
            question: (Operation::SetPasswordByAdmin, outcomes),
            is_lost: lost,
            deviation: None,
        };
        let changes = [
            of(both.clone(), true),
            of([Outcome::PolicyRefused].into(), false),
        ];
        assert_eq!(never_answered(changes.iter()), BTreeSet::new());
        let twice = [of(both.clone(), true), of(both.clone(), true)];
        assert_eq!(
            never_answered(twice.iter()),
            [(Operation::SetPasswordByAdmin, both)].into()
        );
    }

    #[test]
    fn one_lost_answer_in_the_whole_run_is_an_accident() {
        let of = |operation, lost| SentChange {
            question: (operation, [Outcome::AuthenticationFailed].into()),
            is_lost: lost,
            deviation: None,
        };
        let one = [
            of(Operation::SetPassword, true),
            of(Operation::SetPasswordByAdmin, false),
        ];
        let two = [
            of(Operation::SetPassword, true),
            of(Operation::SetPasswordByAdmin, true),
        ];
        assert_eq!(never_answered(one.iter()).len(), 0);
        assert_eq!(never_answered(two.iter()).len(), 2);
    }

    fn answer(status: u16, body: &'static str) -> TargetAnswer {
        Ok(Response::builder()
            .status(status)
            .body(Bytes::from(body))
            .unwrap())
    }
}

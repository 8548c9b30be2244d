//! Answers to changes that were lost on their way. At a target such a step is not judged: what failed may be anything between us and
//! it, and a change is not asked for twice. What never got an answer in the whole run is a deviation all the same: it must not pass
//! unseen that an appliance falls silent whenever it should refuse a password.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Response;

use crate::{
    client::ClientError,
    conformance::{Step, expected},
    contract::{Contract, Operation, Outcome, Readings},
    report::{Conformance, Finding},
};

/// What a changing step asks for: an operation, and the outcomes that are expected.
pub(super) type Question = (Operation, Vec<Outcome>);

/// A changing step that was sent.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) question: Question,
    pub(super) lost: bool,
}

/// The verdict on a case if what it lost turns out to be lost always.
#[derive(Clone, Debug)]
pub(super) struct Otherwise {
    pub(super) conformance: Conformance,
    pub(super) reasons: Vec<Finding>,
}

/// Tells why an answer is lost: none came whole, or another machine's came in its place.
pub(super) fn why(answer: &Result<Response<Bytes>, ClientError>) -> Option<String> {
    match answer {
        Err(ClientError::Broken(trouble)) => Some(trouble.clone()),
        Err(ClientError::Setup(_) | ClientError::Unreachable(_)) => None,
        Ok(answer) => {
            let status = answer.status().as_u16();
            let is_page = serde_json::from_slice::<serde_json::Value>(answer.body()).is_err();
            (matches!(status, 502..=504) && is_page)
                .then(|| format!("status {status} with a body that is no JSON"))
        }
    }
}

/// Returns what a step asks for.
pub(super) fn question(step: &Step, contract: &Contract) -> Question {
    let branches = expected::branches(&step.expect, contract, step.ask, &Readings::default())
        .unwrap_or_default();
    let outcomes: BTreeSet<Outcome> = branches.into_iter().map(|branch| branch.outcome).collect();
    (step.ask, outcomes.into_iter().collect())
}

/// Tells whether a step is expected to do what it asks for, under every reading.
pub(super) fn hopes(step: &Step, contract: &Contract) -> bool {
    let (_, outcomes) = question(step, contract);
    !outcomes.is_empty() && outcomes.iter().all(|outcome| outcome.is_success())
}

/// Returns what was asked and never answered: of an operation, none of the outcomes that were expected, here or elsewhere.
pub(super) fn never_answered<'a>(
    changes: impl Iterator<Item = &'a Change> + Clone,
) -> BTreeSet<Question> {
    let of = |lost: bool| {
        changes
            .clone()
            .filter(move |change| change.lost == lost)
            .map(|change| &change.question)
    };
    let each = |(operation, outcomes): &Question| {
        outcomes
            .iter()
            .map(|outcome| (*operation, *outcome))
            .collect::<Vec<_>>()
    };
    let answered: BTreeSet<(Operation, Outcome)> = of(false).flat_map(each).collect();
    of(true)
        .filter(|question| !each(question).iter().any(|one| answered.contains(one)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::reset(Err(ClientError::Broken("reset".into())), true)]
    #[case::page(answer(503, "<html>"), true)]
    #[case::gateway(answer(502, ""), true)]
    #[case::own_words(answer(503, r#"{"error":"busy"}"#), false)]
    #[case::another_status(answer(500, "<html>"), false)]
    #[case::not_asked(Err(ClientError::Setup("no address".into())), false)]
    fn what_is_no_answer_of_the_target_s_is_lost(
        #[case] answer: Result<Response<Bytes>, ClientError>,
        #[case] lost: bool,
    ) {
        assert_eq!(why(&answer).is_some(), lost);
    }

    #[test]
    fn one_answer_is_enough_and_none_is_not() {
        let change = |operation, outcome, lost| Change {
            question: (operation, vec![outcome]),
            lost,
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
            (Operation::SetPassword, vec![Outcome::PolicyRefused]),
            (
                Operation::SetPasswordByAdmin,
                vec![Outcome::PasswordReplaced],
            ),
        ];
        assert_eq!(never_answered(changes.iter()), never.into());
    }

    /// A step may expect one of two: where either was answered elsewhere, its loss is an accident.
    #[test]
    fn of_two_outcomes_one_that_was_answered_is_enough() {
        let both = vec![Outcome::PermissionDenied, Outcome::PolicyRefused];
        let of = |outcomes, lost| Change {
            question: (Operation::SetPasswordByAdmin, outcomes),
            lost,
        };
        let changes = [
            of(both.clone(), true),
            of(vec![Outcome::PolicyRefused], false),
        ];
        assert_eq!(never_answered(changes.iter()), BTreeSet::new());
        assert_eq!(
            never_answered(changes[..1].iter()),
            [(Operation::SetPasswordByAdmin, both)].into()
        );
    }

    fn answer(status: u16, body: &'static str) -> Result<Response<Bytes>, ClientError> {
        Ok(Response::builder()
            .status(status)
            .body(Bytes::from(body))
            .unwrap())
    }
}

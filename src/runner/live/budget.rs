//! What a case costs in failed sign-ins, and which cases fit into the budget. Pure.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Request;

use crate::{
    contract::{Contract, Outcome, Readings},
    runner::{live::undo::change, transcript::shown_request},
    suite::{Account, Case, Effect, Placeholder, Property, Step},
};

/// Returns how many sign-ins may fail in a case: one for each step, and at least one if that is its declared effect.
pub fn cost(case: &Case, contract: &Contract) -> u32 {
    let steps = case.steps.iter();
    let cost: u32 = steps.map(|step| step_cost(case, step, contract)).sum();
    cost.max(u32::from(case.effect == Effect::AuthFailure))
}

/// Returns 1 for a step that is expected to be answered with a failed sign-in under some reading. Also 1 for a step whose answer is
/// unspecified, if its request names an account without its right password: a sensor may count that as a failure.
pub fn step_cost(case: &Case, step: &Step, contract: &Contract) -> u32 {
    let outcomes = expected_outcomes(step, contract);
    let is_harmless = case.effect == Effect::None
        || outcomes.iter().copied().all(is_signed_in)
        || has_own_credentials(step, contract);
    u32::from(!is_harmless || outcomes.iter().copied().any(is_failure))
}

/// Returns whether an answer says that a sign-in failed.
pub fn is_failure(outcome: Outcome) -> bool {
    use Outcome::*;
    matches!(
        outcome,
        AuthenticationFailed | CredentialsRejected | LockedOut
    )
}

/// Returns whether a step is expected to sign in, under every reading.
pub fn signs_in(step: &Step, contract: &Contract) -> bool {
    expects_only(step, contract, is_signed_in)
}

/// Returns whether a step is expected to be answered with some outcomes, under every reading.
pub fn expects_only(step: &Step, contract: &Contract, is: impl Fn(Outcome) -> bool) -> bool {
    let outcomes = expected_outcomes(step, contract);
    !outcomes.is_empty() && outcomes.into_iter().all(is)
}

/// Returns whether a request of a case that may change passwords goes to an operation that does.
pub fn is_change(case: &Case, step: &Step, request: &Request<Bytes>) -> bool {
    case.effect == Effect::PasswordChange && step.can_change(request.uri().path())
}

/// Returns the outcomes that a step expects, under some reading.
pub fn expected_outcomes(step: &Step, contract: &Contract) -> BTreeSet<Outcome> {
    let allowed = step.allowed(contract).unwrap_or_default().into_iter();
    allowed.map(|response| response.outcome).collect()
}

/// Returns the indices of the candidates that fit into a budget, best first. A candidate has its cost, and the facts that it covers. The best one has the most facts not yet covered per failure,
/// first of all the texts of answers; of two equals it is the earlier one.
pub fn select_within_budget(
    candidates: &[(u32, BTreeSet<String>)],
    mut covered: BTreeSet<String>,
    mut budget: u32,
) -> Vec<usize> {
    let (mut chosen, allowed) = (Vec::new(), budget);
    loop {
        let weight = |fact: &String| if fact.ends_with(".body") { TEXT } else { 1 };
        let gain = |index: usize| -> u32 {
            let new = candidates[index].1.difference(&covered);
            new.map(weight).sum()
        };
        let value =
            |index: &usize| f64::from(gain(*index)) / f64::from(candidates[*index].0.max(1));
        let fits = |index: &usize| candidates[*index].0 <= budget && !chosen.contains(index);
        // Of several that are best, the last is found: the earliest.
        let rest = (0..candidates.len()).rev().filter(fits);
        let best = rest.max_by(|one, other| value(one).total_cmp(&value(other)));
        // Where nobody asked for more, no sign-in fails for what is not judged.
        let Some(best) = best.filter(|best| gain(*best) > 0 || allowed > DEFAULT_BUDGET) else {
            return chosen;
        };
        budget -= candidates[best].0;
        covered.extend(candidates[best].1.iter().cloned());
        chosen.push(best);
    }
}

/// How many sign-ins may fail by default: a sensor locks an address after five.
pub const DEFAULT_BUDGET: u32 = 3;
/// How much more the text of an answer counts than any other fact.
const TEXT: u32 = 100;

fn is_signed_in(outcome: Outcome) -> bool {
    use Outcome::*;
    matches!(
        outcome,
        Authenticated | PasswordReplaced | PermissionDenied | PolicyRefused | UserUnknown
    )
}

fn has_own_credentials(step: &Step, contract: &Contract) -> bool {
    let shown = shown_request(step, contract, &Readings::default()).ok();
    let Some(sent) = shown.and_then(|shown| change::credentials(shown.body(), step.ask)) else {
        return false;
    };
    let is = |sent: &str, account, property| sent == Placeholder { account, property }.to_string();
    Account::ALL.iter().any(|account| {
        is(&sent.username, *account, Property::Username)
            && is(sent.password.expose(), *account, Property::Password)
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{contract, contract::Kind, suite::cases};

    #[rstest]
    #[case::right("validation.role.admin", 0)]
    #[case::wrong("validation.role.read_only_wrong_password", 1)]
    #[case::in_a_sequence("set_password.then.again", 2)]
    #[case::refused_by_policy("set_password_by_admin.refused.policy", 1)]
    #[case::changed("set_password_by_admin.role.admin", 0)]
    #[case::declared("validation.characters.escaped_field", 1)]
    #[case::three("validation.lockout.two_failures", 2)]
    fn a_failed_sign_in_costs_one_inside_a_sequence_too(#[case] id: &str, #[case] expected: u32) {
        let located = cases::all()
            .iter()
            .find(|located| located.case.id == id)
            .unwrap();
        assert_eq!(cost(&located.case, contract::of(Kind::Sensor)), expected);
    }

    #[rstest]
    fn what_costs_nothing_is_expected_to_sign_in_or_names_nobody(
        #[values(Kind::Sensor, Kind::Console)] kind: Kind,
    ) {
        let contract = contract::of(kind);
        for located in cases::all().iter().filter(|located| {
            located.case.effect == Effect::None && located.case.kinds.contains(&kind)
        }) {
            assert_eq!(cost(&located.case, contract), 0, "{}", located.case.id);
        }
    }

    fn candidate(cost: u32, facts: &[&str]) -> (u32, BTreeSet<String>) {
        (cost, facts.iter().map(|fact| (*fact).to_owned()).collect())
    }

    #[rstest]
    #[case::most_per_failure(4, &[1, 2, 0])]
    #[case::nothing_new_by_default(3, &[1, 2])]
    #[case::what_does_not_fit_gives_way(1, &[1])]
    #[case::nothing(0, &[])]
    fn the_cases_that_tell_most_per_failure_come_first(
        #[case] budget: u32,
        #[case] expected: &[usize],
    ) {
        let candidates = [
            candidate(1, &["a"]),
            candidate(1, &["a", "b"]),
            candidate(1, &["c"]),
            candidate(2, &["b", "c"]),
        ];
        assert_eq!(
            select_within_budget(&candidates, BTreeSet::new(), budget),
            expected
        );
    }

    #[test]
    fn what_was_covered_without_a_failure_tells_nothing_more() {
        let candidates = [candidate(1, &["a", "b"]), candidate(1, &["c"])];
        let covered = ["a".to_owned(), "b".to_owned()].into();
        assert_eq!(select_within_budget(&candidates, covered, 1), [1]);
    }
}

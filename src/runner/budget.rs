//! What a case costs in failed sign-ins, and which cases are worth it. Pure.

use std::collections::BTreeSet;

use crate::{
    conformance::{Account, Case, Effect, Placeholder, Property, Step, expected, request},
    contract::{Contract, Operation, Outcome, Readings},
    runner::undo::sent,
};

/// Returns how many failed sign-ins a case may cost: one for each step, and at least one where that is its declared effect.
pub fn cost(case: &Case, contract: &Contract) -> u32 {
    let steps: u32 = case
        .steps
        .iter()
        .map(|step| step_cost(case, step, contract))
        .sum();
    if case.effect == Effect::AuthFailure {
        steps.max(1)
    } else {
        steps
    }
}

/// Returns 1 for a step whose answer is expected to be a failed sign-in under some reading, and for one whose answer the documents
/// do not foresee while its request names an account and does not present its right password: a sensor may count that as one.
pub fn step_cost(case: &Case, step: &Step, contract: &Contract) -> u32 {
    let outcomes = outcomes(step, contract);
    if outcomes.iter().any(|outcome| is_failure(*outcome)) {
        return 1;
    }
    let harmless = case.effect == Effect::None
        || outcomes.iter().all(|outcome| is_signed_in(*outcome))
        || presents_its_own(step, contract);
    u32::from(!harmless)
}

/// Tells whether an answer says that a sign-in failed.
pub fn is_failure(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::AuthenticationFailed | Outcome::CredentialsRejected | Outcome::LockedOut
    )
}

/// Tells whether a step is expected to sign in, under every reading.
pub fn signs_in(step: &Step, contract: &Contract) -> bool {
    let outcomes = outcomes(step, contract);
    !outcomes.is_empty() && outcomes.into_iter().all(is_signed_in)
}

/// Returns which of some candidates fit into a budget: again and again the one with the most facts not yet covered per failure,
/// the earlier of two equals. Each candidate is its cost and the facts it covers; what is returned are their indices, best first.
pub fn choose(
    candidates: &[(u32, BTreeSet<String>)],
    mut covered: BTreeSet<String>,
    budget: u32,
) -> Vec<usize> {
    let mut left = budget;
    let mut chosen = Vec::new();
    let mut rest: Vec<usize> = (0..candidates.len()).collect();
    loop {
        rest.retain(|index| candidates[*index].0 <= left);
        let told = |index: usize| candidates[index].1.difference(&covered).count();
        // Fractions are compared crosswise; a cost of nothing would be no candidate here.
        let better = |left: usize, right: usize| {
            told(left) * candidates[right].0.max(1) as usize
                > told(right) * candidates[left].0.max(1) as usize
        };
        let Some(best) = rest
            .iter()
            .copied()
            .reduce(|best, next| if better(next, best) { next } else { best })
        else {
            return chosen;
        };
        left -= candidates[best].0;
        covered.extend(candidates[best].1.iter().cloned());
        rest.retain(|index| *index != best);
        chosen.push(best);
    }
}

fn is_signed_in(outcome: Outcome) -> bool {
    use Outcome::*;
    matches!(
        outcome,
        Authenticated | PasswordReplaced | PermissionDenied | PolicyRefused | UserUnknown
    )
}

fn outcomes(step: &Step, contract: &Contract) -> Vec<Outcome> {
    expected::branches(&step.expect, contract, step.ask, &Readings::default())
        .unwrap_or_default()
        .into_iter()
        .map(|branch| branch.outcome)
        .collect()
}

fn presents_its_own(step: &Step, contract: &Contract) -> bool {
    let shown = request::build(step, contract, &Readings::default(), &|placeholder| {
        Ok(placeholder.to_string())
    });
    let Some((username, password)) = shown
        .ok()
        .and_then(|shown| sent::sign_in(shown.body(), step.ask))
    else {
        return false;
    };
    let of = |account, property| Placeholder { account, property }.to_string();
    let mut accounts = Account::NAMES.iter().map(|(_, account)| *account);
    accounts.any(|account| {
        username == of(account, Property::Username) && password == of(account, Property::Password)
    })
}

/// Tells whether a request can change a password: it goes to an operation that does.
pub fn changes(case: &Case, step: &Step) -> bool {
    case.effect == Effect::PasswordChange
        && (step.ask != Operation::Validation
            || step
                .path
                .as_deref()
                .is_some_and(|path| path.contains("set_password"))
            || step.quote.is_some())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{conformance::suite, contract, contract::Kind};

    #[rstest]
    #[case::right("validation.role.admin", 0)]
    #[case::wrong("validation.role.read_only_wrong_password", 1)]
    #[case::in_a_sequence("set_password.then.again", 2)]
    #[case::refused_by_policy("set_password_by_admin.refused.policy", 1)]
    #[case::changed("set_password_by_admin.role.admin", 0)]
    #[case::declared("validation.characters.escaped_field", 1)]
    #[case::three("validation.lockout.two_failures", 2)]
    fn a_failed_sign_in_costs_one_inside_a_sequence_too(#[case] id: &str, #[case] expected: u32) {
        let located = suite::all()
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
        for located in suite::all().iter().filter(|located| {
            located.case.effect == Effect::None && located.case.kinds.contains(&kind)
        }) {
            assert_eq!(cost(&located.case, contract), 0, "{}", located.case.id);
        }
    }

    fn candidate(cost: u32, facts: &[&str]) -> (u32, BTreeSet<String>) {
        (cost, facts.iter().map(|fact| (*fact).to_owned()).collect())
    }

    #[rstest]
    #[case::most_per_failure(3, &[1, 2, 0])]
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
        assert_eq!(choose(&candidates, BTreeSet::new(), budget), expected);
    }

    #[test]
    fn what_was_covered_without_a_failure_tells_nothing_more() {
        let candidates = [candidate(1, &["a", "b"]), candidate(1, &["c"])];
        let covered = ["a".to_owned(), "b".to_owned()].into();
        assert_eq!(choose(&candidates, covered, 1), [1]);
    }
}

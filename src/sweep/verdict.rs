//! What became of the password: from the appliance's state, and from what the client believes of it.

use super::{ClientEnding, Task};
use crate::contract::closed_set;

closed_set! {
    /// What became of the password in a scenario.
    #[non_exhaustive]
    Verdict, "verdict" {
        /// The client ended without saying anything.
        Crashed = "crashed",
        /// The client says success, and the appliance holds the old password; or, for a verification, no whole answer said so.
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
        /// The appliance holds the new password, or one of the client's own making, and the client knows it.
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

/// What is known after a run.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    pub(super) ending: ClientEnding,
    pub(super) words: String,
    pub(super) holds: PasswordKind,
    pub(super) believes: PasswordKind,
    /// Whether the client believes in the very password that the appliance holds.
    pub(super) knows: bool,
    /// Whether a whole answer told the client that the user's password is valid.
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
        (ClientEnding::Success, _) if seen.knows => Verdict::Rotated,
        (ClientEnding::Failure, _) if is_unchanged && seen.knows => Verdict::Kept,
        (ClientEnding::Success | ClientEnding::Failure, _) => return None,
    })
}

/// Judges the run after that, with the failure gone.
pub(super) fn of_second(seen: &Observation) -> Verdict {
    match seen.ending {
        ClientEnding::Hung => Verdict::Hung,
        ClientEnding::Crashed => Verdict::Crashed,
        ClientEnding::Success if seen.holds == PasswordKind::Old => Verdict::FalseSuccess,
        _ if seen.knows => Verdict::Recovered,
        _ => Verdict::Lost,
    }
}

/// Says in a sentence why a scenario ended so, of the last run that was made; `missing` are the failures that did not happen.
pub(super) fn sentence(
    verdict: Verdict,
    task: Task,
    seen: &Observation,
    missing: &[String],
) -> String {
    let holds = seen.holds.name();
    match verdict {
        Verdict::Crashed => format!("The client crashed: {}.", seen.words),
        Verdict::FalseSuccess if task == Task::Verify => {
            "The client reports success, but no whole answer said that the password is valid."
                .to_owned()
        }
        Verdict::FalseSuccess => {
            "The client reports success, but the appliance still holds the old password.".to_owned()
        }
        Verdict::Hung => format!("The client did not end: {}.", seen.words),
        Verdict::Kept if seen.ending == ClientEnding::Success => {
            "The client reports what an answer said: the password is valid.".to_owned()
        }
        Verdict::Kept => "The client reports a failure, and the old password is valid.".to_owned(),
        Verdict::Lost if task == Task::Verify => {
            "The client changed the password, which it was to verify.".to_owned()
        }
        Verdict::Lost if seen.holds == PasswordKind::Other && seen.believes == seen.holds => {
            "The appliance holds another password than the one that the client believes in."
                .to_owned()
        }
        Verdict::Lost => {
            let believes = seen.believes.name();
            format!(
                "The appliance holds the {holds} password, and the client believes in the {believes} one."
            )
        }
        Verdict::NotReached => {
            let missing = missing.join(", ");
            format!("This failure did not happen: {missing}. Nothing is known.")
        }
        Verdict::Recovered => "The client's next run found the valid password.".to_owned(),
        Verdict::Rotated if seen.holds == PasswordKind::Other => {
            "A password of the client's own making is valid, and the client knows it.".to_owned()
        }
        Verdict::Rotated => format!("The {holds} password is valid, and the client knows it."),
    }
}

#[cfg(test)]
mod tests {
    use ClientEnding::{Crashed, Failure, Hung, Success};
    use PasswordKind::{New, Old, Other};
    use rstest::rstest;

    use super::*;

    fn seen(ending: ClientEnding, holds: PasswordKind, knows: bool) -> Observation {
        Observation {
            ending,
            words: "exit 1".to_owned(),
            holds,
            believes: if knows { holds } else { Other },
            knows,
            was_authenticated: false,
        }
    }

    #[rstest]
    #[case::changed(Success, New, true, Some(Verdict::Rotated))]
    #[case::changed_by_its_own(Success, Other, true, Some(Verdict::Rotated))]
    #[case::another_than_it_says(Success, Other, false, None)]
    #[case::wrong_belief(Success, New, false, None)]
    #[case::nothing_changed(Success, Old, false, Some(Verdict::FalseSuccess))]
    #[case::nothing_changed_and_known(Success, Old, true, Some(Verdict::FalseSuccess))]
    #[case::failed(Failure, Old, true, Some(Verdict::Kept))]
    #[case::failed_with_wrong_belief(Failure, Old, false, None)]
    #[case::changed_nevertheless(Failure, New, true, None)]
    #[case::hung(Hung, New, true, Some(Verdict::Hung))]
    #[case::crashed(Crashed, Old, true, Some(Verdict::Crashed))]
    fn a_first_run_is_judged(
        #[case] ending: ClientEnding,
        #[case] holds: PasswordKind,
        #[case] knows: bool,
        #[case] expected: Option<Verdict>,
    ) {
        let seen = seen(ending, holds, knows);
        assert_eq!(of_first(Task::Change, &seen), expected);
    }

    #[rstest]
    #[case::found(Success, New, true, Verdict::Recovered)]
    #[case::failed_and_found(Failure, Old, true, Verdict::Recovered)]
    #[case::found_its_own(Success, Other, true, Verdict::Recovered)]
    #[case::two_that_are_unknown(Success, Other, false, Verdict::Lost)]
    #[case::lost(Failure, New, false, Verdict::Lost)]
    #[case::false_again(Success, Old, false, Verdict::FalseSuccess)]
    #[case::hung(Hung, New, true, Verdict::Hung)]
    fn a_second_run_is_judged(
        #[case] ending: ClientEnding,
        #[case] holds: PasswordKind,
        #[case] knows: bool,
        #[case] expected: Verdict,
    ) {
        assert_eq!(of_second(&seen(ending, holds, knows)), expected);
    }

    #[test]
    fn two_unknown_passwords_differ() {
        let text = sentence(
            Verdict::Lost,
            Task::Change,
            &seen(Failure, Other, false),
            &[],
        );
        let expected =
            "The appliance holds another password than the one that the client believes in.";
        assert_eq!(text, expected);
    }
}

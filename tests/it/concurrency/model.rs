//! The model: one password a user, changed at one moment within each request. Tells whether a history of answers can be its.

use std::collections::HashMap;

/// A moment in the order in which the test saw requests begin and answers arrive.
pub(crate) type Tick = u64;

/// A request on one user's password, with its answer.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) ask: Ask,
    /// When it was sent.
    pub(crate) from: Tick,
    /// When it was answered.
    pub(crate) to: Tick,
    /// Whether the answer was a success.
    pub(crate) yes: bool,
}

/// What was asked for. New passwords are never used twice.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// A change by the user, from one password to another.
    Change(String, String),
    /// A change by the administrator, of which a user has one, who waits for each answer.
    Force(String),
    /// A validation.
    Validate(String),
}

/// How much of each a history held: to see that it was no empty one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) changed: usize,
    pub(crate) forced: usize,
    pub(crate) refused: usize,
    pub(crate) right: usize,
    pub(crate) wrong: usize,
}

/// Finds an order of changes that explains every answer.
///
/// Successful changes must form one chain without forks. Then each password came to hold at some moment of its change, after
/// the one before it, and no answer may contradict all such moments.
pub(crate) fn explain(initial: &str, events: &[Event]) -> Result<Tally, String> {
    let chain = chain(initial, events)?;
    let places: HashMap<&str, usize> = chain
        .iter()
        .enumerate()
        .map(|(place, link)| (link.password, place))
        .collect();
    if places.len() < chain.len() {
        return Err("a password was used twice: the test is wrong".to_owned());
    }
    let moments = Moments::of(&chain, &places, events)?;
    for event in events.iter().filter(|event| !event.yes) {
        let (Ask::Change(password, _) | Ask::Validate(password)) = &event.ask else {
            return Err(format!("the administrator was refused: {event:?}"));
        };
        if places
            .get(password.as_str())
            .is_some_and(|place| moments.held_throughout(*place, event))
        {
            return Err(format!(
                "refused although the password held all the time: {event:?}"
            ));
        }
    }
    Ok(tally(events))
}

/// A password that held, and the request that made it hold; none did for the first.
struct Link<'a> {
    password: &'a str,
    from: Tick,
    to: Tick,
}

fn chain<'a>(initial: &'a str, events: &'a [Event]) -> Result<Vec<Link<'a>>, String> {
    let mut next: HashMap<&str, (&Event, &str)> = HashMap::new();
    let mut forced: Vec<(&Event, &str)> = Vec::new();
    for event in events.iter().filter(|event| event.yes) {
        match &event.ask {
            Ask::Change(old, new) => {
                if let Some((first, _)) = next.insert(old, (event, new)) {
                    return Err(format!(
                        "two changes from one password: {first:?} and {event:?}"
                    ));
                }
            }
            Ask::Force(new) => forced.push((event, new)),
            Ask::Validate(_) => {}
        }
    }
    forced.sort_by_key(|(event, _)| event.from);
    let mut forced = forced.into_iter();
    let mut chain = vec![Link {
        password: initial,
        from: 0,
        to: 0,
    }];
    let mut last = initial;
    while let Some((event, new)) = next.remove(last).or_else(|| forced.next()) {
        chain.push(Link {
            password: new,
            from: event.from,
            to: event.to,
        });
        last = new;
    }
    match next.into_values().next() {
        Some((event, _)) => Err(format!(
            "a change from a password that did not hold: {event:?}"
        )),
        None => Ok(chain),
    }
}

/// The earliest and the latest moment at which each link can have come to hold.
struct Moments {
    earliest: Vec<Tick>,
    latest: Vec<Tick>,
}

impl Moments {
    fn of(
        chain: &[Link<'_>],
        places: &HashMap<&str, usize>,
        events: &[Event],
    ) -> Result<Moments, String> {
        let mut earliest: Vec<Tick> = chain.iter().map(|link| link.from).collect();
        let mut latest: Vec<Tick> = chain.iter().map(|link| link.to).collect();
        for event in events.iter().filter(|event| event.yes) {
            let Ask::Validate(password) = &event.ask else {
                continue;
            };
            let Some(&place) = places.get(password.as_str()) else {
                return Err(format!("a password that never held is right: {event:?}"));
            };
            latest[place] = latest[place].min(event.to);
            if let Some(next) = earliest.get_mut(place + 1) {
                *next = (*next).max(event.from);
            }
        }
        for place in 1..chain.len() {
            earliest[place] = earliest[place].max(earliest[place - 1]);
        }
        for place in (1..chain.len()).rev() {
            latest[place - 1] = latest[place - 1].min(latest[place]);
        }
        match (0..chain.len()).find(|place| earliest[*place] > latest[*place]) {
            Some(place) => Err(format!(
                "no moment at which `{}` can have come to hold explains the answers",
                chain[place].password
            )),
            None => Ok(Moments { earliest, latest }),
        }
    }

    fn held_throughout(&self, place: usize, event: &Event) -> bool {
        self.latest[place] <= event.from
            && self
                .earliest
                .get(place + 1)
                .is_none_or(|end| event.to <= *end)
    }
}

fn tally(events: &[Event]) -> Tally {
    let mut tally = Tally::default();
    for event in events {
        *match (&event.ask, event.yes) {
            (Ask::Change(..), true) => &mut tally.changed,
            (Ask::Force(_), _) => &mut tally.forced,
            (Ask::Change(..), false) => &mut tally.refused,
            (Ask::Validate(_), true) => &mut tally.right,
            (Ask::Validate(_), false) => &mut tally.wrong,
        } += 1;
    }
    tally
}

mod tests {
    use rstest::rstest;

    use super::*;

    fn change(old: &str, new: &str, from: Tick, to: Tick, yes: bool) -> Event {
        Event {
            ask: Ask::Change(old.to_owned(), new.to_owned()),
            from,
            to,
            yes,
        }
    }

    fn force(new: &str, from: Tick, to: Tick) -> Event {
        Event {
            ask: Ask::Force(new.to_owned()),
            from,
            to,
            yes: true,
        }
    }

    fn validate(password: &str, from: Tick, to: Tick, yes: bool) -> Event {
        Event {
            ask: Ask::Validate(password.to_owned()),
            from,
            to,
            yes,
        }
    }

    #[rstest]
    #[case::one_after_another(vec![change("a", "b", 1, 2, true), change("b", "c", 3, 4, true), change("b", "d", 5, 6, false)])]
    #[case::answers_cross(vec![change("a", "b", 1, 6, true), change("b", "c", 2, 3, true), validate("c", 4, 5, true)])]
    #[case::either_holds_while_it_changes(vec![change("a", "b", 1, 6, true), validate("a", 2, 3, true), validate("b", 4, 5, true), validate("a", 7, 8, false)])]
    #[case::forced_amid_changes(vec![change("a", "b", 1, 2, true), force("c", 3, 4), change("b", "x", 5, 6, false), change("c", "d", 7, 8, true)])]
    #[case::refused_while_it_changes(vec![change("a", "b", 1, 6, true), validate("a", 2, 3, false)])]
    fn a_history_that_can_be(#[case] events: Vec<Event>) {
        assert!(explain("a", &events).is_ok(), "{:?}", explain("a", &events));
    }

    #[rstest]
    #[case::a_fork(vec![change("a", "b", 1, 4, true), change("a", "c", 2, 3, true)], "two changes")]
    #[case::from_nowhere(vec![change("x", "b", 1, 2, true)], "did not hold")]
    #[case::never_set(vec![validate("x", 1, 2, true)], "never held")]
    #[case::lost(vec![change("a", "b", 1, 2, true), validate("b", 3, 4, false)], "all the time")]
    #[case::stale(vec![change("a", "b", 1, 2, true), validate("a", 3, 4, true)], "no moment")]
    #[case::refused_for_nothing(vec![change("a", "b", 1, 2, false)], "all the time")]
    #[case::too_early(vec![change("b", "c", 1, 2, true), change("a", "b", 3, 4, true)], "no moment")]
    #[case::back_again(vec![change("a", "b", 1, 8, true), validate("b", 2, 3, true), validate("a", 4, 5, true)], "no moment")]
    #[case::forced_and_lost(vec![force("b", 1, 2), force("c", 3, 4), validate("b", 5, 6, true)], "no moment")]
    fn a_history_that_cannot_be(#[case] events: Vec<Event>, #[case] expected: &str) {
        let error = explain("a", &events).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

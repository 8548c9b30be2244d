use super::*;
use crate::{contract::Outcome, journal::Findings};

fn arrival(body: usize) -> Arrival {
    let request = http::Request::post("/a").body(()).unwrap();
    Arrival {
        at_ns: 0,
        wall: Wall::default(),
        source: [127, 0, 0, 1].into(),
        connection: 1,
        operation: None,
        outcome: Outcome::UnknownPath,
        reason: None,
        failure: None,
        changed: false,
        findings: Findings::unlawful(),
        request: Recorded::new(
            request.method(),
            request.uri(),
            request.headers(),
            &vec![b'x'; body],
        ),
    }
}

impl Leaves {
    /// How much room there is, for entries that are held and others.
    fn room(&self) -> usize {
        let leaves = self
            .past
            .full
            .iter()
            .map(|(_, leaf)| leaf)
            .chain([&self.open])
            .chain(&self.past.blank);
        leaves
            .map(|leaf| leaf.entries.capacity() * size_of::<Held>() + leaf.bytes.capacity())
            .sum()
    }
}

#[test]
fn there_is_no_more_room_than_twice_what_is_held_and_a_few_leaves() {
    let mut leaves = Leaves::default();
    let mut held = 0;
    let bodies = |number: usize| if number < 400 { number % 7 * 700 } else { 0 };
    for number in 0..800 {
        held += leaves.push(arrival(bodies(number))).1;
        if leaves.len() > 100 {
            held -= leaves.drop_oldest().unwrap();
        }
        assert_eq!(
            held,
            leaves.iter().map(|(_, held)| held.weight()).sum::<usize>()
        );
        assert!(
            leaves.room() <= 2 * held + 4 * MOST * (size_of::<Held>() + USUAL_BYTES),
            "{number}: {} for {held}",
            leaves.room()
        );
    }
    while leaves.drop_oldest().is_some() {}
    assert_eq!(leaves.clear(), 800);
}

#[test]
fn an_entry_is_found_by_its_number_as_long_as_it_is_held() {
    let mut leaves = Leaves::default();
    for number in 1..=200 {
        assert_eq!(leaves.push(arrival(0)).0, number);
        if leaves.len() > 50 {
            leaves.drop_oldest();
        }
        for wanted in 0..=number + 1 {
            let expected = (number.saturating_sub(49).max(1)..=number)
                .contains(&wanted)
                .then_some(wanted);
            assert_eq!(leaves.get(wanted).map(|(_, held)| held.0.number), expected);
            assert_eq!(leaves.get_mut(wanted).map(|held| held.0.number), expected);
        }
    }
    assert_eq!((leaves.clear(), leaves.len()), (200, 0));
    assert_eq!(
        (
            leaves.push(arrival(0)).0,
            leaves.oldest().map(|held| held.0.number)
        ),
        (201, Some(201))
    );
}

#[test]
fn nothing_of_a_request_is_formatted() {
    let mut leaves = Leaves::default();
    leaves.push(arrival(9));
    assert!(!format!("{leaves:?}").contains('x'));
}

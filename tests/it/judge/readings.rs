//! A capture of an appliance under every reading: no answer is called a deviation, and the profile is the one that was served, as far as
//! the requests can show it.

use std::collections::BTreeSet;

use d4iot_double::{
    contract,
    contract::{Kind, Readings},
    report::TargetSummary,
    suite::{Case, Need, cases},
};
use rstest::rstest;

use super::recorder::{Recorded, case, har, judge};
use crate::{readings::is_of_part, sample::sample};

/// Facts that show only to who knows the users: what state they are in, what role they have, which of two faults is named first.
const NOT_SHOWN: [&str; 7] = [
    ".on_",
    ".order",
    ".roles",
    // Sent before a request is read: no recorder has them.
    "any.bad_request.",
    "any.head_too_large.",
    "any.request_timeout.",
    "any.lock_minutes",
];

#[rstest]
fn every_reading_is_the_one_that_was_served(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[values(
        "any.on_",
        "any.",
        "set_password.",
        "set_password_by_admin.",
        "validation."
    )]
    part: &str,
) {
    let (mut faults, mut unseen) = (Vec::new(), BTreeSet::new());
    let facts = contract::of(kind).facts();
    let facts = facts.iter().filter(|entry| is_of_part(&entry.name, part));
    let all = facts.flat_map(|entry| entry.readings.iter().map(move |reading| (entry, reading)));
    for (entry, reading) in sample(all, 1, 4) {
        let mut readings = Readings::default();
        readings
            .choose(contract::of(kind), &entry.name, reading.name)
            .unwrap();
        let is_about = |case: &Case| case.covers(contract::of(kind)).contains(&entry.name);
        let Ok([target]) = judged(kind, &readings, is_about) else {
            _ = unseen.insert(entry.name.clone());
            continue;
        };
        faults.extend(wrong(kind, &target, &readings));
        let followed = target
            .profile
            .iter()
            .find(|followed| followed.fact == entry.name);
        match followed {
            Some(followed) if followed.readings[0] == reading.name => {}
            // What is not in a profile is served by default.
            None if reading.name == entry.readings[0].name => {}
            _ if entry.readings.len() == 1 => {}
            _ => _ = unseen.insert(entry.name.clone()),
        }
    }
    unseen.retain(|fact| !NOT_SHOWN.iter().any(|point| fact.contains(point)));
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults[..faults.len().min(20)].join("\n")
    );
    assert_eq!(unseen, BTreeSet::new());
}

#[rstest]
fn all_requests_of_the_suite_are_as_documented(#[values(Kind::Console, Kind::Sensor)] kind: Kind) {
    let [target] = judged(kind, &Readings::default(), |_| true).unwrap();
    assert_eq!(
        wrong(kind, &target, &Readings::default()),
        Vec::<String>::new()
    );
    assert!(target.counts.documented > 250, "{:?}", target.counts);
}

/// Judges the requests of some cases of the suite, but those of the documents' own users, of whom each case makes the same ones anew.
fn judged(
    kind: Kind,
    readings: &Readings,
    is_wanted: impl Fn(&Case) -> bool,
) -> Result<[TargetSummary; 1], Vec<TargetSummary>> {
    let all = cases::all().iter().map(|located| &located.case);
    let all = all.filter(|case| case.kinds.contains(&kind) && !case.needs.contains(&Need::Page));
    let all = all.filter(|case| is_wanted(case)).enumerate();
    let recorded = all.map(|(number, one)| case(kind, readings, one, &format!("u{number}-")));
    let recorded: Vec<Recorded> = recorded.flatten().collect();
    judge(kind, &har("sensor.lab", &recorded))
        .targets
        .try_into()
}

/// Deviations, contradictions, and facts of which the profile does not have what was served.
fn wrong(kind: Kind, target: &TargetSummary, served: &Readings) -> Vec<String> {
    let name = |text: String| format!("{kind} {:?}: {text}", served.iter().collect::<Vec<_>>());
    let failed = target.cases.iter().filter(|case| case.failed);
    let failed = failed.map(|case| {
        let exchange = &case.exchanges[0];
        format!(
            "{} {}: {}\n  {}\n  {}",
            case.id,
            case.title,
            case.reason(),
            exchange.curl,
            exchange.body
        )
    });
    let inconsistent = target.inconsistent.iter().map(|found| format!("{found:?}"));
    let facts = contract::of(kind).facts();
    let other = target.profile.iter().filter(|followed| {
        let entry = facts
            .iter()
            .find(|entry| entry.name == followed.fact)
            .unwrap();
        let is = served.of(&followed.fact).unwrap_or(entry.readings[0].name);
        !followed.readings.iter().any(|reading| reading == is) || !followed.other.is_empty()
    });
    let other = other.map(|it| format!("{} is {:?} {:?}", it.fact, it.readings, it.other));
    failed.chain(inconsistent).chain(other).map(name).collect()
}

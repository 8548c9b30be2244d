//! Which calls are fired, counted by hand.

use rstest::rstest;

use super::*;
use crate::failure::TlsFailure;

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
const CALL: Call<'static> = Call {
    outcome: None,
    operation: Some(Operation::Validation),
    user: Some("a"),
    source: HERE,
    connection: 1,
    now: Moment(Duration::ZERO),
};

fn mode(name: &str, when: When) -> FailureMode {
    FailureMode {
        name: name.into(),
        on: None,
        user: None,
        when,
        action: Arc::default(),
        armed: true,
        written: Arc::default(),
    }
}

fn schedule(when: When) -> Schedule {
    Schedule::new(vec![mode("m", when)], 7)
}

/// Returns which of the first calls are fired.
fn fired(schedule: &mut Schedule, calls: u64) -> Vec<u64> {
    (1..=calls)
        .filter(|_| schedule.request(&CALL).is_some())
        .collect::<Vec<_>>()
}

#[rstest]
#[case::always(When::default(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])]
#[case::times(When { times: Some(2), ..When::default() }, &[1, 2])]
#[case::calls(When { calls: vec![1, 3], ..When::default() }, &[1, 3])]
#[case::after(When { after: Some(8), ..When::default() }, &[9, 10])]
#[case::every(When { every: Some(5), ..When::default() }, &[5, 10])]
#[case::never_by_chance(When { rate: Some(0.0), ..When::default() }, &[])]
#[case::always_by_chance(When { rate: Some(1.0), after: Some(9), ..When::default() }, &[10])]
#[case::all_must_hold(When { after: Some(2), every: Some(2), times: Some(2), ..When::default() }, &[4, 6])]
fn it_fires(#[case] when: When, #[case] expected: &[u64]) {
    assert_eq!(fired(&mut schedule(when), 10), expected);
}

#[test]
fn a_span_holds_its_beginning_and_not_its_end() {
    let during = During {
        from: Duration::from_secs(10),
        length: Duration::from_secs(5),
    };
    let mut schedule = schedule(When {
        during: Some(during),
        ..When::default()
    });
    let mut at = |milliseconds| {
        schedule
            .request(&Call {
                now: Moment(Duration::from_millis(milliseconds)),
                ..CALL
            })
            .is_some()
    };
    assert_eq!(
        [9_999, 10_000, 14_999, 15_000].map(&mut at),
        [false, true, true, false]
    );
}

#[test]
fn every_mode_counts_what_it_admits_and_the_first_fires() {
    let first = mode(
        "first",
        When {
            every: Some(2),
            ..When::default()
        },
    );
    let second = FailureMode {
        on: Some(vec![Operation::Validation]),
        ..mode(
            "second",
            When {
                times: Some(2),
                ..When::default()
            },
        )
    };
    let other = FailureMode {
        on: Some(vec![Operation::SetPassword]),
        ..mode("other", When::default())
    };
    let someone = FailureMode {
        user: Some("b".into()),
        ..mode("someone", When::default())
    };
    let unarmed = FailureMode {
        armed: false,
        ..mode("unarmed", When::default())
    };
    let mut schedule = Schedule::new(vec![unarmed, other, someone, first, second], 7);
    let fired: Vec<_> = (0..5)
        .map(|_| {
            schedule
                .request(&CALL)
                .map(|trigger| (trigger.mode.to_string(), trigger.ordinal))
        })
        .collect();
    let name = |name: &str, ordinal| Some((name.to_owned(), ordinal));
    assert_eq!(
        fired,
        [
            name("second", 1),
            name("first", 2),
            name("second", 3),
            name("first", 4),
            None
        ]
    );
    let counted: Vec<_> = schedule
        .counters()
        .into_iter()
        .map(|counter| (counter.mode, counter.seen, counter.fired))
        .collect();
    let expected = [
        ("unarmed", 0, 0),
        ("other", 0, 0),
        ("someone", 0, 0),
        ("first", 5, 2),
        ("second", 5, 2),
    ];
    assert_eq!(
        counted,
        expected.map(|(name, seen, fired)| (name.to_owned(), seen, fired))
    );
}

#[rstest]
#[case::appliance(Per::Appliance, 1)]
#[case::connection(Per::Connection, 3)]
#[case::source(Per::Source, 2)]
#[case::user(Per::User, 4)]
fn it_counts_per(#[case] per: Per, #[case] scopes: usize) {
    let mut schedule = schedule(When {
        per,
        times: Some(1),
        ..When::default()
    });
    let there: IpAddr = "10.0.0.1".parse().unwrap();
    let long = "x".repeat(200);
    let calls = [
        CALL,
        Call {
            user: Some("b"),
            connection: 2,
            ..CALL
        },
        Call {
            user: None,
            source: there,
            connection: 3,
            ..CALL
        },
        Call {
            user: Some(&long),
            source: there,
            connection: 3,
            ..CALL
        },
    ];
    let twice: Vec<bool> = calls
        .iter()
        .chain(&calls)
        .map(|call| schedule.request(call).is_some())
        .collect();
    assert_eq!(twice.iter().filter(|fired| **fired).count(), scopes);
    let kept = schedule.modes[0].scopes.keys().map(String::len);
    assert!(kept.max().unwrap_or(0) <= MAX_NAME);
}

#[test]
fn what_a_connection_counted_goes_with_it() {
    let mut schedule = schedule(When {
        per: Per::Connection,
        times: Some(1),
        ..When::default()
    });
    assert!(schedule.request(&CALL).is_some() && schedule.request(&CALL).is_none());
    schedule.connection_closed(CALL.connection);
    assert!(schedule.modes[0].scopes.is_empty() && schedule.request(&CALL).is_some());
}

#[test]
fn no_more_scopes_are_kept_than_the_most() {
    let mut schedule = schedule(When {
        per: Per::Connection,
        ..When::default()
    });
    let fired = (0..MAX_SCOPES as u64 + 10)
        .filter(|connection| {
            schedule
                .request(&Call {
                    connection: *connection,
                    ..CALL
                })
                .is_some()
        })
        .count();
    assert_eq!(
        (fired, schedule.modes[0].scopes.len()),
        (MAX_SCOPES, MAX_SCOPES)
    );
}

#[test]
fn modes_of_connections_and_of_requests_count_apart() {
    let tls = FailureMode {
        action: Arc::new(FailureAction {
            tls: Some(TlsFailure::default()),
            ..FailureAction::default()
        }),
        ..mode(
            "greeting",
            When {
                times: Some(1),
                ..When::default()
            },
        )
    };
    let mut schedule = Schedule::new(vec![tls, mode("request", When::default())], 7);
    assert_eq!(&*schedule.request(&CALL).unwrap().mode, "request");
    assert_eq!(
        &*schedule
            .connection(HERE, 1, Moment::default())
            .unwrap()
            .mode,
        "greeting"
    );
    assert!(schedule.connection(HERE, 2, Moment::default()).is_none());
    assert_eq!(
        schedule
            .counters()
            .iter()
            .map(|counter| counter.seen)
            .collect::<Vec<_>>(),
        [2, 1]
    );
}

#[test]
fn chance_depends_on_the_seed_and_on_nothing_else() {
    let rate = When {
        rate: Some(0.3),
        ..When::default()
    };
    let decisions = |seed| {
        fired(
            &mut Schedule::new(vec![mode("flaky", rate.clone())], seed),
            10_000,
        )
    };
    let (one, again, other) = (decisions(1), decisions(1), decisions(2));
    assert!(one == again && one != other);
    let error = (10_000.0 * 0.3 * 0.7_f64).sqrt();
    for count in [one.len(), other.len()] {
        assert!((count as f64 - 3_000.0).abs() < 3.0 * error, "{count}");
    }
}

#[test]
fn a_mode_that_is_disarmed_counts_nothing() {
    let mut schedule = schedule(When {
        times: Some(1),
        ..When::default()
    });
    assert!(schedule.arm("m", false) && !schedule.arm("n", true));
    assert!(schedule.request(&CALL).is_none());
    schedule.arm("m", true);
    assert!(schedule.request(&CALL).is_some() && schedule.request(&CALL).is_none());
    assert_eq!(
        schedule.counters(),
        [Counter {
            mode: "m".into(),
            armed: true,
            seen: 2,
            fired: 1
        }]
    );
}

#[test]
fn modes_come_and_go_by_name() {
    let mut schedule = schedule(When::default());
    assert!(!schedule.add(mode("m", When::default())) && schedule.add(mode("n", When::default())));
    assert!(schedule.remove("m") && !schedule.remove("m"));
    assert_eq!(&*schedule.request(&CALL).unwrap().mode, "n");
}

#[rstest]
#[case::by_the_clock(When { during: Some(SPAN), ..When::default() }, true)]
#[case::a_few_times(When { during: Some(SPAN), times: Some(1), ..When::default() }, true)]
#[case::by_connections(When { during: Some(SPAN), after: Some(1), ..When::default() }, false)]
#[case::by_calls(When { during: Some(SPAN), calls: vec![1], ..When::default() }, false)]
#[case::by_chance(When { during: Some(SPAN), rate: Some(0.5), ..When::default() }, false)]
#[case::always(When::default(), false)]
fn the_port_is_closed_by_the_clock_where_nothing_is_counted(
    #[case] when: When,
    #[case] expected: bool,
) {
    let down = Duration::from_secs(2);
    let failure = FailureMode {
        action: Arc::new(FailureAction {
            down: Some(down),
            ..FailureAction::default()
        }),
        ..mode("down", when)
    };
    let mut schedule = Schedule::new(
        vec![
            failure,
            mode(
                "other",
                When {
                    during: Some(SPAN),
                    ..When::default()
                },
            ),
        ],
        7,
    );
    let scheduled_outages: Vec<_> = schedule
        .scheduled_outages()
        .into_iter()
        .map(|(name, during, down)| (name.to_string(), during, down))
        .collect();
    assert_eq!(
        scheduled_outages,
        if expected {
            vec![("down".to_owned(), SPAN, down)]
        } else {
            Vec::new()
        }
    );
    schedule.fired_by_clock("down");
    assert_eq!(schedule.counters()[0].fired, 1);
}

const SPAN: During = During {
    from: Duration::from_secs(1),
    length: Duration::from_secs(5),
};

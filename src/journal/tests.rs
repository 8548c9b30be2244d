use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, StatusCode};

use super::*;
use crate::{
    appliance::{Moment, Reason, Rules},
    clock,
    contract::{Condition, Kind, Operation, Outcome},
    redact::{Fingerprints, Redactor},
};

fn now() -> Instant {
    clock::instant()
}

fn arrival(path: &str, body: &str) -> EntryData {
    let request = Request::post(path)
        .header("authorization", "Bearer Old12345!")
        .header("user-agent", "abc Old12345!")
        .body(())
        .unwrap();
    let line = (request.method(), request.uri(), request.version());
    let recorded = RecordedRequest::new(line, request.headers(), body.as_bytes());
    EntryData {
        at: Moment(Duration::from_millis(1500)),
        instant: now(),
        time: SystemTime::UNIX_EPOCH + Duration::from_millis(1500),
        source: [127, 0, 0, 1].into(),
        connection: 3,
        user: named_user(body.as_bytes()).map(Into::into),
        class: EntryClass {
            operation: Some(Operation::Validation),
            outcome: Some(Outcome::Authenticated),
            judged: Outcome::Authenticated,
            failure: None,
            connection_failure: None,
        },
        reason: Some(Reason::AllHolds),
        changed: false,
        findings: Finding::all_in(&request.map(|()| body.to_owned().into()), None),
        request: recorded,
    }
}

fn ok() -> SentAnswer {
    SentAnswer {
        content_type: None,
        status: StatusCode::OK,
        body: r#"{"msg": "for Known1234!"}"#.into(),
    }
}

pub(super) fn plain() -> EntryData {
    arrival(
        "/api/external/authentication/validation",
        r#"{"username": "test", "password": "Old12345!"}"#,
    )
}

fn view(arrival: EntryData) -> EntryView {
    let mut journal = BoundedJournal::default();
    journal.push(arrival);
    view_of(&journal)
}

fn view_of(journal: &BoundedJournal) -> EntryView {
    let redactor = Redactor::of_secrets(["Known1234!"], &BTreeSet::new());
    let rules = Rules::with_defaults(Kind::Sensor);
    let reader = JournalRedactor::new(&rules, Fingerprints::new([1; 16]), redactor);
    journal
        .newest(&EntryFilter::default())
        .take(1)
        .map(|entry| reader.view(entry))
        .next()
        .unwrap()
}

#[test]
fn the_oldest_entries_are_dropped_and_counted() {
    let mut journal = BoundedJournal::with_bounds(Bounds {
        entries: 3,
        bytes: 1 << 20,
    });
    for _ in 0..10 {
        journal.push(plain());
    }
    assert_eq!(
        (
            journal.entries.len(),
            journal.dropped(),
            journal.count(&EntryFilter::default())
        ),
        (3, 7, 10)
    );
    assert_eq!(
        journal
            .newest(&EntryFilter::default())
            .take(2)
            .map(|entry| entry.number)
            .collect::<Vec<_>>(),
        [10, 9]
    );
}

#[test]
fn bytes_are_bounded_and_the_newest_is_kept_however_large() {
    let large = arrival("/", &"x".repeat(4000));
    let mut journal = BoundedJournal::with_bounds(Bounds {
        entries: 100,
        bytes: 10_000,
    });
    for _ in 0..10 {
        journal.push(large.clone());
        assert!(journal.bytes <= 10_000);
    }
    assert_eq!((journal.entries.len(), journal.dropped()), (2, 8));
    let mut tiny = BoundedJournal::with_bounds(Bounds {
        entries: 100,
        bytes: 1,
    });
    tiny.push(large.clone());
    tiny.push(large);
    assert_eq!((tiny.entries.len(), tiny.dropped()), (1, 1));
    assert!(tiny.drop_oldest() > 4000);
    assert_eq!((tiny.bytes, tiny.entries.len()), (0, 0));
    assert_eq!(tiny.drop_oldest(), 0);
}

#[test]
fn counts_follow_an_entry_that_was_dropped() {
    let mut journal = BoundedJournal::with_bounds(Bounds {
        entries: 1,
        bytes: 1 << 20,
    });
    let tickets = [
        journal.push(plain()),
        journal.push(EntryData {
            class: EntryClass {
                outcome: None,
                failure: Some(Arc::from("slow")),
                ..plain().class
            },
            ..plain()
        }),
    ];
    let wanted = |state| EntryFilter {
        state: Some(state),
        operation: Some(Operation::Validation),
        ..EntryFilter::default()
    };
    assert_eq!(journal.count(&wanted(Progress::Open)), 2);
    journal.complete(&tickets[0], ok(), Progress::Done, now());
    journal.complete(&tickets[1], ok(), Progress::Cut, now());
    let counts = [
        Progress::Open,
        Progress::Done,
        Progress::Cut,
        Progress::Left,
    ]
    .map(|state| journal.count(&wanted(state)));
    assert_eq!(counts, [0, 1, 1, 0]);
    let slow = EntryFilter {
        failure: Some("slow".into()),
        ..EntryFilter::default()
    };
    assert_eq!(
        (
            journal.count(&slow),
            journal.count(&EntryFilter {
                outcome: Some(Outcome::LockedOut),
                ..EntryFilter::default()
            })
        ),
        (1, 0)
    );
    assert_eq!(
        journal
            .newest(&slow)
            .take(9)
            .map(|entry| (entry.progress, entry.sent.as_ref().map(|sent| sent.status)))
            .collect::<Vec<_>>(),
        [(Progress::Cut, Some(StatusCode::OK))]
    );
}

#[test]
fn entry_shows_time_version_and_answer_without_passwords() {
    let mut journal = BoundedJournal::default();
    let id = journal.push(plain());
    let before = journal.bytes;
    journal.complete(&id, ok(), Progress::Done, now());
    assert_eq!(journal.bytes, before + ok().body.len());

    let view = view_of(&journal);

    assert_eq!(view.time, "1970-01-01T00:00:01.500Z");
    assert_eq!(view.request.version, "HTTP/1.1");
    assert_eq!(view.answer.unwrap(), r#"{"msg": "for «secret»"}"#);
}

#[test]
fn entries_are_chosen_by_user_and_path() {
    let mut journal = BoundedJournal::default();
    journal.push(plain());
    journal.push(arrival("/other?a=b", r#"{"username": "lab"}"#));
    journal.push(arrival("/other", "no JSON"));
    let count = |user: Option<&str>, path: Option<&str>| {
        journal.count(&EntryFilter {
            user: user.map(str::to_owned),
            path: path.map(str::to_owned),
            ..EntryFilter::default()
        })
    };
    assert_eq!(count(Some("test"), None), 1);
    assert_eq!(count(None, Some("/other")), 2);
    assert_eq!(count(Some("lab"), Some("/other")), 1);
    assert_eq!(count(Some("test"), Some("/other")), 0);
}

#[test]
fn clear_restarts_counts_without_open_entries() {
    let mut journal = BoundedJournal::default();
    let before = journal.push(plain());
    journal.clear();
    assert_eq!((journal.entries.len(), journal.bytes), (0, 0));
    assert_eq!(journal.count(&EntryFilter::default()), 0);
    journal.complete(&before, ok(), Progress::Done, now());
    assert_eq!(journal.count(&EntryFilter::default()), 0);
    let after = journal.push(plain());
    journal.complete(&after, ok(), Progress::Done, now());
    assert_eq!(
        (journal.count(&EntryFilter::default()), journal.findings()),
        (1, vec![(Finding::Token, 1)])
    );
    assert_eq!(
        journal
            .newest(&EntryFilter::default())
            .take(9)
            .map(|entry| entry.number)
            .collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn a_view_shows_no_password_and_says_who_is_who() {
    let body = r#"{"username": "Known1234!", "password": "Old12345!", "x": "Old12345!"}"#;
    let view = view(arrival(
        "/api/external/authentication/validation?password=Else1234!",
        body,
    ));
    let text = serde_json::to_string_pretty(&view).unwrap();
    for secret in ["Known1234!", "Old12345!", "Else1234!"] {
        assert!(!text.contains(secret), "{text}");
    }
    let fingerprint = Fingerprints::new([1; 16]).of("Old12345!");
    assert_eq!(view.fingerprints["password"], fingerprint.as_str());
    assert_eq!(
        view.request.body,
        format!(
            r#"{{"username": "«secret»", "password": "«{fingerprint}»", "x": "«{fingerprint}»"}}"#
        )
    );
    assert_eq!(
        view.request.headers[1],
        ("user-agent".to_owned(), "abc «secret»".to_owned())
    );
    assert_eq!(
        (view.at_ms, view.state, view.user.as_deref()),
        (1500.0, "open", Some("«secret»"))
    );
    assert_eq!(
        view.findings
            .iter()
            .map(|finding| finding.name)
            .collect::<Vec<_>>(),
        ["credentials_in_url", "token"]
    );
}

#[test]
fn password_is_hidden_in_header_names_and_across_path_and_query() {
    let request = Request::post("/api/gone?1234&password=Old12345!")
        .header("gone?1234".replace('?', "."), "x")
        .body(())
        .unwrap();
    let arrival = EntryData {
        request: RecordedRequest::new(
            (request.method(), request.uri(), request.version()),
            request.headers(),
            b"",
        ),
        ..plain()
    };
    let mut journal = BoundedJournal::default();
    journal.push(arrival);
    let redactor = Redactor::of_secrets(["gone?1234", "gone.1234"], &BTreeSet::new());
    let rules = Rules::with_defaults(Kind::Sensor);
    let reader = JournalRedactor::new(&rules, Fingerprints::new([1; 16]), redactor);
    let view = reader.view(
        journal
            .newest(&EntryFilter::default())
            .take(1)
            .next()
            .unwrap(),
    );
    assert_eq!(view.request.headers[0].0, "«secret»");
    assert_eq!(
        view.request.target,
        format!(
            "/api/«secret»?«{}»",
            Fingerprints::new([1; 16]).of("1234&password=Old12345!")
        )
    );
}

#[test]
fn a_view_says_what_is_wrong_and_what_was_meant() {
    let body = r#"{"username": "test", "password": "a\!"}"#;
    let malformed = view(EntryData {
        findings: Finding::all_in(&Request::new(body.into()), Some(Condition::MalformedBody)),
        reason: Some(Reason::In(Condition::MalformedBody)),
        ..arrival("/api", body)
    });
    assert_eq!(malformed.findings.len(), 1);
    assert!(
        malformed.findings[0]
            .advice
            .ends_with("(invalid escape at line 1 column 37)"),
        "{:?}",
        malformed.findings
    );
    let missing = view(EntryData {
        findings: Finding::all_in(&Request::new("{}".into()), Some(Condition::MissingField)),
        ..arrival("/api", r#"{"username": "test"}"#)
    });
    assert!(
        missing.findings[0].advice.ends_with("(password)"),
        "{:?}",
        missing.findings
    );
    let elsewhere = view(EntryData {
        class: EntryClass {
            operation: None,
            outcome: Some(Outcome::UnknownPath),
            judged: Outcome::UnknownPath,
            ..plain().class
        },
        ..arrival("/external/authentication/validation", "")
    });
    assert!(
        elsewhere
            .suggestion
            .unwrap()
            .starts_with("this is the console's path of validation")
    );
}

#[test]
fn requests_are_kept_whole_wherever_they_lie() {
    let mut journal = BoundedJournal::with_bounds(Bounds {
        entries: 7,
        bytes: 1 << 20,
    });
    let body = |number: usize| {
        number
            .to_string()
            .repeat(number % 40 * if number < 300 { 50 } else { 1 })
    };
    for number in 1..=1000 {
        journal.push(arrival(&format!("/{number}"), &body(number)));
        for (entry, number) in journal
            .newest(&EntryFilter::default())
            .take(7)
            .zip((1..=number).rev())
        {
            let request = &entry.data.request;
            assert_eq!(
                (entry.number, request.method.as_str(), request.target()),
                (number as u64, "POST", format!("/{number}").as_str())
            );
            assert_eq!(
                (request.body(), request.headers().count()),
                (&body(number).as_bytes()[..body(number).len().min(4096)], 2)
            );
        }
    }
    while journal.drop_oldest() > 0 {}
    assert_eq!((journal.bytes, journal.entries.len()), (0, 0));
}

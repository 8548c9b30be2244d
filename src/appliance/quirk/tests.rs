//! Quirks by name, and that each shows where it says and nowhere else.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use http::HeaderValue;
use rstest::rstest;

use super::*;
use crate::{
    contract,
    contract::{Circumstance, Kind, Outcome, Readings},
    fixture,
};

fn answer(way: &str, on: Option<Operation>, path: &str, body: &str) -> String {
    let mut appliance = fixture::built_in(Kind::Sensor).appliance();
    let quirk = Quirk {
        way: way.parse().unwrap(),
        on,
    };
    appliance.rules = std::sync::Arc::new(
        Rules::new(contract::of(Kind::Sensor), &Readings::default()).with_quirk(quirk),
    );
    let mut request = Request::post(path)
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    request
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/json"));
    let (answer, _) =
        appliance.answer(&request, IpAddr::V4(Ipv4Addr::LOCALHOST), Moment::default());
    String::from_utf8(answer.body().to_vec()).unwrap()
}

#[test]
fn every_name_is_one_quirk_s() {
    let names: Vec<&str> = Way::names().collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| name.parse::<Way>().is_ok()));
    assert!(
        "no_such_quirk"
            .parse::<Way>()
            .unwrap_err()
            .contains("expected one of accept_honoured")
    );
}

#[rstest]
#[case::everywhere(None, true)]
#[case::where_it_says(Some(Operation::Validation), true)]
#[case::nowhere_else(Some(Operation::SetPassword), false)]
fn a_quirk_shows_where_it_says(#[case] on: Option<Operation>, #[case] shows: bool) {
    const VALIDATION: &str = "/api/external/authentication/validation";
    for way in ["any_password", "blanks_trimmed", "exclamation_mark"] {
        let given = if way == "any_password" {
            "wrong"
        } else {
            " Test12345! "
        };
        let plain = answer(
            "no_allow",
            on,
            VALIDATION,
            &format!(r#"{{"username":"test","password":"{given}"}}"#),
        );
        let quirky = answer(
            way,
            on,
            VALIDATION,
            &format!(r#"{{"username":"test","password":"{given}"}}"#),
        );
        assert_eq!(quirky != plain, shows, "{way}: {quirky}");
    }
}

/// Whatever an appliance can come to at an operation, each way to word it otherwise has words for it.
#[rstest]
fn every_way_words_every_outcome(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    for way in Misworded::ALL {
        let quirk = Quirk {
            way: Way::Misworded(*way),
            on: None,
        };
        let rules = Rules::new(contract::of(kind), &Readings::default()).with_quirk(quirk);
        let places = Operation::ALL.iter().copied().map(Some).chain([None]);
        let all = places.flat_map(|operation| {
            Outcome::ALL.iter().map(move |outcome| Worded {
                operation,
                outcome: *outcome,
            })
        });
        let worded: Vec<Worded> = all
            .filter(|worded| rules.wording_of(worded.operation, worded.outcome) == Some(*worded))
            .collect();
        assert!(worded.len() > Outcome::ALL.len(), "{worded:?}");
        for worded in worded {
            let answer = rules.word(worded, &Asked::Refused(worded, Circumstance::MalformedBody));
            assert!(answer.status().as_u16() >= 200, "{way:?} {worded:?}");
        }
    }
}

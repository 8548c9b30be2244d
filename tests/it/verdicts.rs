//! Every answer has a verdict: whatever its bytes, at every step of every case of both kinds, it is judged without a panic; what is no
//! wording of the contract is never green, a lawful wording never red, and what is not judged (status, blanks, further headers) moves nothing.
//!
//! Whether a body is a wording is known by how it was made, and not asked of the judge. `PROPTEST_RNG_SEED=N PROPTEST_CASES=M` look further.

mod body;

use body::{Body, Wording, any_body, damaged};
use bytes::Bytes;
use d4iot_double::{
    contract,
    contract::{Contract, Readings},
    report::Conformance,
    suite::{
        Case, allowed,
        allowed::{AllowedResponse, Judgement},
        case::Forbidden,
        cases, verdict,
        verdict::{SentStep, StepResponse, StepVerdict},
    },
};
use http::{HeaderValue, Response, StatusCode};
use proptest::{
    prelude::*,
    sample::{Index, select},
    test_runner::RngSeed,
};
use serde_json::Value;

/// Content types; the empty one stands for the contract's own.
const TYPES: [Option<&str>; 8] = [
    Some(""),
    Some(""),
    Some(""),
    None,
    Some("text/html"),
    Some("text/plain; charset=utf-8"),
    Some("application/json; charset=latin1"),
    Some("application/jsonp"),
];
const USERNAME: &str = "lab \"é\\";

fn steps() -> Vec<(&'static Contract, &'static Case, usize)> {
    let kinds = |case: &'static Case| {
        case.kinds
            .iter()
            .map(move |kind| (contract::of(*kind), case))
    };
    cases::all()
        .iter()
        .flat_map(|located| kinds(&located.case))
        .flat_map(|(contract, case)| {
            (0..case.steps.len()).map(move |number| (contract, case, number))
        })
        .collect()
}

fn judged(
    sent: &SentStep<'_>,
    status: u16,
    content_type: Option<&str>,
    further: bool,
    body: &[u8],
) -> StepVerdict {
    let mut answer = Response::new(Bytes::copy_from_slice(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    let mut put = |name, value: &str| {
        answer
            .headers_mut()
            .append(name, HeaderValue::from_str(value).unwrap())
    };
    if further {
        put("date", "Thu, 01 Jan 1970 00:00:00 GMT");
        put("set-cookie", "session=1");
    }
    if let Some(value) = content_type {
        put("content-type", value);
    }
    verdict::of_step(sent, StepResponse::Answer(&answer))
}

/// What holds of every verdict on an answer.
fn is_sound(
    contract: &Contract,
    branches: &[AllowedResponse],
    judged: &StepVerdict,
) -> Result<(), TestCaseError> {
    let said = |standing| branches.iter().any(|branch| branch.judgement == standing);
    match judged.conformance {
        Conformance::Documented | Conformance::Variant => {
            prop_assert!(
                judged.finding.is_none()
                    && judged.outcome.is_some()
                    && judged.evidence.is_some()
                    && said(Judgement::Documented)
            );
            prop_assert_eq!(
                judged.variants.is_empty(),
                judged.conformance == Conformance::Documented
            );
            prop_assert!(judged.variants.iter().all(|choice| choice.rank > 0));
        }
        Conformance::Deviation => {
            prop_assert!(
                judged.finding.as_ref().is_some_and(
                    |finding| !finding.expected.is_empty() && !finding.received.is_empty()
                )
            )
        }
        Conformance::Undocumented => prop_assert!(
            said(Judgement::Open) || said(Judgement::Several),
            "all is said, and this is red or green"
        ),
        other => prop_assert!(false, "an answer is judged, and this is {:?}", other),
    }
    let facts = contract.facts();
    for choice in judged
        .evidence
        .iter()
        .flat_map(|evidence| evidence.interpretations.iter().flatten())
        .chain(&judged.variants)
    {
        let fact = facts.iter().find(|fact| fact.name == choice.fact);
        prop_assert!(
            fact.is_some_and(|fact| fact.readings[choice.rank].name == choice.reading),
            "{:?} is no reading",
            choice
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_answer_has_a_verdict(
        step in any::<Index>(),
        body in any_body(),
        status in 100_u16..1000,
        content_type in select(&TYPES[..]),
    ) {
        let steps = steps();
        let (contract, case, number) = steps[step.index(steps.len())];
        let (served, ask) = (Readings::default(), case.steps[number].ask);
        let sent = SentStep { contract, served: &served, case, number, username: USERNAME };
        let branches = allowed::allowed_responses(&case.steps[number].expect, contract, ask, &served).unwrap();
        let (made, bytes) = match &body {
            Body::Other(bytes) => (None, Some(bytes.clone())),
            Body::Whole(wording) => {
                let (outcome, value) = wording.made(contract, ask, &branches, USERNAME);
                (Some((outcome, wording.ruled)), Some(wording.written(&value).into_bytes()))
            }
            Body::Damaged(wording, spoiling) => {
                let value = wording.made(contract, ask, &branches, USERNAME).1;
                (None, damaged(wording, *spoiling, value, wording.made(contract, ask, &branches, "another").1))
            }
        };
        let Some(bytes) = bytes else { return Ok(()) };
        let default = contract.answer_type(made.and_then(|(outcome, _)| outcome.at(ask)).or(Some(ask))).1.default_reading().is.0.clone();
        let right = content_type == Some("");
        let content_type = if right { Some(default.as_str()) } else { content_type };
        let judged_once = judged(&sent, status, content_type, false, &bytes);
        is_sound(contract, &branches, &judged_once)?;
        let green = matches!(judged_once.conformance, Conformance::Documented | Conformance::Variant);
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        match made.filter(|_| right) {
            None => {
                // Where the documents are silent, words of its own are recorded.
                let is_recorded = judged_once.evidence.iter().all(|evidence| evidence.other.iter().any(|(fact, _)| fact.ends_with(".body")));
                prop_assert!(!green && judged_once.outcome.is_none() && is_recorded, "{}: {:?} is {:?}", case.id, text, judged_once);
                let red = branches.iter().all(|branch| branch.judgement == Judgement::Documented)
                    || case.must_not == Some(Forbidden::Success) && serde_json::from_slice(&bytes).is_ok_and(|value: Value| value.get("msg").is_some() && value.get("error").is_none());
                prop_assert!(!red || judged_once.conformance == Conformance::Deviation, "{}: {:?} is {:?}", case.id, text, judged_once);
            }
            Some((outcome, ruled)) => {
                prop_assert!(judged_once.outcome.is_some() && judged_once.evidence.is_some());
                let mut expected = branches.iter().filter(|branch| branch.outcome == outcome && branch.judgement == Judgement::Documented).peekable();
                prop_assert!(expected.peek().is_none() || green, "{}: {:?} is {:?}", case.id, text, judged_once);
                let plain = ruled && expected.any(|branch| branch.choices.iter().all(|choice| choice.rank == 0));
                prop_assert!(!plain || judged_once.conformance == Conformance::Documented, "{}: {:?} is {:?}", case.id, text, judged_once);
                if judged_once.conformance == Conformance::Documented {
                    let ruled = judged_once.outcome.and_then(|outcome| Wording::by_defaults(contract, ask, outcome, USERNAME));
                    prop_assert_eq!(ruled, serde_json::from_slice(&bytes).ok(), "another reading is a variant");
                }
            }
        }
        // Status, further headers and blanks are not judged.
        let facts = |judged: &StepVerdict| (judged.conformance, judged.outcome, format!("{:?}", judged.variants));
        let again = judged(&sent, 200, content_type, true, &[b" \n", &bytes[..], b"\t"].concat());
        prop_assert_eq!(facts(&judged_once), facts(&again), "{}: {:?}", case.id, text);
    }

    #[test]
    fn the_gravest_step_is_the_case_s_verdict(parts in prop::collection::vec((any::<Index>(), ".{0,20}", 0..3_u8), 0..5)) {
        let (steps, served) = (steps(), Readings::default());
        let judged: Vec<StepVerdict> = parts.iter().map(|(step, words, how)| {
            let (contract, case, number) = steps[step.index(steps.len())];
            let sent = SentStep { contract, served: &served, case, number, username: USERNAME };
            match how {
                0 => verdict::of_step(&sent, StepResponse::Broken(words)),
                1 => verdict::of_step(&sent, StepResponse::Unreachable(words, None)),
                _ => judged(&sent, 200, Some("application/json"), false, words.as_bytes()),
            }
        }).collect();
        for ((_, _, how), judged) in parts.iter().zip(&judged) {
            prop_assert_eq!(judged.conformance == Conformance::NotJudged, *how <= 1);
            prop_assert!(!matches!(judged.conformance, Conformance::Documented | Conformance::Variant), "nothing of a wording came");
        }
        let has = |wanted: Conformance| judged.iter().any(|judged| judged.conformance == wanted);
        let gravest = [Conformance::Deviation, Conformance::NotJudged, Conformance::Undocumented].into_iter().find(|wanted| has(*wanted));
        prop_assert_eq!(verdict::of_steps(&judged), gravest.unwrap_or(Conformance::Documented));
    }
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        cases: 1024,
        ..ProptestConfig::default()
    };
    if let Ok(cases) = std::env::var("PROPTEST_CASES") {
        config.cases = cases.parse().unwrap();
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(6);
    }
    config
}

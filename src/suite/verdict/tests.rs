//! Verdicts by hand, and over every step of every case: what is said, what is silent, what only the order leaves open.

use http::{HeaderValue, header};
use rstest::rstest;

use super::*;
use crate::{
    appliance::{ParsedRequest as Heard, Rules},
    contract,
    contract::{Condition, Kind},
    suite::cases,
};

/// A success and a refusal in words that no document has.
const OWN_SUCCESS: &str = r#"{"msg": "It is done"}"#;
const OWN_REFUSAL: &str = r#"{"error": "It is not done"}"#;

fn answer(body: &str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_owned()));
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    answer
}

/// What the reference mock says for an outcome, with no name to echo.
fn worded(kind: Kind, ask: Operation, outcome: Outcome) -> Option<Response<Bytes>> {
    let rules = Rules::with_defaults(kind);
    let worded = rules.response_key(Some(ask), outcome)?;
    Some(rules.render_response(worded, &Heard::Rejected(worded, Condition::MalformedBody)))
}

/// Every step of every case of both kinds, with its allowed.
fn steps() -> impl Iterator<Item = (SentStep<'static>, Vec<AllowedResponse>)> {
    let served: &'static Readings = Box::leak(Box::default());
    let kinds = |case: &'static Case| {
        case.kinds
            .iter()
            .map(move |kind| (contract::of(*kind), case))
    };
    let sent = move |(contract, case): (&'static Contract, &'static Case)| {
        (0..case.steps.len()).map(move |number| SentStep {
            contract,
            served,
            case,
            number,
            username: "",
        })
    };
    cases::all()
        .iter()
        .flat_map(move |located| kinds(&located.case))
        .flat_map(sent)
        .map(|sent| {
            let step = sent.step();
            (
                sent,
                allowed::allowed_responses(&step.expect, sent.contract, step.ask, sent.served)
                    .expect("all cases can be expected"),
            )
        })
}

fn has(allowed: &[AllowedResponse], judgement: Judgement) -> bool {
    allowed
        .iter()
        .any(|response| response.judgement == judgement)
}

#[rstest]
#[case::default_reading(
    "validation.authenticated",
    r#"{"msg": "Authentication succeeded."}"#,
    Conformance::Documented,
    Some(Outcome::Authenticated)
)]
#[case::another_reading(
    "validation.authenticated",
    r#"{"msg": "Authentication succeeded"}"#,
    Conformance::Variant,
    Some(Outcome::Authenticated)
)]
#[case::no_wording("validation.authenticated", OWN_SUCCESS, Conformance::Deviation, None)]
#[case::for_another_cause(
    "validation.authenticated",
    r#"{"error": {"userDisplayErrorMessage": "Credentials validation failed"}}"#,
    Conformance::Deviation,
    Some(Outcome::CredentialsRejected)
)]
#[case::forbidden_success(
    "validation.password.missing",
    OWN_SUCCESS,
    Conformance::Deviation,
    None
)]
#[case::silence(
    "validation.password.missing",
    OWN_REFUSAL,
    Conformance::Undocumented,
    None
)]
fn an_answer_has_a_verdict(
    #[case] id: &str,
    #[case] body: &str,
    #[case] verdict: Conformance,
    #[case] outcome: Option<Outcome>,
) {
    let (sent, _) = steps()
        .find(|(sent, _)| sent.case.id == id && sent.contract.kind == Kind::Sensor)
        .expect("there is such a case");
    let answer = answer(body);
    let judged = of_step(&sent, StepResponse::Answer(&answer));
    assert_eq!(
        (judged.conformance, judged.outcome),
        (verdict, outcome),
        "{judged:?}"
    );
    // Words of its own are evidence where the documents are silent.
    let is_evidence = outcome.is_some() || body == OWN_REFUSAL;
    assert_eq!(judged.evidence.is_some(), is_evidence);
    assert_eq!(
        judged.variants.len(),
        usize::from(verdict == Conformance::Variant),
        "{judged:?}"
    );
    let step = judged.finding.map(|finding| {
        (
            finding.step,
            finding.expected.is_empty(),
            finding.received.is_empty(),
        )
    });
    assert_eq!(
        step,
        (verdict == Conformance::Deviation).then_some((1, false, false))
    );
}

/// Words that nobody has are no deviation where the documents are silent, but for a success where they say how one is told.
#[test]
fn own_words_are_judged_where_the_documents_speak() {
    let mut seen = [0; 4];
    for (sent, allowed) in steps() {
        let forbidden = sent.forbids_success(&allowed);
        let success_is_said = allowed
            .iter()
            .any(|response| response.judgement != Judgement::Open && response.outcome.is_success());
        let silent = has(&allowed, Judgement::Open);
        let open = |free: bool| {
            if free {
                Conformance::Undocumented
            } else {
                Conformance::Deviation
            }
        };
        let judged = |body: &str| of_step(&sent, StepResponse::Answer(&answer(body))).conformance;
        assert_eq!(
            judged(OWN_SUCCESS),
            open(silent && !forbidden && !success_is_said),
            "{}",
            sent.case.id
        );
        assert_eq!(judged(OWN_REFUSAL), open(silent), "{}", sent.case.id);
        seen[usize::from(silent) + 2 * usize::from(success_is_said)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// Where only the order of checks is open, another of the documents' refusals may come, and neither a success nor what no document words.
#[test]
fn another_refusal_may_come_where_the_order_is_open() {
    let mut seen = 0;
    let is_order = |sent: &SentStep<'_>| matches!(&sent.step().expect, Expect::By { fact, .. } if fact == ORDER);
    for (sent, allowed) in steps().filter(|(sent, _)| is_order(sent)) {
        for outcome in Outcome::ALL
            .iter()
            .filter(|outcome| allowed.iter().all(|response| response.outcome != **outcome))
        {
            let ask = sent.step().ask;
            let Some(answer) = worded(sent.contract.kind, ask, *outcome) else {
                continue;
            };
            let judged = of_step(&sent, StepResponse::Answer(&answer));
            // What is worded alike is recognised as the first of them.
            let read = judged.outcome.unwrap_or(*outcome);
            let open = !read.is_success() && allowed::is_documented(sent.contract, ask, read)
                || allowed.iter().any(|response| response.outcome == read);
            assert_eq!(
                judged.conformance == Conformance::Deviation,
                !open,
                "{} {outcome}: {judged:?}",
                sent.case.id
            );
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn no_answer_is_not_judged() {
    let mut seen = [0; 2];
    for (sent, allowed) in steps() {
        let silent = has(&allowed, Judgement::Open);
        let judged = of_step(&sent, StepResponse::Broken("it was cut"));
        assert_eq!(judged.conformance, Conformance::NotJudged);
        let finding = judged.finding.expect("what was broken is told");
        assert_eq!(
            (finding.step, &*finding.received),
            (sent.number + 1, "it was cut")
        );
        assert_eq!(finding.code, Some(ReasonCode::NoAnswer));
        assert_eq!(finding.expected.is_empty(), silent, "{finding:?}");
        seen[usize::from(silent)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn an_unreachable_target_is_not_judged() {
    let (sent, _) = steps().next().expect("there are cases");
    let judged = of_step(
        &sent,
        StepResponse::Unreachable("refused", Some("start it")),
    );
    let finding = judged.finding.expect("why");
    assert_eq!(
        (judged.conformance, finding.step, finding.hint.as_deref()),
        (Conformance::NotJudged, 1, Some("start it"))
    );
    assert_eq!(finding.received, "the target did not answer: refused");
}

/// A status that no reading has is told, and judged no more than any other.
#[test]
fn evidence_tells_readings_and_a_status_that_is_none() {
    let (sent, _) = steps()
        .find(|(sent, _)| sent.case.id == "validation.authenticated")
        .expect("there is such a case");
    let body = r#"{"msg": "Authentication succeeded"}"#;
    let with_status = |status: u16| {
        let mut answer = answer(body);
        *answer.status_mut() = http::StatusCode::from_u16(status).expect("a status");
        of_step(&sent, StepResponse::Answer(&answer))
            .evidence
            .expect("it is recognised")
    };
    let (usual, other) = (with_status(200), with_status(299));
    assert_eq!(usual.other, []);
    assert_eq!(
        other.other,
        [(
            "validation.authenticated.status".to_owned(),
            "299".to_owned()
        )]
    );
    let reads = |evidence: &Evidence| {
        evidence.interpretations.iter().any(|way| {
            way.iter()
                .any(|choice| choice.reading == "table" && choice.rank == 1)
        })
    };
    assert!(reads(&usual) && reads(&other), "{usual:?}");
    assert_eq!(
        probe_evidence(sent.contract, sent.step().ask, &answer(OWN_SUCCESS))
            .map(|evidence| evidence.interpretations.len()),
        None
    );
    assert!(probe_evidence(sent.contract, sent.step().ask, &answer(body)).is_some());
}

#[test]
fn the_gravest_step_counts() {
    let step = |conformance| StepVerdict {
        conformance,
        outcome: None,
        evidence: None,
        variants: Vec::new(),
        finding: None,
    };
    let order = [
        Conformance::Documented,
        Conformance::Undocumented,
        Conformance::Variant,
        Conformance::NotJudged,
        Conformance::Deviation,
    ];
    assert_eq!(of_steps(&[]), Conformance::Documented);
    for (graver, verdict) in order.iter().enumerate() {
        for milder in &order[..=graver] {
            assert_eq!(of_steps(&[step(*milder), step(*verdict)]), *verdict);
            assert_eq!(of_steps(&[step(*verdict), step(*milder)]), *verdict);
        }
    }
}

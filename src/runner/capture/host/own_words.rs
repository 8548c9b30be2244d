//! What an answer in words of its own says, and which of them are judged.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, header};
use serde_json::Value;

use crate::{
    contract::{Condition, DISPLAYED, ERROR, Echo, MSG, Outcome},
    report::Conformance,
    runner::capture::{
        SentBody,
        classify::{Classified, KnownCredentials},
        header_text,
        host::HostJudge,
    },
    suite::{
        Case,
        allowed::{AllowedResponse, Judgement},
        match_response::{MatchContext, ReceivedAnswer},
        own_words,
        similarity::similarity,
        verdict::StepVerdict,
    },
};

impl HostJudge<'_> {
    /// Does not judge a refusal that comes of a state of the account, of which no page says anything: it may be locked or kept elsewhere.
    pub(super) fn presuppose_nothing(
        &self,
        judged: StepVerdict,
        classified: &Classified,
        answer: Option<&Response<Bytes>>,
    ) -> StepVerdict {
        let own = &self.contract.clause(classified.operation).outcomes;
        let is_of_state = match judged.outcome {
            Some(outcome @ (Outcome::LockedOut | Outcome::PermissionDenied)) => {
                !own.contains_key(&outcome)
            }
            Some(_) => false,
            None => {
                let text = answer.and_then(error_text);
                text.is_some_and(|text| self.nearest(classified, &text).is_none())
            }
        };
        if judged.conformance != Conformance::Deviation || !is_of_state {
            return judged;
        }
        StepVerdict {
            conformance: Conformance::Undocumented,
            finding: None,
            ..judged
        }
    }

    /// Adds what an answer in words or with a head of its own says of the appliance.
    pub(super) fn take_own_words(
        &mut self,
        case: &Case,
        classified: &Classified,
        sent: SentBody,
        credentials: KnownCredentials,
        answer: &Response<Bytes>,
        judged: &mut StepVerdict,
    ) -> Option<Outcome> {
        // Of two values of a field nobody knows which one is answered.
        if judged.outcome.is_some() || classified.conditions.contains(&Condition::DuplicateField) {
            return judged.outcome;
        }
        let context = self.context(classified);
        let contract = self.contract;
        let allowed = self.allowed(case.steps[0].ask, &case.steps[0].expect);
        // Under another content type the words may be those of an outcome.
        let mut retyped = answer.clone();
        let (_, types) = contract.answer_type(Some(classified.operation));
        if let Ok(value) = types.default_reading().is.0.parse() {
            retyped.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        let read = ReceivedAnswer::new(&retyped);
        let worded = allowed
            .iter()
            .find(|one| context.match_outcome(one.outcome, &read).is_ok());
        let own = worded.map(|one| one.outcome).or_else(|| match sent {
            _ if is_of_others(answer) => None,
            SentBody::Missing => None,
            SentBody::Masked(outcome) => {
                outcome.filter(|outcome| outcome.is_success() == context.claims_success(answer))
            }
            SentBody::Whole => {
                let text = error_text(answer);
                let near = text.and_then(|text| self.nearest(classified, &text));
                near.or_else(|| attribute(&context, &allowed, answer, credentials))
            }
        });
        let Some(outcome) = own else {
            // What the answer has beside its words may be somebody else's, or of a request that nobody knows.
            let is_clear = sent == SentBody::Whole && !is_of_others(answer);
            judged.evidence = judged.evidence.take().filter(|_| is_clear);
            *self.unsaid.entry(UNATTRIBUTED).or_default() += 1;
            return None;
        };
        judged.evidence = own_words::evidence(&context, outcome, answer);
        if judged.evidence.is_none() {
            *self.unsaid.entry(UNSERVABLE).or_default() += 1;
        }
        // What led to the answer, where one thing alone can.
        let mut leading = allowed.iter().filter(|one| one.outcome == outcome);
        if let (Some(evidence), Some(one), None) =
            (&mut judged.evidence, leading.next(), leading.next())
        {
            evidence
                .interpretations
                .iter_mut()
                .for_each(|way| way.extend(one.choices.clone()));
        }
        Some(outcome)
    }

    /// Returns an answer without the documented words: that these have the password in them shows nothing.
    pub(super) fn without_documented(
        &self,
        classified: &Classified,
        answer: &Response<Bytes>,
    ) -> Response<Bytes> {
        let username = &*classified.username;
        let mut answer = answer.clone();
        let Ok(mut text) = str::from_utf8(answer.body()).map(str::to_owned) else {
            return answer;
        };
        let outcomes = self.contract.clause(classified.operation).outcomes.values();
        for reading in outcomes.flat_map(|spec| spec.body.readings()) {
            text = own_words::with_word(&text, &reading.is.fill(Echo { username }), "");
        }
        *answer.body_mut() = text.into();
        answer
    }

    /// Returns the failure whose documented text is nearly a text; none where none is.
    fn nearest(&self, classified: &Classified, text: &str) -> Option<Outcome> {
        let outcomes = self.contract.clause(classified.operation).outcomes.iter();
        let failures = outcomes.filter(|(outcome, _)| !outcome.is_success());
        let username = &*classified.username;
        let ratios = failures.flat_map(|(outcome, spec)| {
            let readings = spec.body.readings().iter();
            readings.filter_map(move |reading| {
                let wording = reading.is.fill(Echo { username });
                let is_short = text.len() <= MAX_COMPARED;
                let ratio = is_short.then(|| similarity(&wording, text, SIMILARITY));
                Some((ratio??, *outcome))
            })
        });
        let best = ratios.max_by(|(one, _), (other, _)| one.total_cmp(other));
        best.map(|(_, outcome)| outcome)
    }
}

/// Returns the text of a failure, in either envelope.
fn error_text(answer: &Response<Bytes>) -> Option<String> {
    let body: Value = serde_json::from_slice(answer.body()).ok()?;
    let error = body.get(ERROR).filter(|_| body.get(MSG).is_none())?;
    let text = error.as_str().or_else(|| error.get(DISPLAYED)?.as_str());
    text.map(str::to_owned)
}

/// Tells whether a proxy, a page for signing in or an overload may have answered, of which no documented outcome speaks.
pub(super) fn is_of_others(answer: &Response<Bytes>) -> bool {
    let is_json = serde_json::from_slice::<Value>(answer.body()).is_ok_and(|body| body.is_object());
    let content_type = header_text(answer.headers(), "content-type");
    let is_page =
        content_type.contains("html") || answer.body().trim_ascii_start().starts_with(b"<");
    match answer.status().as_u16() {
        429 | 500.. => true,
        300..400 | 404 | 407 | 408 => !is_json,
        _ => !is_json && is_page,
    }
}

/// Returns the outcome that an answer in words of its own can be alone.
fn attribute(
    context: &MatchContext<'_>,
    allowed: &[AllowedResponse],
    answer: &Response<Bytes>,
    credentials: KnownCredentials,
) -> Option<Outcome> {
    let is_success = context.claims_success(answer);
    let rejection = context.operation.rejection();
    let outcomes: BTreeSet<Outcome> = allowed.iter().map(|one| one.outcome).collect();
    let open = allowed.iter().find(|one| one.judgement == Judgement::Open);
    let mut possible: Vec<Outcome> = outcomes.into_iter().collect();
    possible.retain(|outcome| outcome.is_success() == is_success);
    match possible.as_slice() {
        [one] => Some(*one),
        _ if is_success => None,
        // Where one thing is wrong with the request, that is what is said of it.
        _ if open.is_some() => open.map(|one| one.outcome),
        _ if matches!(
            credentials,
            KnownCredentials::Other | KnownCredentials::Replaced
        ) =>
        {
            Some(rejection)
        }
        _ => None,
    }
}

/// How long a text is that is compared with the documented ones letter by letter, in bytes.
const MAX_COMPARED: usize = 500;
/// From which similarity on, of 1, a text is a documented one in other words.
const SIMILARITY: f32 = 0.6;
const UNATTRIBUTED: &str =
    "an answer in words of its own, of which nothing tells what it says: it is not in the profile";
const UNSERVABLE: &str =
    "an answer that no mock can give, since it is long or not text: it is not in the profile";

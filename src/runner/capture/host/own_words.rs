//! What an answer in words of its own says, and which of them are judged.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde_json::Value;

use crate::{
    contract::{DISPLAYED, ERROR, Echo, MSG, Outcome},
    report::Conformance,
    runner::capture::{
        SentBody, USUAL_TYPE,
        classify::{Classified, KnownCredentials},
        header_text,
        host::{HostJudge, Judging},
    },
    suite::{
        allowed::Judgement,
        match_response::{MatchContext, ReceivedAnswer},
        own_words,
        similarity::similarity,
    },
};

impl HostJudge<'_> {
    /// Does not judge a refusal that comes of a state of the account, of which no page says anything: it may be locked or kept elsewhere.
    pub(super) fn presuppose_nothing(&self, one: &mut Judging<'_>) {
        if one.verdict.conformance != Conformance::Deviation {
            return;
        }
        let own = &self.contract.clause(one.classified.operation).outcomes;
        let is_of_state = match one.verdict.outcome {
            Some(outcome @ (Outcome::LockedOut | Outcome::PermissionDenied)) => {
                !own.contains_key(&outcome)
            }
            Some(_) => false,
            None => {
                let text = one.answer().and_then(error_text);
                text.is_some_and(|text| self.nearest(&one.classified, &text).is_none())
            }
        };
        if is_of_state {
            one.verdict.conformance = Conformance::Undocumented;
            one.verdict.finding = None;
        }
    }

    /// Returns the outcome that an answer in words or with a head of its own is, and takes what it says of the appliance as evidence.
    pub(super) fn own_words(
        &mut self,
        one: &mut Judging<'_>,
        answer: &Response<Bytes>,
    ) -> Option<Outcome> {
        let context = one.context(self.contract);
        let sent = one.exchange.sent;
        // Under another content type the words may be those of an outcome.
        let mut retyped = answer.clone();
        let usual = HeaderValue::from_static(USUAL_TYPE);
        retyped.headers_mut().insert(header::CONTENT_TYPE, usual);
        let read = ReceivedAnswer::new(&retyped);
        let mut outcomes = one.allowed.iter().map(|one| one.outcome);
        let worded = outcomes.find(|it| context.match_outcome(*it, &read).is_ok());
        let is_clear = !is_of_others(answer);
        let outcome = worded.or_else(|| match sent {
            SentBody::Masked(outcome) if is_clear => {
                outcome.filter(|outcome| outcome.is_success() == context.claims_success(answer))
            }
            SentBody::Whole if is_clear => {
                let near = error_text(answer).and_then(|it| self.nearest(&one.classified, &it));
                near.or_else(|| attribute(one, &context, answer))
            }
            _ => None,
        });
        let Some(outcome) = outcome else {
            // What the answer has beside its words may be somebody else's, or of a request that nobody knows.
            let is_kept = sent == SentBody::Whole && is_clear;
            one.verdict.evidence.take_if(|_| !is_kept);
            self.say(UNATTRIBUTED);
            return None;
        };
        let mut evidence = own_words::evidence(&context, outcome, answer);
        // What led to the answer, where one thing alone can.
        let mut leading = one.allowed.iter().filter(|one| one.outcome == outcome);
        match &mut evidence {
            None => self.say(UNSERVABLE),
            Some(evidence) => {
                if let (Some(one), None) = (leading.next(), leading.next()) {
                    let ways = evidence.interpretations.iter_mut();
                    ways.for_each(|way| way.extend(one.choices.clone()));
                }
            }
        }
        one.verdict.evidence = evidence;
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
        if text.len() > MAX_COMPARED {
            return None;
        }
        let username = &*classified.username;
        let outcomes = self.contract.clause(classified.operation).outcomes.iter();
        let failures = outcomes.filter(|(outcome, _)| !outcome.is_success());
        let wordings = failures.flat_map(|(outcome, spec)| {
            let readings = spec.body.readings().iter();
            readings.map(move |reading| (*outcome, reading.is.fill(Echo { username })))
        });
        let ratios = wordings.filter_map(|(outcome, wording)| {
            Some((outcome, similarity(&wording, text, SIMILARITY)?))
        });
        let best = ratios.max_by(|(_, one), (_, other)| one.total_cmp(other));
        best.map(|(outcome, _)| outcome)
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
    one: &Judging<'_>,
    context: &MatchContext<'_>,
    answer: &Response<Bytes>,
) -> Option<Outcome> {
    let is_success = context.claims_success(answer);
    let mut possible: Vec<Outcome> = one.allowed.iter().map(|one| one.outcome).collect();
    possible.retain(|outcome| outcome.is_success() == is_success);
    possible.sort();
    possible.dedup();
    let mut open = one
        .allowed
        .iter()
        .filter(|it| it.judgement == Judgement::Open);
    match (possible.as_slice(), open.next(), one.credentials) {
        ([one], ..) => Some(*one),
        _ if is_success => None,
        // Where one thing is wrong with the request, that is what is said of it.
        (_, Some(open), _) => Some(open.outcome),
        (_, None, KnownCredentials::Other | KnownCredentials::Replaced) => {
            Some(context.operation.rejection())
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

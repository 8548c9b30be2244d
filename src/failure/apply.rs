//! What a mode that fires does to the delivery of a finished answer.
//!
//! First the answer is replaced, then its body, its timing and its end: the order in which a real failure could happen.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};

use crate::{
    appliance::{ParsedRequest, ResponseKey, Rules},
    contract::Outcome,
    failure::{Delay, Delivery, FailureAction, RandomSource, ResponseOverride},
};

impl FailureAction {
    /// Returns whether it applies to connections or the port, before any request.
    pub fn is_connection_level(&self) -> bool {
        self.tls.is_some() || self.down.is_some()
    }

    /// Returns whether the operation takes effect.
    ///
    /// By default `true`, and `false` if the answer is replaced: by an outcome, a body, a page, a redirection, or a status that is
    /// not 2xx.
    pub fn commits(&self) -> bool {
        self.commit.unwrap_or(!self.response.replaces_response())
    }

    /// Renders an answer as it says, and applies the action to it.
    pub fn deliver(
        &self,
        random: &RandomSource,
        rules: &Rules,
        key: ResponseKey,
        request: &ParsedRequest<'_>,
    ) -> Delivery {
        self.apply(random, Delivery::plain(self.render(rules, key, request)))
    }

    /// Renders an answer under the readings and with the outcome that it says.
    pub fn render(
        &self,
        rules: &Rules,
        key: ResponseKey,
        request: &ParsedRequest<'_>,
    ) -> Response<Bytes> {
        let rules = self.response.rules.as_deref().unwrap_or(rules);
        rules.render_response(self.response_key(rules, key), request)
    }

    /// Returns what is rendered instead of an answer.
    pub fn response_key(&self, rules: &Rules, key: ResponseKey) -> ResponseKey {
        let rules = self.response.rules.as_deref().unwrap_or(rules);
        let outcome = self.response.outcome;
        let other = outcome.and_then(|outcome| rules.response_key(key.operation, outcome));
        other.unwrap_or(key)
    }

    /// Applies the action to a delivery. Pure: the same action, random source and delivery give the same plan.
    ///
    /// The caller has chosen the outcome and the rules before.
    pub fn apply(&self, random: &RandomSource, mut delivery: Delivery) -> Delivery {
        self.response.replace(&mut delivery);
        for corruption in &self.corruptions {
            corruption.corrupt_body(random, &mut delivery);
        }
        if let Some(delay) = &self.delay {
            delivery.wait = delivery.wait.saturating_add(delay.of(random));
        }
        delivery.pace = self.pace.or(delivery.pace);
        delivery.end = self.end.or(delivery.end);
        delivery
    }
}

impl ResponseOverride {
    /// Returns whether another answer replaces the appliance's own.
    pub(crate) fn replaces_response(&self) -> bool {
        let fails = self.status.is_some_and(|status| !status.is_success());
        self.outcome.is_some() || fails || self.body.is_some()
    }

    /// Returns the outcome that a client gets where this one is rendered; none where something else is sent instead.
    pub fn sent_outcome(&self, rendered: Outcome) -> Option<Outcome> {
        let is_sent = self.body.is_none() && (self.status.is_none() || self.outcome.is_some());
        is_sent.then_some(rendered)
    }

    /// Returns whether this redirects to a path.
    pub fn redirects_to(&self, path: &str) -> bool {
        let location = self.headers.get(header::LOCATION);
        location.is_some_and(|location| location.as_bytes() == path.as_bytes())
    }

    fn replace(&self, delivery: &mut Delivery) {
        let response = &mut delivery.response;
        if let Some(status) = self.status {
            *response.status_mut() = status;
            response.headers_mut().remove(header::ALLOW);
            response.headers_mut().remove(header::WWW_AUTHENTICATE);
        }
        if let Some(body) = &self.body {
            *response.body_mut() = body.clone();
        }
        for name in self.headers.keys() {
            response.headers_mut().remove(name);
            for value in self.headers.get_all(name) {
                response.headers_mut().append(name, value.clone());
            }
        }
        if has_no_body(response.status()) || response.status() == StatusCode::RESET_CONTENT {
            response.body_mut().clear();
        }
        if response.body().is_empty() && !self.headers.contains_key(header::CONTENT_TYPE) {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
    }
}

impl Delay {
    /// Returns how long it is for one draw.
    pub fn of(&self, random: &RandomSource) -> Duration {
        match *self {
            Delay::Fixed(duration) => duration,
            Delay::Uniform(least, most) => {
                least + most.saturating_sub(least).mul_f64(random.unit("delay"))
            }
            Delay::Lognormal { median, sigma, max } => {
                // Box and Muller's way to a normal number; 1 - u keeps the logarithm's argument above zero.
                let radius = (-2.0 * (1.0 - random.unit("delay")).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * random.unit("delay angle")).cos();
                Duration::try_from_secs_f64(median.as_secs_f64() * (sigma * normal).exp())
                    .unwrap_or(max)
                    .min(max)
            }
        }
    }
}

/// Returns whether answers of a status have no body, whatever they say (RFC 9112 section 6.3).
pub(super) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use rstest::rstest;

    use super::*;
    use crate::failure::{CloseKind, Corruption, CutPoint, Pace};

    fn random(ordinal: u64) -> RandomSource {
        RandomSource::new(1, "mode", "", ordinal)
    }

    fn answer() -> Delivery {
        let mut response = Response::new(Bytes::from_static(br#"{"msg":"x"}"#));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        Delivery::plain(response)
    }

    #[rstest]
    #[case::nothing(FailureAction::default(), true)]
    #[case::body(FailureAction { corruptions: vec![Corruption::Empty], ..FailureAction::default() }, true)]
    #[case::time(FailureAction { delay: Some(Delay::Fixed(Duration::from_secs(1))), ..FailureAction::default() }, true)]
    #[case::connection(FailureAction { end: Some((CloseKind::Reset, CutPoint::BeforeAnswer)), ..FailureAction::default() }, true)]
    #[case::status(FailureAction { response: ResponseOverride { status: Some(StatusCode::BAD_GATEWAY), ..ResponseOverride::default() }, ..FailureAction::default() }, false)]
    #[case::page(FailureAction { response: ResponseOverride { body: Some(Bytes::new()), ..ResponseOverride::default() }, ..FailureAction::default() }, false)]
    #[case::outcome(FailureAction { response: ResponseOverride { outcome: Some(Outcome::LockedOut), ..ResponseOverride::default() }, ..FailureAction::default() }, false)]
    #[case::status_of_a_success(
        FailureAction { response: ResponseOverride { status: Some(StatusCode::CREATED), ..ResponseOverride::default() }, end: Some((CloseKind::Reset, CutPoint::MidBody)), ..FailureAction::default() },
        true
    )]
    #[case::said_so(FailureAction { commit: Some(false), ..FailureAction::default() }, false)]
    #[case::said_otherwise(
        FailureAction { response: ResponseOverride { status: Some(StatusCode::OK), ..ResponseOverride::default() }, commit: Some(true), ..FailureAction::default() },
        true
    )]
    fn what_takes_effect(#[case] action: FailureAction, #[case] expected: bool) {
        assert_eq!(action.commits(), expected);
    }

    #[test]
    fn an_act_that_does_nothing_bends_nothing() {
        let changed = FailureAction::default().apply(&random(1), answer());
        assert!(changed.is_plain());
        assert_eq!(
            (changed.response.body(), changed.response.headers()),
            (answer().response.body(), answer().response.headers())
        );
    }

    #[test]
    fn an_answer_in_its_place_has_its_status_headers_and_body() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
        let response = ResponseOverride {
            status: Some(StatusCode::SERVICE_UNAVAILABLE),
            body: Some(Bytes::from_static(b"down")),
            headers,
            ..ResponseOverride::default()
        };
        let changed = FailureAction {
            response,
            ..FailureAction::default()
        }
        .apply(&random(1), answer());
        assert_eq!(
            (changed.response.status(), changed.response.body().as_ref()),
            (StatusCode::SERVICE_UNAVAILABLE, b"down".as_slice())
        );
        assert_eq!(
            changed.response.headers()[header::CONTENT_TYPE],
            "text/html"
        );
        assert_eq!(
            changed
                .response
                .headers()
                .get_all(header::SET_COOKIE)
                .iter()
                .collect::<Vec<_>>(),
            ["a=1", "b=2"]
        );
    }

    #[rstest]
    #[case::nothing(ResponseOverride::default(), Some(Outcome::Authenticated))]
    #[case::outcome(ResponseOverride { outcome: Some(Outcome::Authenticated), status: Some(StatusCode::IM_A_TEAPOT), ..ResponseOverride::default() }, Some(Outcome::Authenticated))]
    #[case::status(ResponseOverride { status: Some(StatusCode::OK), ..ResponseOverride::default() }, None)]
    #[case::body(ResponseOverride { outcome: Some(Outcome::Authenticated), body: Some(Bytes::new()), ..ResponseOverride::default() }, None)]
    fn the_outcome_that_a_client_gets(
        #[case] response: ResponseOverride,
        #[case] expected: Option<Outcome>,
    ) {
        assert_eq!(response.sent_outcome(Outcome::Authenticated), expected);
    }

    #[test]
    fn a_replaced_status_has_no_headers_of_the_other_status() {
        let mut refused = answer();
        let own = [header::ALLOW, header::WWW_AUTHENTICATE];
        for name in own.clone() {
            let value = HeaderValue::from_static("POST");
            refused.response.headers_mut().insert(name, value);
        }
        let response = ResponseOverride {
            status: Some(StatusCode::SERVICE_UNAVAILABLE),
            ..ResponseOverride::default()
        };
        let action = FailureAction {
            response,
            ..FailureAction::default()
        };
        let changed = action.apply(&random(1), refused);
        let has = |name| changed.response.headers().contains_key(name);
        assert!(!own.into_iter().any(has));
    }

    #[rstest]
    #[case(204)]
    #[case(205)]
    #[case(304)]
    fn an_answer_whose_status_has_no_body_has_none(#[case] status: u16) {
        let response = ResponseOverride {
            status: StatusCode::from_u16(status).ok(),
            ..ResponseOverride::default()
        };
        let changed = FailureAction {
            response,
            ..FailureAction::default()
        }
        .apply(&random(1), answer());
        assert!(changed.response.body().is_empty() && changed.response.headers().is_empty());
    }

    #[test]
    fn time_and_connection_are_planned() {
        let pace = Pace {
            bytes: 8,
            every: Duration::from_millis(100),
        };
        let action = FailureAction {
            delay: Some(Delay::Fixed(Duration::from_millis(500))),
            pace: Some(pace),
            end: Some((CloseKind::Hang, CutPoint::MidBody)),
            ..FailureAction::default()
        };
        let changed = action.apply(&random(1), answer());
        assert_eq!(
            (changed.wait, changed.pace, changed.end),
            (
                Duration::from_millis(500),
                Some(pace),
                Some((CloseKind::Hang, CutPoint::MidBody))
            )
        );
    }

    #[test]
    fn a_uniform_delay_lies_between_its_ends_and_takes_both_halves() {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(2));
        let delays: Vec<Duration> = (1..=1_000)
            .map(|ordinal| Delay::Uniform(least, most).of(&random(ordinal)))
            .collect();
        assert!(delays.iter().all(|delay| (least..most).contains(delay)));
        let short = delays
            .iter()
            .filter(|delay| **delay < Duration::from_millis(1_050))
            .count();
        assert!((420..580).contains(&short), "{short}");
    }

    #[test]
    fn a_lognormal_delay_has_its_median_its_spread_and_its_greatest() {
        let (median, max) = (Duration::from_millis(80), Duration::from_secs(5));
        let of = |sigma: f64| -> Vec<f64> {
            (1..=4_000)
                .map(|ordinal| {
                    Delay::Lognormal { median, sigma, max }
                        .of(&random(ordinal))
                        .as_secs_f64()
                        / 0.08
                })
                .collect()
        };
        let delays = of(0.4);
        let short = delays.iter().filter(|delay| **delay < 1.0).count();
        // Half below the median, and 68 of 100 within one sigma of the logarithm.
        assert!((1_880..2_120).contains(&short), "{short}");
        let near = delays.iter().filter(|delay| delay.ln().abs() < 0.4).count();
        assert!((2_600..2_860).contains(&near), "{near}");
        assert!(
            of(10.0).iter().all(|delay| *delay <= 62.5)
                && of(10.0).iter().any(|delay| (*delay - 62.5).abs() < 0.01)
        );
    }
}

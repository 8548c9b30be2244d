//! Bending: what a mode that strikes does to the delivery of a finished answer.
//!
//! First the answer in its place, then the body, then the time, then the end: the order in which they could happen to a real one.

use std::time::Duration;

use http::{StatusCode, header};

use crate::failure::{Act, Answering, Cut, Delay, Delivery, Draw, End, How};

impl Act {
    /// Tells whether it concerns connections, or the port, and no request.
    pub fn knows_no_request(&self) -> bool {
        self.greeting.is_some() || self.down.is_some()
    }

    /// Tells whether the operation takes effect.
    ///
    /// If the mode does not say: yes for what strikes an answer that was made (its body, its time, its connection, how it is worded),
    /// no for an answer in its place (outcome, status, redirect, body, page).
    pub fn commits(&self) -> bool {
        self.commit.unwrap_or(!self.answering.is_in_its_place())
    }

    /// Bends a delivery. Pure: the same act, draw and delivery give the same plan.
    ///
    /// Which outcome is answered and by which rules it is worded is done before, by whoever makes the answer.
    pub fn bend(&self, draw: &Draw, mut delivery: Delivery) -> Delivery {
        self.answering.replace(&mut delivery);
        for distortion in &self.distortions {
            distortion.distort(draw, &mut delivery);
        }
        if let Some(delay) = &self.delay {
            delivery.wait = delivery.wait.saturating_add(delay.of(draw));
        }
        delivery.pace = self.pace.or(delivery.pace);
        delivery.end = self.end.map(|(how, at)| End { how, at }).or(delivery.end);
        if self.down.is_some() {
            delivery.down = self.down;
            delivery.end = Some(End {
                how: How::Reset,
                at: Cut::BeforeAnswer,
            });
        }
        delivery
    }
}

impl Answering {
    /// Tells whether what the appliance came to is not what is answered.
    fn is_in_its_place(&self) -> bool {
        self.outcome.is_some() || self.status.is_some() || self.body.is_some()
    }

    fn replace(&self, delivery: &mut Delivery) {
        let response = &mut delivery.response;
        if let Some(status) = self.status {
            *response.status_mut() = status;
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
        if has_no_body(response.status()) {
            response.body_mut().clear();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
    }
}

impl Delay {
    /// Returns how long it is for one draw.
    pub fn of(&self, draw: &Draw) -> Duration {
        match *self {
            Delay::Fixed(duration) => duration,
            Delay::Uniform(least, most) => {
                least + most.saturating_sub(least).mul_f64(draw.unit("delay"))
            }
            Delay::Lognormal { median, sigma, max } => {
                // Box and Muller's way to a normal number; 1 - u keeps the logarithm's argument above zero.
                let radius = (-2.0 * (1.0 - draw.unit("delay")).ln()).sqrt();
                let normal = radius * (std::f64::consts::TAU * draw.unit("delay angle")).cos();
                Duration::try_from_secs_f64(median.as_secs_f64() * (sigma * normal).exp())
                    .unwrap_or(max)
                    .min(max)
            }
        }
    }
}

/// Tells whether answers of a status have no body, whatever they say (RFC 9112 section 6.3).
pub(super) fn has_no_body(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, Response};
    use rstest::rstest;

    use super::*;
    use crate::{
        contract::Outcome,
        failure::{Distortion, Pace},
    };

    fn draw(ordinal: u64) -> Draw {
        Draw::of(1, "mode", "", ordinal)
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
    #[case::nothing(Act::default(), true)]
    #[case::body(Act { distortions: vec![Distortion::Empty], ..Act::default() }, true)]
    #[case::time(Act { delay: Some(Delay::Fixed(Duration::from_secs(1))), ..Act::default() }, true)]
    #[case::connection(Act { end: Some((How::Reset, Cut::BeforeAnswer)), ..Act::default() }, true)]
    #[case::status(Act { answering: Answering { status: Some(StatusCode::BAD_GATEWAY), ..Answering::default() }, ..Act::default() }, false)]
    #[case::page(Act { answering: Answering { body: Some(Bytes::new()), ..Answering::default() }, ..Act::default() }, false)]
    #[case::outcome(Act { answering: Answering { outcome: Some(Outcome::LockedOut), ..Answering::default() }, ..Act::default() }, false)]
    #[case::status_and_reset(
        Act { answering: Answering { status: Some(StatusCode::OK), ..Answering::default() }, end: Some((How::Reset, Cut::MidBody)), ..Act::default() },
        false
    )]
    #[case::said_so(Act { commit: Some(false), ..Act::default() }, false)]
    #[case::said_otherwise(
        Act { answering: Answering { status: Some(StatusCode::OK), ..Answering::default() }, commit: Some(true), ..Act::default() },
        true
    )]
    fn what_takes_effect(#[case] act: Act, #[case] expected: bool) {
        assert_eq!(act.commits(), expected);
    }

    #[test]
    fn an_act_that_does_nothing_bends_nothing() {
        let bent = Act::default().bend(&draw(1), answer());
        assert!(bent.is_plain());
        assert_eq!(
            (bent.response.body(), bent.response.headers()),
            (answer().response.body(), answer().response.headers())
        );
    }

    #[test]
    fn an_answer_in_its_place_has_its_status_headers_and_body() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
        let answering = Answering {
            status: Some(StatusCode::SERVICE_UNAVAILABLE),
            body: Some(Bytes::from_static(b"down")),
            headers,
            ..Answering::default()
        };
        let bent = Act {
            answering,
            ..Act::default()
        }
        .bend(&draw(1), answer());
        assert_eq!(
            (bent.response.status(), bent.response.body().as_ref()),
            (StatusCode::SERVICE_UNAVAILABLE, b"down".as_slice())
        );
        assert_eq!(bent.response.headers()[header::CONTENT_TYPE], "text/html");
        assert_eq!(
            bent.response
                .headers()
                .get_all(header::SET_COOKIE)
                .iter()
                .collect::<Vec<_>>(),
            ["a=1", "b=2"]
        );
    }

    #[rstest]
    #[case(204)]
    #[case(304)]
    fn an_answer_whose_status_has_no_body_has_none(#[case] status: u16) {
        let answering = Answering {
            status: StatusCode::from_u16(status).ok(),
            ..Answering::default()
        };
        let bent = Act {
            answering,
            ..Act::default()
        }
        .bend(&draw(1), answer());
        assert!(bent.response.body().is_empty() && bent.response.headers().is_empty());
    }

    #[test]
    fn time_connection_and_port_are_planned() {
        let pace = Pace {
            bytes: 8,
            every: Duration::from_millis(100),
        };
        let act = Act {
            delay: Some(Delay::Fixed(Duration::from_millis(500))),
            pace: Some(pace),
            end: Some((How::Hang, Cut::MidBody)),
            ..Act::default()
        };
        let bent = act.bend(&draw(1), answer());
        assert_eq!(
            (bent.wait, bent.pace, bent.end),
            (
                Duration::from_millis(500),
                Some(pace),
                Some(End {
                    how: How::Hang,
                    at: Cut::MidBody
                })
            )
        );
        let bent = Act {
            down: Some(Duration::from_secs(5)),
            ..Act::default()
        }
        .bend(&draw(1), answer());
        assert_eq!(
            (bent.down, bent.end),
            (
                Some(Duration::from_secs(5)),
                Some(End {
                    how: How::Reset,
                    at: Cut::BeforeAnswer
                })
            )
        );
    }

    #[test]
    fn a_uniform_delay_lies_between_its_ends_and_takes_both_halves() {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(2));
        let delays: Vec<Duration> = (1..=1_000)
            .map(|ordinal| Delay::Uniform(least, most).of(&draw(ordinal)))
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
                        .of(&draw(ordinal))
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

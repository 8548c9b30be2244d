//! How a request is answered: by the appliance under one lock, which also commits the change and notes the request.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};

use super::{MockAppliance, Snapshot};
use crate::{
    appliance::{ApplianceAnswer, GracePeriod, Moment, ParsedRequest, Rules, StateChange},
    clock::{Clock, ClockAge},
    contract::{Condition, Outcome},
    failure::{Call, Delivery, Stale, Trigger},
    journal::{EntryData, EntryId, Findings, Progress, RecordedRequest},
    server::{AcceptDecision, Answer, Client, PinnedFuture, Refusal, Service},
};

/// An answer before a failure mode changes its delivery.
struct PendingAnswer {
    response: Response<Bytes>,
    failure: Option<Trigger>,
    entry: EntryId,
    /// The clock's age when the request was evaluated.
    received: ClockAge,
}

impl Service for MockAppliance {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> Answer {
        let pending = self.evaluate(request, client);
        self.journal.pushed();
        let delivery = Delivery::plain(pending.response);
        let answer = match pending.failure {
            None => Answer::delivered(delivery, pending.received),
            Some(failure) => Answer::delivered(
                failure.action.apply(&failure.random, delivery),
                pending.received,
            ),
        };
        answer.with_entry(pending.entry)
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> Answer {
        let rules = self.rules();
        let outcome = match refusal {
            Refusal::BadRequest => Outcome::BadRequest,
            Refusal::BodyTooLarge => Outcome::BodyTooLarge,
            Refusal::HeadTooLarge => Outcome::HeadTooLarge,
            Refusal::RequestTimeout => Outcome::RequestTimeout,
        };
        let response = match refusal {
            Refusal::BodyTooLarge => rules.render_body_rejection(head, Condition::BodyTooLarge),
            _ => rules.render_rejection(outcome),
        };
        let operation = rules.operation_at(head.uri.path());
        let mut content = self.content();
        if operation.is_none() {
            content.unmatched.add(&head.method, &head.uri);
        }
        let stamp = self.clock.timestamp();
        let entry = self.journal.push(EntryData {
            at_ns: stamp.moment.nanoseconds(),
            instant: stamp.instant,
            source: client.source,
            connection: client.connection,
            operation,
            outcome,
            reason: None,
            failure: None,
            changed: false,
            findings: Findings::unlawful(),
            request: RecordedRequest::new(&head.method, &head.uri, &head.headers, &[]),
        });
        drop(content);
        self.journal.pushed();
        Answer::plain(response).with_entry(entry)
    }

    fn complete(&self, entry: EntryId, status: StatusCode, progress: Progress, now: Instant) {
        self.journal.complete(&entry, status, progress, now);
        self.log(&entry);
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn on_accept(&self, client: Client) -> AcceptDecision {
        let mut content = self.content();
        let now = self.clock.now();
        let schedule = &mut content.current.schedule;
        let Some(trigger) = schedule.connection(client.source, client.connection, now) else {
            return AcceptDecision::Serve(None);
        };
        match trigger.action.down {
            Some(time) => {
                self.begin_outage(&mut content, trigger.mode, time);
                AcceptDecision::ClosePort
            }
            None => AcceptDecision::Serve(trigger.action.tls.clone()),
        }
    }

    fn on_closed(&self, connection: u64) {
        self.content()
            .current
            .schedule
            .connection_closed(connection);
    }

    fn next_outage(&self) -> PinnedFuture<'_> {
        Box::pin(self.wait_for_outage())
    }

    fn outage_end(&self) -> PinnedFuture<'_> {
        Box::pin(self.wait_for_outage_end())
    }

    fn on_reopened(&self) {
        self.set_reopened();
    }
}

impl MockAppliance {
    /// Answers a request, commits its change and notes it, all under the lock.
    fn evaluate(&self, request: &Request<Bytes>, client: Client) -> PendingAnswer {
        let (method, uri, body) = (request.method(), request.uri(), request.body());
        let recorded = RecordedRequest::new(method, uri, request.headers(), body);
        let mut guard = self.content();
        let content = &mut *guard;
        let Snapshot {
            appliance,
            schedule,
            ..
        } = &mut content.current;
        // Inside the lock: a request that is evaluated later has a later time.
        let stamp = self.clock.timestamp();
        let now = stamp.moment;
        let mut answer = appliance.answer(request, client.source, now);
        let operation = answer.request.operation();
        if operation.is_none() {
            content.unmatched.add(method, uri);
        }
        let failure = schedule.request(&call(&answer.request, client, now));
        if let Some(failure) = &failure {
            override_response(&appliance.rules, failure, &mut answer);
        }
        let change = answer.evaluation.change;
        let change = change.filter(|_| commits(failure.as_ref()));
        let is_changed = change.as_ref().is_some_and(StateChange::replaces_password);
        if let Some(change) = change {
            let stale = failure.as_ref().and_then(|failure| failure.action.stale);
            appliance.commit(match stale {
                Some(stale) => change.with_grace_period(grace_period(stale, now)),
                None => change,
            });
        }
        // Inside the lock: the journal is in the order of the evaluations.
        let entry = self.journal.push(EntryData {
            at_ns: now.nanoseconds(),
            instant: stamp.instant,
            source: client.source,
            connection: client.connection,
            operation,
            outcome: answer.evaluation.key.outcome,
            reason: Some(answer.evaluation.reason),
            failure: failure.as_ref().map(|failure| Arc::clone(&failure.mode)),
            changed: is_changed,
            findings: Findings::of(uri, recorded.has_token(), body, answer.request.rejection()),
            request: recorded,
        });
        drop(guard);
        PendingAnswer {
            response: answer.response,
            failure,
            entry,
            received: stamp.age,
        }
    }
}

/// Returns a request as the failure modes see it.
pub(super) fn call<'a>(parsed: &'a ParsedRequest<'_>, client: Client, now: Moment) -> Call<'a> {
    Call {
        operation: parsed.operation(),
        user: parsed.user(),
        source: client.source,
        connection: client.connection,
        now,
    }
}

/// Tells whether a change is made in spite of a failure.
pub(super) fn commits(failure: Option<&Trigger>) -> bool {
    failure.is_none_or(|failure| failure.action.commits())
}

/// Puts the outcome that a failure mode names in place of the appliance's.
pub(super) fn override_response(
    rules: &Rules,
    failure: &Trigger,
    answer: &mut ApplianceAnswer<'_>,
) {
    let answering = &failure.action.response;
    let rules = match (&answering.rules, answering.outcome) {
        (None, None) => return,
        (own, _) => own.as_deref().unwrap_or(rules),
    };
    let operation = answer.request.operation();
    let key = answering
        .outcome
        .and_then(|outcome| rules.response_key(operation, outcome))
        .unwrap_or(answer.evaluation.key);
    answer.evaluation.key = key;
    answer.response = rules.render_response(key, &answer.request);
}

fn grace_period(stale: Stale, now: Moment) -> GracePeriod {
    match stale {
        Stale::For(time) => GracePeriod::Until(Moment(now.0.saturating_add(time))),
        Stale::Requests(count) => GracePeriod::Validations(count),
    }
}

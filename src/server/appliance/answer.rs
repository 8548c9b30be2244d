//! How a request is answered: parsed, then evaluated, committed and noted under one lock, then rendered.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, request::Parts};

use super::MockAppliance;
use crate::{
    appliance::{Asked, Change, Lag, Moment, Rules, Worded},
    clock::{Age, Clock},
    contract::{Circumstance, Outcome},
    failure::{Call, Delivery, Stale, Trigger},
    journal::{EntryData, EntryId, Findings, Progress, RecordedRequest, Wall},
    server::{AcceptDecision, Answer, Client, PinnedFuture, Refusal, Service},
};

/// A request that was evaluated.
struct Evaluation<'a> {
    rules: Arc<Rules>,
    parsed: Asked<'a>,
    outcome: Worded,
    failure: Option<Trigger>,
    entry: EntryId,
    /// The clock's age when the request was evaluated.
    received: Age,
}

impl Service for MockAppliance {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> Answer {
        let evaluation = self.evaluate(request, client);
        self.journal.pushed();
        let entry = evaluation.entry;
        evaluation.render().with_entry(entry)
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
            Refusal::BodyTooLarge => rules.refuse_body(head, Circumstance::BodyTooLarge),
            _ => rules.refusal(outcome),
        };
        let operation = rules.operation_at(head.uri.path());
        let mut content = self.content();
        if operation.is_none() {
            content.unmatched.add(&head.method, &head.uri);
        }
        let stamp = self.clock.stamp();
        let entry = self.journal.push(EntryData {
            at_ns: stamp.moment.nanoseconds(),
            wall: stamp.wall,
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

    fn complete(&self, entry: EntryId, status: StatusCode, progress: Progress, now: Wall) {
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
    /// Parses a request; then, under the lock, evaluates it, commits its change and notes it.
    fn evaluate<'a>(&self, request: &'a Request<Bytes>, client: Client) -> Evaluation<'a> {
        let mut rules = self.rules();
        let mut parsed = rules.read(request);
        let (method, uri, body) = (request.method(), request.uri(), request.body());
        let recorded = RecordedRequest::new(method, uri, request.headers(), body);
        let findings = Findings::of(uri, recorded.has_token(), body, parsed.reason());
        let mut content = self.content();
        if !Arc::ptr_eq(&rules, &content.current.rules) {
            // Other rules were loaded since.
            rules = Arc::clone(&content.current.rules);
            parsed = rules.read(request);
        }
        if parsed.operation().is_none() {
            content.unmatched.add(method, uri);
        }
        let current = &mut content.current;
        // Inside the lock: a request that is evaluated later has a later time.
        let stamp = self.clock.stamp();
        let now = stamp.moment;
        let (outcome, reason, change) =
            current
                .state
                .judge_with_reason(&rules, &parsed, client.source, now);
        let failure = current.schedule.request(&call(&parsed, client, now));
        let change = change.filter(|_| commits(failure.as_ref()));
        let is_changed = change.as_ref().is_some_and(Change::replaces);
        if let Some(change) = change {
            let stale = failure.as_ref().and_then(|failure| failure.action.stale);
            current.state.commit(match stale {
                Some(stale) => change.lagging(grace_period(stale, now)),
                None => change,
            });
        }
        let overridden = failure
            .as_ref()
            .map(|failure| override_outcome(&rules, failure, outcome, &parsed).1);
        // Inside the lock: the journal is in the order of the evaluations.
        let entry = self.journal.push(EntryData {
            at_ns: now.nanoseconds(),
            wall: stamp.wall,
            source: client.source,
            connection: client.connection,
            operation: parsed.operation(),
            outcome: overridden.unwrap_or(outcome).outcome,
            reason: Some(reason),
            failure: failure.as_ref().map(|failure| Arc::clone(&failure.mode)),
            changed: is_changed,
            findings,
            request: recorded,
        });
        drop(content);
        Evaluation {
            rules,
            parsed,
            outcome,
            failure,
            entry,
            received: stamp.age,
        }
    }
}

impl Evaluation<'_> {
    /// Renders the response, and applies the failure to it.
    fn render(&self) -> Answer {
        let Some(failure) = &self.failure else {
            return Answer::plain(self.rules.word(self.outcome, &self.parsed));
        };
        let (rules, outcome) = override_outcome(&self.rules, failure, self.outcome, &self.parsed);
        let delivery = Delivery::plain(rules.word(outcome, &self.parsed));
        Answer::delivered(
            failure.action.apply(&failure.random, delivery),
            self.received,
        )
    }
}

/// Returns a request as the failure modes see it.
pub(super) fn call<'a>(parsed: &'a Asked<'_>, client: Client, now: Moment) -> Call<'a> {
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

/// Returns the outcome that a failure mode has in place of the appliance's, and the rules that render it.
pub(super) fn override_outcome<'a>(
    rules: &'a Rules,
    failure: &'a Trigger,
    outcome: Worded,
    parsed: &Asked<'_>,
) -> (&'a Rules, Worded) {
    let answering = &failure.action.response;
    let rules = answering.rules.as_deref().unwrap_or(rules);
    let outcome = answering
        .outcome
        .and_then(|outcome| rules.wording_of(parsed.operation(), outcome))
        .unwrap_or(outcome);
    (rules, outcome)
}

fn grace_period(stale: Stale, now: Moment) -> Lag {
    match stale {
        Stale::For(time) => Lag::Until(Moment(now.0.saturating_add(time))),
        Stale::Requests(count) => Lag::Validations(count),
    }
}

//! A host as the server asks it: each request judged, noted and changed under one lock, worded and bent outside.

use std::{pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, request::Parts};

use super::Host;
use crate::{
    appliance::{Asked, Change, Lag, Moment, Rules, Worded},
    clock::Clock,
    contract::{Circumstance, Outcome},
    failure::{Call, Delivery, Stale, Trigger},
    journal::{EntryData, EntryId, Findings, Progress, RecordedRequest, Wall},
    server::{Answered, Client, Greeted, Refusal, Service},
};

impl Service for Host {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> Answered {
        let mut rules = self.rules();
        let mut asked = rules.read(request);
        let recorded = RecordedRequest::new(
            request.method(),
            request.uri(),
            request.headers(),
            request.body(),
        );
        let findings = Findings::of(
            request.uri(),
            recorded.has_token(),
            request.body(),
            asked.reason(),
        );
        let (worded, trigger, id, age) = {
            let mut content = self.content();
            // Replaced since the request was parsed.
            if !Arc::ptr_eq(&rules, &content.present.rules) {
                rules = Arc::clone(&content.present.rules);
                asked = rules.read(request);
            }
            if asked.operation().is_none() {
                content.unmatched.note(request.method(), request.uri());
            }
            let present = &mut content.present;
            // Asked inside: whoever comes later is judged by a later time.
            let stamp = self.clock.stamp();
            let now = stamp.moment;
            let (worded, reason, change) =
                present
                    .state
                    .judge_with_reason(&rules, &asked, client.source, now);
            let call = Call {
                operation: asked.operation(),
                user: asked.user(),
                source: client.source,
                connection: client.connection,
                now,
            };
            let trigger = present.schedule.request(&call);
            let change = change.filter(|_| {
                trigger
                    .as_ref()
                    .is_none_or(|trigger| trigger.action.commits())
            });
            let arrival = EntryData {
                at_ns: now.nanoseconds(),
                wall: stamp.wall,
                source: client.source,
                connection: client.connection,
                operation: asked.operation(),
                outcome: trigger
                    .as_ref()
                    .map_or(worded, |trigger| {
                        answering(&rules, trigger, worded, &asked).1
                    })
                    .outcome,
                reason: Some(reason),
                failure: trigger.as_ref().map(|trigger| Arc::clone(&trigger.mode)),
                changed: change.as_ref().is_some_and(Change::replaces),
                findings,
                request: recorded,
            };
            if let Some(change) = change {
                let stale = trigger.as_ref().and_then(|trigger| trigger.action.stale);
                present.state.commit(match stale {
                    Some(stale) => change.lagging(lag(stale, now)),
                    None => change,
                });
            }
            // Inside as well: the journal's order is that of the judgements.
            let id = self.journal.push(arrival);
            (worded, trigger, id, stamp.age)
        };
        self.journal.pushed();
        let answered = match trigger {
            None => Answered::plain(rules.reply(worded, &asked)),
            Some(trigger) => {
                let (rules, worded) = answering(&rules, &trigger, worded, &asked);
                Answered::bent(
                    trigger
                        .action
                        .apply(&trigger.random, Delivery::plain(rules.word(worded, &asked))),
                    age,
                )
            }
        };
        answered.noted(id)
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> Answered {
        let rules = self.rules();
        let operation = rules.operation_at(head.uri.path());
        if operation.is_none() {
            self.content().unmatched.note(&head.method, &head.uri);
        }
        let (outcome, response) = match refusal {
            Refusal::BadRequest => (Outcome::BadRequest, rules.refusal(Outcome::BadRequest)),
            Refusal::BodyTooLarge => (
                Outcome::BodyTooLarge,
                rules.refuse_body(head, Circumstance::BodyTooLarge),
            ),
            Refusal::HeadTooLarge => (Outcome::HeadTooLarge, rules.refusal(Outcome::HeadTooLarge)),
            Refusal::RequestTimeout => (
                Outcome::RequestTimeout,
                rules.refusal(Outcome::RequestTimeout),
            ),
        };
        let stamp = self.clock.stamp();
        let id = self.journal.push(EntryData {
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
        self.journal.pushed();
        Answered::plain(response).noted(id)
    }

    fn ended(&self, id: EntryId, status: StatusCode, progress: Progress, now: Wall) {
        self.journal.complete(&id, status, progress, now);
        if super::tell::is_heard() {
            self.tell(&id);
        }
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn greet(&self, client: Client) -> Greeted {
        self.connections.came();
        let now = self.clock.now();
        let trigger =
            self.content()
                .present
                .schedule
                .connection(client.source, client.connection, now);
        match trigger
            .as_ref()
            .map(|trigger| (trigger.action.down, &trigger.action.tls))
        {
            Some((Some(time), _)) => Greeted::Down(time),
            Some((None, Some(greeting))) => Greeted::Fired(greeting.clone()),
            Some((None, None)) | None => Greeted::Well,
        }
    }

    fn gone(&self, connection: u64) {
        self.connections.went();
        self.content()
            .present
            .schedule
            .connection_closed(connection);
    }

    async fn outage(&self) -> Duration {
        loop {
            let mut rescheduled = pin!(self.rescheduled.notified());
            // Before looking: what changes after the look is then not missed.
            rescheduled.as_mut().enable();
            match self.closure(self.clock.now()) {
                Ok(time) => return time,
                Err(None) => rescheduled.await,
                Err(Some(next)) => tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = rescheduled => {}
                },
            }
        }
    }
}

/// Returns what a mode has answered in place of what the appliance came to, and by which rules that is worded.
pub(super) fn answering<'a>(
    rules: &'a Rules,
    trigger: &'a Trigger,
    worded: Worded,
    asked: &Asked<'_>,
) -> (&'a Rules, Worded) {
    let answering = &trigger.action.response;
    let rules = answering.rules.as_deref().unwrap_or(rules);
    // Every outcome a mode may name is worded somewhere; were it not, what the appliance came to is.
    let worded = answering
        .outcome
        .and_then(|outcome| rules.wording_of(asked.operation(), outcome))
        .unwrap_or(worded);
    (rules, worded)
}

fn lag(stale: Stale, now: Moment) -> Lag {
    match stale {
        Stale::For(time) => Lag::Until(Moment(now.0.saturating_add(time))),
        Stale::Requests(count) => Lag::Validations(count),
    }
}

impl Host {
    /// Strikes with a mode that closes the port by the clock, if now is its time, and returns for how long; else when to ask again.
    fn closure(&self, now: Moment) -> Result<Duration, Option<Moment>> {
        let present = &mut self.content().present;
        let mut next: Option<Moment> = None;
        for (mode, during, length) in present.schedule.scheduled_outages() {
            let end = during.from.saturating_add(length);
            if now.0 < during.from {
                let from = Moment(during.from);
                next = Some(next.map_or(from, |next| next.min(from)));
            } else if now.0 < end {
                present.schedule.fired_by_clock(&mode);
                return Ok(end - now.0);
            }
        }
        Err(next)
    }
}

//! How a request is answered. Parsing and rendering happen outside the lock; evaluation, the failure
//! modes' counts, the change of the state and the journal entry inside.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{Method, Request, Uri, request::Parts};

use super::{Content, MockAppliance, ScheduledAppliance, unmatched};
use crate::{
    appliance::{GracePeriod, Moment, ParsedRequest, Reason, ResponseKey, Rules},
    clock,
    clock::{Clock, Timestamp},
    contract::Outcome,
    failure::{Call, Delivery, Page, Stale, Trigger},
    journal::{
        EntryClass, EntryData, EntryId, Finding, Progress, RecordedRequest, SentAnswer, named_user,
        suggestion,
    },
    server::{AcceptDecision, Client, PinnedFuture, Refusal, ServerAnswer, Service},
};

/// What was decided of a request under the lock: it is rendered outside.
pub(super) struct Decision {
    /// What is rendered unless a failure mode replaces it.
    response_key: ResponseKey,
    pub(super) class: EntryClass,
    pub(super) reason: Reason,
    /// The failure mode that fires.
    trigger: Option<Trigger>,
    /// Whether a password was replaced.
    pub(super) changed: bool,
}

impl Service for MockAppliance {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        let (method, uri) = (request.method(), request.uri());
        let recorded = RecordedRequest::new(
            (method, uri, request.version()),
            request.headers(),
            request.body(),
        );
        let mut rules = self.rules();
        let mut parsed = rules.parse_request(request);
        let mut noticed = notice(request, &parsed);
        let mut content = self.lock_content();
        if !Arc::ptr_eq(&rules, &content.current.appliance.rules) {
            // The readings were changed before the lock was taken.
            rules = Arc::clone(&content.current.appliance.rules);
            parsed = rules.parse_request(request);
            noticed = notice(request, &parsed);
        }
        let (findings, user) = noticed;
        // Inside the lock: a request that is evaluated later has a later time, and a later entry.
        let stamp = self.clock.timestamp();
        let current = &mut content.current;
        let decision = current.evaluate_and_commit(&parsed, client, stamp.moment);
        let operation = decision.class.operation;
        let met = operation.ok_or_else(|| content.describe(method, uri));
        if let Err(unmatched) = &met {
            content.unmatched.add(unmatched.clone());
        }
        let reason = rules.with_field(decision.reason, operation, request.body());
        let is_rejected = parsed.rejection().is_some();
        let advice = is_rejected.then(|| Finding::advice_on(&findings, reason));
        let name = Arc::clone(&content.name);
        let data = EntryData {
            reason: Some(reason),
            user,
            changed: decision.changed,
            findings,
            ..entry_data(&stamp, client, decision.class.clone(), recorded)
        };
        let entry = self.journal.change(|journal| journal.push(data));
        // What follows needs no lock.
        drop(content);
        let note = advice.map(|advice| match met {
            Ok(operation) => format!("{name}: {operation} was refused: {advice}"),
            Err(unmatched) => {
                let meant = suggestion(&rules, uri.path());
                format!("{name}: {unmatched} met no operation: {meant}")
            }
        });
        ServerAnswer {
            delivery: decision.render_delivery(&rules, &parsed, uri.path()),
            received: stamp.age,
            entry: Some(entry),
            note,
        }
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        let rules = self.rules();
        let outcome = refusal.outcome();
        let class = EntryClass {
            operation: rules.operation_at(head.uri.path()),
            outcome: Some(outcome),
            judged: outcome,
            failure: None,
            connection_failure: None,
        };
        let recorded =
            RecordedRequest::new((&head.method, &head.uri, head.version), &head.headers, &[]);
        let mut content = self.lock_content();
        let described = content.describe(&head.method, &head.uri);
        content.unmatched.add(format!("{described} ({outcome})"));
        let (name, advice) = (&content.name, refusal.advice());
        let note = format!("{name}: {described} was refused: {advice}");
        let stamp = self.clock.timestamp();
        let data = EntryData {
            findings: vec![Finding::Unlawful],
            ..entry_data(&stamp, client, class, recorded)
        };
        let entry = self.journal.change(|journal| journal.push(data));
        drop(content);
        ServerAnswer {
            entry: Some(entry),
            note: Some(note),
            ..ServerAnswer::plain(rules.render_rejection(head, outcome))
        }
    }

    fn on_unreadable(&self) {
        self.lock_content().unmatched.add("not HTTP/1.1".to_owned());
    }

    fn complete(&self, entry: EntryId, sent: SentAnswer, progress: Progress, now: Instant) {
        self.journal
            .change(|journal| journal.complete(&entry, sent, progress, now));
        self.log(&entry);
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn on_accept(&self, client: Client) -> AcceptDecision {
        let mut content = self.lock_content();
        if content.is_port_closed {
            // Another connection has closed it a moment ago.
            return AcceptDecision::ClosePort;
        }
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
        let schedule = &mut self.lock_content().current.schedule;
        schedule.connection_closed(connection);
    }

    fn next_outage(&self) -> PinnedFuture<'_> {
        Box::pin(self.wait_by_clock(|| self.begin_scheduled_outage()))
    }

    fn outage_end(&self) -> PinnedFuture<'_> {
        Box::pin(self.wait_by_clock(|| self.end_outage_if_over()))
    }

    fn on_reopened(&self) {
        self.lock_content().is_port_closed = false;
    }
}

impl Content {
    /// Describes a request, for people.
    fn describe(&self, method: &Method, uri: &Uri) -> String {
        unmatched::line(method, uri, &self.current.appliance.state.directory)
    }
}

impl ScheduledAppliance {
    /// Evaluates a request, counts it at the failure modes, and makes its change unless one prevents that.
    pub(super) fn evaluate_and_commit(
        &mut self,
        request: &ParsedRequest<'_>,
        client: Client,
        now: Moment,
    ) -> Decision {
        let rules = &self.appliance.rules;
        let state = &mut self.appliance.state;
        let evaluation = state.evaluate(rules, request, client.source, now);
        let evaluated_outcome = evaluation.key.outcome;
        let trigger = self.schedule.request(&Call {
            operation: request.operation(),
            outcome: Some(evaluated_outcome),
            user: request.user(),
            source: client.source,
            connection: client.connection,
            now,
        });
        let action = trigger.as_ref().map(|trigger| &trigger.action);
        let commits = action.is_none_or(|action| action.commits());
        let change = evaluation.change.filter(|_| commits);
        let changed = change
            .as_ref()
            .is_some_and(|change| change.new_password.is_some());
        if let Some(mut change) = change {
            let stale = action.and_then(|action| action.stale);
            change.grace_period = stale.map(|stale| match stale {
                Stale::For(time) => GracePeriod::Until(Moment(now.0.saturating_add(time))),
                Stale::Requests(count) => GracePeriod::Validations(count),
            });
            state.commit(change);
        }
        let sent_outcome = match action {
            None => Some(evaluated_outcome),
            Some(action) => {
                let key = action.response_key(&self.appliance.rules, evaluation.key);
                action.response.sent_outcome(key.outcome)
            }
        };
        let class = EntryClass {
            operation: request.operation(),
            outcome: sent_outcome,
            judged: evaluated_outcome,
            failure: trigger.as_ref().map(|trigger| Arc::clone(&trigger.mode)),
            connection_failure: self.schedule.fired_on_connection(client.connection),
        };
        Decision {
            response_key: evaluation.key,
            class,
            reason: evaluation.reason,
            trigger,
            changed,
        }
    }
}

impl Decision {
    /// Renders the answer, and lets the failure mode change it and its delivery. Where a redirection leads, there is a sign-in page.
    pub(super) fn render_delivery(
        &self,
        rules: &Rules,
        request: &ParsedRequest<'_>,
        path: &str,
    ) -> Delivery {
        let Some(trigger) = &self.trigger else {
            return Delivery::plain(rules.render_response(self.response_key, request));
        };
        let action = &trigger.action;
        if action.response.redirects_to(path) {
            return Delivery::plain(Page::Login.response());
        }
        action.deliver(&trigger.random, rules, self.response_key, request)
    }
}

impl Refusal {
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Refusal::BadRequest => Outcome::BadRequest,
            Refusal::BodyTooLarge => Outcome::BodyTooLarge,
            Refusal::HeadTooLarge => Outcome::HeadTooLarge,
            Refusal::RequestTimeout => Outcome::RequestTimeout,
        }
    }

    /// Says what is wrong with a request that the server refuses by itself.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Refusal::BadRequest => {
                "it breaks a rule of HTTP: no Host or several, a target or a transfer coding that is not valid, or a body that ends early (RFC 9112)"
            }
            Refusal::BodyTooLarge => Finding::TooLarge.advice(),
            Refusal::HeadTooLarge => {
                "its header lines are longer than an appliance reads (32 KiB, assumed)"
            }
            Refusal::RequestTimeout => {
                "its body took longer than an appliance waits (30 s, assumed)"
            }
        }
    }
}

/// Returns what is wrong with a client, as far as a request shows it, and whom the request is about.
fn notice(
    request: &Request<Bytes>,
    parsed: &ParsedRequest<'_>,
) -> (Vec<Finding>, Option<Box<str>>) {
    let findings = Finding::all_in(request, parsed.rejection());
    let user = parsed.user().map(Box::from);
    let user = user.or_else(|| Some(named_user(request.body())?.into()));
    (findings, user)
}

/// Returns the entry of a request of which nothing more is known.
fn entry_data(
    stamp: &Timestamp,
    client: Client,
    class: EntryClass,
    request: RecordedRequest,
) -> EntryData {
    EntryData {
        at: stamp.moment,
        instant: stamp.instant,
        time: clock::wall_time(),
        source: client.source,
        connection: client.connection,
        user: None,
        class,
        reason: None,
        changed: false,
        findings: Vec::new(),
        request,
    }
}

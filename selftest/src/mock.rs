//! The mock of one trial: the product's own, or a front with a fault that answers in its place and shares its state.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use d4iot_double::{
    appliance::{ParsedRequest, ResponseKey, Rules},
    client::{Target, TargetOptions},
    clock::Clock,
    contract::{Condition, Outcome},
    fixture::Fixture,
    runner::RunContext,
    server,
    server::{
        Client, Limits, MockAppliance, Refusal, RunningAppliance, ServerAnswer, Service,
        tls::Identity,
    },
};
use http::{Request, request::Parts};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::fault::Fault;

/// A running mock.
pub struct Mock {
    served: RunningAppliance,
    /// The front's task, and what ends it.
    front: Option<(JoinHandle<()>, oneshot::Sender<()>)>,
}

impl Mock {
    /// Starts a mock of a fixture, and a front before it where there is a fault.
    ///
    /// # Errors
    /// No port, or no client.
    pub fn start(
        fixture: &Fixture,
        fault: Option<Fault>,
        identity: &Identity,
    ) -> Result<(Mock, RunContext), String> {
        let (served, mut lab) = RunContext::mock(fixture, "mock".to_owned(), identity)
            .map_err(|error| error.to_string())?;
        let mut mock = Mock {
            served,
            front: None,
        };
        if let Some(fault) = fault {
            mock.put_front(fixture, fault, &mut lab, identity)?;
        }
        Ok((mock, lab))
    }

    fn put_front(
        &mut self,
        fixture: &Fixture,
        fault: Fault,
        lab: &mut RunContext,
        identity: &Identity,
    ) -> Result<(), String> {
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .map_err(|error| format!("no port for a front: {error}"))?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let front = Arc::new(Front {
            fault,
            rules: Rules::with_defaults(fixture.kind),
            host: Arc::clone(self.served.appliance()),
            turn: Mutex::new(()),
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let running = identity.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "the front is a server of its own"
        )]
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server::run(listener, Some(running), front, Limits::default(), stopped).await;
        });
        let options = TargetOptions {
            trust: self.served.ca_pem().map(str::to_owned),
            ..TargetOptions::default()
        };
        lab.target = Target::new(&format!("https://{address}"), &options)
            .map_err(|error| error.to_string())?;
        self.front = Some((task, stop));
        Ok(())
    }

    /// Stops the mock, once the connections are gone.
    pub async fn end(self) {
        if let Some((task, stop)) = self.front {
            drop(stop);
            // A runtime that shuts down meanwhile cancels the task, which is an end as well.
            drop(task.await);
        }
        self.served.stop().await;
    }
}

/// Answers in place of a mock, with a fault.
struct Front {
    fault: Fault,
    rules: Arc<Rules>,
    host: Arc<MockAppliance>,
    /// Held while a request is answered: its change is made to the state it met.
    turn: Mutex<()>,
}

impl Service for Front {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (response, state) = self.fault.answer(
            &self.rules,
            &self.host.state(),
            request,
            client.source,
            self.host.clock().now(),
        );
        self.host.set_state(state);
        ServerAnswer::plain(response)
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        let outcome = match refusal {
            Refusal::BadRequest => Outcome::BadRequest,
            Refusal::BodyTooLarge => Outcome::BodyTooLarge,
            Refusal::HeadTooLarge => Outcome::HeadTooLarge,
            Refusal::RequestTimeout => Outcome::RequestTimeout,
        };
        let operation = self.rules.operation_at(head.uri.path());
        let key = ResponseKey {
            operation: operation
                .filter(|_| refusal == Refusal::BodyTooLarge)
                .and_then(|operation| outcome.at(operation)),
            outcome,
        };
        let parsed = ParsedRequest::Rejected(key, Condition::MalformedBody);
        let response = self.host.refuse(head, refusal, client).into_response();
        ServerAnswer::plain(self.fault.disturb(&self.rules, response, key, &parsed))
    }

    fn clock(&self) -> &Clock {
        self.host.clock()
    }
}

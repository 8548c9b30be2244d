//! A fake appliance: a mock that behaves as documented except for what a row says, and that remembers what was done to it.

mod exchange;
mod ledger;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    appliance::User,
    clock::Clock,
    contract::Kind,
    failure::{CloseKind, CutPoint, Delivery, Schedule},
    fixture,
    redact::Secret,
    server,
    server::{
        Client, Limits, MockAppliance, PinnedFuture, Refusal, ServerAnswer, Service, reachable,
        tls::Identity,
    },
};
pub(crate) use exchange::{Exchange, is_success, json_response};
use http::{Request, Response, request::Parts};
pub(crate) use ledger::{Ledger, Lock, LockedBy, Seen};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{runtime::Runtime, sync::Notify, task::AbortHandle};

/// What an appliance does with a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It answers after this time.
    After(Duration, Response<Bytes>),
    /// It restarts instead of answering: its connections are reset and its port is closed for this time.
    Down(Duration),
    /// It never answers, and keeps the connection.
    Hang,
    /// It answers at once.
    Now(Response<Bytes>),
    /// It resets the connection.
    Reset,
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Answer {
        Answer::Now(response)
    }
}

impl Answer {
    fn delivery(self) -> Delivery {
        let plain = Delivery::plain;
        let ends = |how| Delivery {
            end: Some((how, CutPoint::BeforeAnswer)),
            ..plain(Response::new(Bytes::new()))
        };
        match self {
            Answer::After(wait, response) => Delivery {
                wait,
                ..plain(response)
            },
            Answer::Hang => ends(CloseKind::Hang),
            Answer::Now(response) => plain(response),
            Answer::Down(_) | Answer::Reset => ends(CloseKind::Reset),
        }
    }
}

/// What a row says about an appliance.
pub(crate) type Responder = Arc<dyn Fn(&Exchange<'_>) -> Answer + Send + Sync>;

/// When the process that asks is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KillAt {
    /// The number of the request, counted from the moment this was set.
    pub(crate) request: usize,
    /// Whether the request is carried out before.
    pub(crate) after: bool,
}

pub(crate) struct FakeAppliance {
    host: Arc<MockAppliance>,
    kind: Kind,
    lock: Lock,
    responder: Mutex<Responder>,
    ledger: Mutex<Ledger>,
    kill: Mutex<Option<(KillAt, usize)>>,
    process: Mutex<Option<Pid>>,
    started: Condvar,
    /// Until when the port stays closed.
    down: Mutex<Option<Instant>>,
    goes_down: Notify,
}

impl FakeAppliance {
    /// The passwords that users have now.
    pub(crate) fn passwords(&self) -> BTreeMap<String, String> {
        self.ledger().settle(&self.host);
        passwords(&self.host)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap()
    }

    pub(crate) fn behave(&self, responder: Responder) {
        *self.responder.lock().unwrap() = responder;
    }

    /// Gives a user another password, whatever the contract says.
    pub(crate) fn set_password(&self, username: &str, password: &str) {
        set_password(&self.host, username, password);
    }

    /// Kills the process that is started next.
    pub(crate) fn kill_at(&self, kill: KillAt) {
        *self.process.lock().unwrap() = None;
        *self.kill.lock().unwrap() = Some((kill, 0));
    }

    pub(crate) fn never_kill(&self) {
        *self.kill.lock().unwrap() = None;
    }

    /// How many requests could change a password, as far as their bodies tell.
    pub(crate) fn changes(&self) -> usize {
        let ledger = self.ledger();
        ledger.seen.iter().filter(|seen| seen.changes()).count()
    }

    /// Notes the process that gets signals.
    pub(crate) fn started(&self, id: u32) {
        *self.process.lock().unwrap() = Pid::from_raw(i32::try_from(id).unwrap());
        self.started.notify_all();
    }

    /// Sends a signal to the process that asks.
    pub(crate) fn signal(&self, signal: Signal) {
        let mut process = self.process.lock().unwrap();
        // The process may ask before its number is noted.
        while process.is_none() {
            process = self.started.wait(process).unwrap();
        }
        kill_process(process.unwrap(), signal).unwrap();
    }

    /// Whether the process is killed at this request, and whether the request is carried out before.
    fn kills(&self) -> Option<bool> {
        let mut kill = self.kill.lock().unwrap();
        let (at, count) = kill.as_mut()?;
        *count += 1;
        (*count == at.request).then_some(at.after)
    }
}

impl Service for FakeAppliance {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        let (kills, received) = (self.kills(), self.clock().timestamp().age);
        if kills == Some(false) {
            self.signal(Signal::KILL);
            return answer(Answer::Reset, received);
        }
        let responder = Arc::clone(&self.responder.lock().unwrap());
        self.ledger().settle(&self.host);
        let exchange = Exchange::new(self, request, client);
        let before = passwords(&self.host);
        let given = responder(&exchange);
        self.ledger().note_changes(&before, &passwords(&self.host));
        if kills == Some(true) {
            self.signal(Signal::KILL);
        }
        if let Answer::Down(time) = &given {
            *self.down.lock().unwrap() = Some(Instant::now() + *time);
            self.goes_down.notify_one();
        }
        answer(given, received)
    }

    fn clock(&self) -> &Clock {
        self.host.clock()
    }

    fn next_outage(&self) -> PinnedFuture<'_> {
        Box::pin(self.goes_down.notified())
    }

    fn outage_end(&self) -> PinnedFuture<'_> {
        let until = self.down.lock().unwrap().take();
        Box::pin(async move {
            if let Some(until) = until {
                tokio::time::sleep_until(until.into()).await;
            }
        })
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        self.host.refuse(head, refusal, client)
    }
}

fn answer(given: Answer, received: Duration) -> ServerAnswer {
    let mut plain = ServerAnswer::plain(Response::new(Bytes::new()));
    plain.received = received;
    plain.delivery = given.delivery();
    plain
}

pub(crate) fn passwords(host: &MockAppliance) -> BTreeMap<String, String> {
    let state = host.state();
    let users = state.directory.users();
    users
        .map(|user| (user.username.clone(), user.password.expose().to_owned()))
        .collect()
}

fn set_password(host: &MockAppliance, username: &str, password: &str) {
    let mut state = host.state();
    if let Some(user) = state.directory.find(username).cloned() {
        state.directory.put(User {
            password: Secret::new(password),
            ..user
        });
    }
    host.set_state(state);
}

/// A fake appliance on a port of its own.
pub(crate) struct Running {
    pub(crate) fake: Arc<FakeAppliance>,
    pub(crate) address: SocketAddr,
    tls: bool,
    server: AbortHandle,
}

impl Running {
    pub(crate) fn start(fixture: &str, lock: Lock, tls: bool, responder: Responder) -> Running {
        let fixture = fixture::read("fake.yaml", fixture).unwrap();
        let host = MockAppliance::new(fixture.appliance(), Schedule::default());
        Running::around(Arc::new(host), fixture.kind, lock, tls, responder)
    }

    /// A fake appliance that asks a mock.
    pub(crate) fn around(
        host: Arc<MockAppliance>,
        kind: Kind,
        lock: Lock,
        tls: bool,
        responder: Responder,
    ) -> Running {
        let fake = Arc::new(FakeAppliance {
            ledger: Mutex::new(Ledger::new(passwords(&host))),
            kind,
            host,
            lock,
            responder: Mutex::new(responder),
            kill: Mutex::default(),
            process: Mutex::default(),
            started: Condvar::new(),
            down: Mutex::default(),
            goes_down: Notify::new(),
        });
        let (address, server) = serve("127.0.0.1:0".parse().unwrap(), &fake, tls.then_some(&*KEY));
        Running {
            fake,
            address,
            tls,
            server,
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Another machine, with another key, takes the address.
    pub(crate) fn replace_machine(&mut self) {
        self.server.abort();
        // The listener is dropped with its task; its port is free as soon as the task has ended.
        while !self.server.is_finished() {
            std::thread::yield_now();
        }
        self.server = serve(self.address, &self.fake, Some(&OTHER_KEY)).1;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn serve(
    address: SocketAddr,
    fake: &Arc<FakeAppliance>,
    identity: Option<&Identity>,
) -> (SocketAddr, AbortHandle) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    });
    // A test may have a runtime of its own.
    let _entered = RUNTIME.enter();
    let listener = server::bind(address).unwrap();
    let address = reachable(listener.local_addr().unwrap());
    let service = Arc::<FakeAppliance>::clone(fake);
    let served = server::run(
        listener,
        identity.cloned(),
        service,
        Limits::default(),
        std::future::pending(),
    );
    (address, RUNTIME.spawn(served).abort_handle())
}

static KEY: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&[]).unwrap());
static OTHER_KEY: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&[]).unwrap());

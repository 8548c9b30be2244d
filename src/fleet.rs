//! The appliances of one process, by name: made from fixtures, changed while they run, ended.
//!
//! ```text
//! fixture ─bind─▶ Berth ─serve─▶ Member ─delete─▶ the port is closed, its connections are gone
//! ```
//!
//! They share one identity and one count of connections, and nothing else: each has a port, users, failure modes and a clock of
//! its own. What is bound and not yet served can still be given up, so that several start together or not at all.

mod error;
mod member;
mod ports;
mod strict;

use std::{
    collections::HashMap,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use error::{Error, Unbound};
pub use member::{Member, reachable};
pub use ports::Ports;
use tokio::net::TcpListener;

use crate::{
    failure::FailureMode,
    fixture::Fixture,
    fleet::{ports::Lease, strict::Findings},
    host::Host,
    served::Served,
    server::{Limits, Listening, tls::Identity},
};

/// The appliances of one process. Clones are the same fleet.
#[derive(Clone, Debug)]
pub struct Fleet(Arc<Inner>);

/// What all appliances of a process have in common.
#[derive(Debug)]
pub struct Settings {
    /// As whom they speak TLS; none over plain HTTP.
    pub identity: Option<Identity>,
    /// The limits of each; their count of connections is that of all.
    pub limits: Arc<Limits>,
    /// Where those listen that ask for no port.
    pub ports: Ports,
    /// The address on which those listen that ask for none.
    pub ip: IpAddr,
    /// The seed of everything random, whatever a fixture says.
    pub seed: Option<u64>,
    /// The seed of a fixture that names none.
    pub made_up_seed: u64,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    crew: Mutex<Crew>,
}

#[derive(Debug, Default)]
struct Crew {
    members: HashMap<Arc<str>, Arc<Member>>,
    /// How many there have ever been: the order in which they are told.
    count: u64,
    /// Nobody joins any more.
    ending: bool,
    findings: Findings,
}

/// A port that is bound for an appliance which is not served yet.
#[derive(Debug)]
pub struct Berth {
    listener: TcpListener,
    mooring: Mooring,
}

/// What an appliance gives back when its port is closed.
#[derive(Debug)]
struct Mooring {
    _lease: Lease,
    _listening: Listening,
}

impl Fleet {
    /// Returns a fleet without appliances.
    pub fn new(settings: Settings) -> Fleet {
        Fleet(Arc::new(Inner {
            settings,
            crew: Mutex::default(),
        }))
    }

    /// Returns what all have in common.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Returns the seed of a fixture's failure modes: the process's own, else the fixture's, else the one made up.
    pub fn seed_of(&self, fixture: &Fixture) -> u64 {
        let settings = self.settings();
        settings
            .seed
            .or(fixture.seed)
            .unwrap_or(settings.made_up_seed)
    }

    /// Binds a port and serves an appliance on it. Must be called inside a runtime.
    ///
    /// # Errors
    /// Those of [`Fleet::bind`] and [`Fleet::serve`]; nothing was started then.
    pub fn create(&self, fixture: &Fixture) -> Result<Arc<Member>, Error> {
        // Before anything is bound, so that a name is told rather than a port.
        self.crew().admits(&fixture.name)?;
        self.serve(fixture, self.bind(fixture, None)?)
    }

    /// Tells whether an appliance's failure modes can happen here.
    ///
    /// # Errors
    /// [`Error::Transport`] and [`Error::Certificate`].
    pub fn suits(&self, fixture: &Fixture) -> Result<(), Error> {
        let identity = self.settings().identity.as_ref();
        fixture
            .check_transport(identity.is_some())
            .map_err(Error::Transport)?;
        fixture
            .failures
            .iter()
            .try_for_each(|failure| self.can_show(&fixture.name, failure))
    }

    /// Tells whether a failure mode's certificate can be shown here.
    ///
    /// # Errors
    /// [`Error::Certificate`].
    pub fn can_show(&self, name: &str, failure: &FailureMode) -> Result<(), Error> {
        let at_fault = failure
            .action
            .tls
            .as_ref()
            .is_some_and(|greeting| greeting.certificate.is_some());
        match &self.settings().identity {
            Some(identity) if at_fault && !identity.can_misbehave() => Err(Error::Certificate {
                name: name.to_owned(),
                mode: failure.name.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Binds a port: where the fixture asks, else at `address`, else as the fleet's settings say.
    ///
    /// # Errors
    /// A mode that cannot happen here, an address that cannot be bound, too many appliances.
    pub fn bind(&self, fixture: &Fixture, address: Option<SocketAddr>) -> Result<Berth, Error> {
        self.suits(fixture)?;
        let settings = self.settings();
        let listening = settings
            .limits
            .connections
            .listening()
            .ok_or_else(|| Error::TooMany(self.crew().members.len()))?;
        let address = fixture
            .listen
            .or(address)
            .unwrap_or(SocketAddr::new(settings.ip, 0));
        let (listener, lease) = settings
            .ports
            .bind(address)
            .map_err(|reason| self.unbound(fixture, address, reason))?;
        Ok(Berth {
            listener,
            mooring: Mooring {
                _lease: lease,
                _listening: listening,
            },
        })
    }

    /// Serves an appliance on a port that was bound for it. Must be called inside a runtime.
    ///
    /// # Errors
    /// A name that is taken, the end of the process, a listener without an address.
    pub fn serve(&self, fixture: &Fixture, berth: Berth) -> Result<Arc<Member>, Error> {
        let settings = self.settings();
        let host = Host::of(fixture, self.seed_of(fixture)).named(&fixture.name);
        // Under the lock, so that of two appliances with one name only one ever answers.
        let mut crew = self.crew();
        crew.admits(&fixture.name)?;
        let double = Served::serve(
            berth.listener,
            host,
            settings.identity.as_ref(),
            Arc::clone(&settings.limits),
        )
        .map_err(|reason| self.unbound(fixture, SocketAddr::new(settings.ip, 0), reason))?;
        crew.count += 1;
        let member = Arc::new(Member::new(
            crew.count,
            fixture,
            self.seed_of(fixture),
            double,
            berth.mooring,
        ));
        crew.members.insert(member.name(), Arc::clone(&member));
        Ok(member)
    }

    /// Lets an appliance become another between two requests, on the same port; its connections stay.
    ///
    /// # Errors
    /// Another's name, a mode that cannot happen here; it is as before then.
    pub fn change(&self, member: &Arc<Member>, fixture: &Fixture) -> Result<(), Error> {
        self.suits(fixture)?;
        let mut crew = self.crew();
        let name = member.name();
        if *name != *fixture.name {
            crew.admits(&fixture.name)?;
        }
        crew.findings.add(member.unmatched());
        member.become_another(fixture, self.seed_of(fixture));
        if let Some(member) = crew.members.remove(&name) {
            crew.members.insert(member.name(), member);
        }
        Ok(())
    }

    /// Returns the appliance of a name.
    pub fn find(&self, name: &str) -> Option<Arc<Member>> {
        self.crew().members.get(name).cloned()
    }

    /// Tells whether nobody joins any more.
    pub fn is_ending(&self) -> bool {
        self.crew().ending
    }

    /// Returns how many appliances there are.
    pub fn count(&self) -> usize {
        self.crew().members.len()
    }

    /// Returns all appliances, the first made first.
    pub fn members(&self) -> Vec<Arc<Member>> {
        let mut members: Vec<Arc<Member>> = self.crew().members.values().cloned().collect();
        members.sort_by_key(|member| member.number());
        members
    }

    /// Stops an appliance at once, and frees its name. What is returned completes when its port is closed and its connections are
    /// gone; none where there is no such appliance.
    pub fn delete(&self, name: &str) -> Option<impl Future<Output = ()> + Send + use<>> {
        let member = self.crew().members.remove(name)?;
        Some(self.close(&member))
    }

    /// Ends all appliances; nobody joins any more. Returns what a strict user wants to know: requests that hit no operation, armed
    /// modes that never fired.
    pub async fn end(&self) -> Vec<String> {
        let members = {
            self.crew().ending = true;
            self.members()
        };
        // All are stopped before the first is waited for.
        let stopped: Vec<_> = members.iter().map(|member| member.stop()).collect();
        for stopped in stopped.into_iter().flatten() {
            stopped.await;
        }
        let mut crew = self.crew();
        crew.members.clear();
        let mut findings = std::mem::take(&mut crew.findings);
        members
            .iter()
            .for_each(|member| findings.add(member.unmatched()));
        members
            .iter()
            .for_each(|member| findings.add(member.idle()));
        findings.lines()
    }

    /// The port is given back when it is closed, even if whoever asked for the end does not wait for it.
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of an appliance is a task of the runtime it runs in"
    )]
    fn close(&self, member: &Arc<Member>) -> impl Future<Output = ()> + Send + use<> {
        let (fleet, member, stopped) = (self.clone(), Arc::clone(member), member.stop());
        let closed = tokio::spawn(async move {
            if let Some(stopped) = stopped {
                stopped.await;
                fleet
                    .crew()
                    .findings
                    .add(member.unmatched().into_iter().chain(member.idle()));
            }
        });
        // A runtime that is shut down meanwhile cancels it, which is an end as well.
        async move { drop(closed.await) }
    }

    fn unbound(&self, fixture: &Fixture, address: SocketAddr, reason: std::io::Error) -> Error {
        let has_port =
            |member: &Arc<Member>| address.port() != 0 && member.address().port() == address.port();
        let neighbour = self
            .members()
            .into_iter()
            .find(has_port)
            .map(|member| member.name().to_string());
        let (name, ports, asked) = (
            fixture.name.clone(),
            self.settings().ports.to_string(),
            fixture.listen.is_some(),
        );
        Error::Unbound(Unbound {
            name,
            address,
            ports,
            asked,
            neighbour,
            reason,
        })
    }

    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.0.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crew {
    fn admits(&self, name: &str) -> Result<(), Error> {
        if self.ending {
            Err(Error::Ending)
        } else if self.members.contains_key(name) {
            Err(Error::NameTaken(name.to_owned()))
        } else {
            Ok(())
        }
    }
}

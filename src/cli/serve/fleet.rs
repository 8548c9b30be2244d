//! The appliances that are served: started, changed while they run, and ended.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::cli::serve::Options;
use crate::cli::serve::bind::Addresses;
use crate::cli::serve::prepare;
use crate::cli::serve::watch::Files;
use crate::cli::talk::Talk;
use crate::fixture;
use crate::fixture::Fixture;
use crate::host::Host;
use crate::served::Served;
use crate::server::Limits;
use crate::server::Log;
use crate::server::tls::Identity;

/// All appliances of a process.
pub(super) struct Fleet<'a> {
    options: &'a Options,
    talk: &'a Talk,
    pub(super) identity: Option<Identity>,
    pub(super) seed: u64,
    limits: Limits,
    addresses: Addresses,
    pub(super) members: Vec<Member>,
    /// What is wrong with appliances that were changed or removed.
    findings: Vec<String>,
}

/// One appliance and where it comes from.
pub(super) struct Member {
    path: Option<PathBuf>,
    pub(super) fixture: Fixture,
    pub(super) double: Served,
    /// The failure modes that struck before the fixture was changed.
    struck: BTreeSet<String>,
}

impl<'a> Fleet<'a> {
    /// Binds every listener, then serves; one that cannot be bound starts nothing.
    pub(super) fn start(
        options: &'a Options,
        talk: &'a Talk,
        identity: Option<Identity>,
        seed: u64,
        fixtures: Vec<(Option<PathBuf>, Fixture)>,
    ) -> Result<Fleet<'a>, String> {
        let spoken = *talk;
        let limits = Limits { log: Log::to(move |line| spoken.note(line)), ..Limits::default() };
        let mut fleet =
            Fleet { options, talk, identity, seed, limits, addresses: Addresses::from(options.listen), members: Vec::new(), findings: Vec::new() };
        let listeners: Vec<_> = fixtures.iter().map(|(_, fixture)| fleet.addresses.bind(fixture)).collect::<Result<_, _>>()?;
        for ((path, fixture), listener) in fixtures.into_iter().zip(listeners) {
            let member = fleet.serve(path, fixture, listener)?;
            fleet.members.push(member);
        }
        Ok(fleet)
    }

    /// Serves what files now say: validated and bound first, then changed. Returns the names of appliances on a new port.
    ///
    /// An appliance whose fixture is the same keeps its state; one whose fixture changed begins anew, and keeps its port and its
    /// connections unless it asks for another address.
    pub(super) fn reload(&mut self, files: &Files) -> Result<Vec<String>, String> {
        let fixtures = prepare(parse(files)?, self.options, self.identity.as_ref())?;
        let addresses = self.addresses.clone();
        let mut bound = Vec::new();
        for (path, fixture) in &fixtures {
            let stays = self.members.iter().any(|member| member.path == *path && member.fixture.listen == fixture.listen);
            match if stays { Ok(None) } else { self.addresses.bind(fixture).map(Some) } {
                Ok(listener) => bound.push(listener),
                Err(error) => {
                    self.addresses = addresses;
                    return Err(error);
                }
            }
        }
        let mut old = std::mem::take(&mut self.members);
        let mut started = Vec::new();
        for ((path, fixture), listener) in fixtures.into_iter().zip(bound) {
            let before = old.iter().position(|member| member.path == path).map(|index| old.remove(index));
            let member = match (before, listener) {
                (Some(member), None) => self.change(member, fixture),
                (before, Some(listener)) => {
                    match &before {
                        Some(before) => self.talk.note(format!("{} moves to another address", before.fixture.name)),
                        None => self.talk.note(format!("added {fixture}")),
                    }
                    started.push(fixture.name.clone());
                    old.extend(before);
                    self.serve(path, fixture, listener)?
                }
                (None, None) => continue,
            };
            self.members.push(member);
        }
        for member in old {
            if !started.contains(&member.fixture.name) {
                self.talk.note(format!("removed {}", member.fixture.name));
            }
            self.findings.extend(unmatched(&member.fixture.name, member.double.host()));
            drop(member.double);
        }
        Ok(started)
    }

    /// Ends all and returns what a strict user wants to know: requests that hit no operation, armed modes that never fired.
    pub(super) async fn end(self) -> Vec<String> {
        let mut findings = self.findings;
        let (mut hosts, mut ends) = (Vec::new(), Vec::new());
        for member in self.members {
            hosts.push((member.fixture.name, Arc::clone(member.double.host()), member.struck));
            ends.push(member.double.end());
        }
        for end in ends {
            end.await;
        }
        for (name, host, struck) in hosts {
            findings.extend(unmatched(&name, &host));
            let idle = host.counters().into_iter().filter(|counter| counter.armed && counter.struck == 0 && !struck.contains(&counter.mode));
            findings.extend(
                idle.map(|counter| format!("{name}: the armed failure mode {} never fired, of {} it could have", counter.mode, counter.seen)),
            );
        }
        findings
    }

    fn serve(&self, path: Option<PathBuf>, fixture: Fixture, listener: TcpListener) -> Result<Member, String> {
        let host = Host::of(&fixture, self.seed_of(&fixture));
        let double = Served::serve(listener, host, self.identity.as_ref(), self.limits.clone())
            .map_err(|error| format!("serving {}: {error}", fixture.name))?;
        Ok(Member { path, fixture, double, struck: BTreeSet::new() })
    }

    fn change(&mut self, mut member: Member, fixture: Fixture) -> Member {
        let changes = changes(&member.fixture, &fixture);
        if changes.is_empty() {
            return member;
        }
        self.findings.extend(unmatched(&member.fixture.name, member.double.host()));
        member.struck.extend(member.double.host().counters().into_iter().filter(|counter| counter.struck > 0).map(|counter| counter.mode));
        member.double.host().state_in(&fixture, self.seed_of(&fixture));
        self.talk.note(format!("{} begins anew, changed: {}", fixture.name, changes.join(", ")));
        Member { fixture, ..member }
    }

    /// The command line's seed, else the fixture's own, else the one made up.
    fn seed_of(&self, fixture: &Fixture) -> u64 {
        self.options.seed.or(fixture.seed).unwrap_or(self.seed)
    }
}

fn parse(files: &Files) -> Result<Vec<(Option<PathBuf>, Fixture)>, String> {
    let mut errors = String::new();
    let mut named = Vec::new();
    for (path, bytes) in files {
        match fixture::read_bytes(&path.display().to_string(), bytes) {
            Ok(fixture) => named.push((path.display().to_string(), fixture)),
            // Writing into a string never fails.
            Err(error) => drop(writeln!(errors, "{error}")),
        }
    }
    if !errors.is_empty() {
        return Err(errors.trim_end().to_owned());
    }
    fixture::distinct(&named).map_err(|error| error.to_string())?;
    Ok(files.iter().map(|(path, _)| Some(path.clone())).zip(named.into_iter().map(|(_, fixture)| fixture)).collect())
}

/// Names what is not the same in two fixtures.
fn changes(old: &Fixture, new: &Fixture) -> Vec<&'static str> {
    let same = [
        ("kind", old.kind == new.kind),
        ("name", old.name == new.name),
        ("users", old.state.directory == new.state.directory),
        ("policy", old.state.policy == new.state.policy),
        ("lock-out", old.state.lockout == new.state.lockout),
        ("readings", format!("{:?}", old.readings) == format!("{:?}", new.readings)),
        // A mode shows all of itself, and no password stands in one.
        ("failures", format!("{:?}", old.failures) == format!("{:?}", new.failures)),
        ("seed", old.seed == new.seed),
        ("what happened so far", old.so_far == new.so_far),
    ];
    same.into_iter().filter_map(|(what, same)| (!same).then_some(what)).collect()
}

fn unmatched(name: &str, host: &Host) -> Option<String> {
    let unmatched = host.unmatched();
    (unmatched.count > 0).then(|| format!("{name}: {unmatched}"))
}

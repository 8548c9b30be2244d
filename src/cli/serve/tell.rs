//! Telling what is served where: the CA's certificate, the ready file, the ready lines, and how to ask.

use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use crate::cli::ready;
use crate::cli::ready::Ready;
use crate::cli::ready::ReadyFile;
use crate::cli::ready::Served;
use crate::cli::serve::Options;
use crate::cli::serve::banner;
use crate::cli::serve::fleet::Fleet;
use crate::cli::serve::fleet::Member;
use crate::cli::talk::Talk;
use crate::server::tls::Identity;

/// What was told; the ready file is removed when this is dropped.
pub(super) struct Told {
    file: Option<ReadyFile>,
}

impl Told {
    /// Tells of all appliances: in files first, then on stdout, then to the person at the terminal.
    pub(super) fn tell(options: &Options, talk: &Talk, fleet: &Fleet<'_>) -> Result<Told, String> {
        if let (Some(path), Some(ca)) = (&options.ca_out, fleet.identity.as_ref().and_then(Identity::ca_pem)) {
            ready::write_whole(path, ca)?;
        }
        let file = options.ready_file.as_ref().map(|path| of(fleet).write(path)).transpose()?;
        lines(fleet.members.iter());
        greet(talk, &fleet.members);
        Ok(Told { file })
    }

    /// Tells of a change: the file anew, and a line for each appliance of these names.
    pub(super) fn tell_again(&mut self, options: &Options, fleet: &Fleet<'_>, started: &[String]) -> Result<(), String> {
        if let Some(path) = &options.ready_file {
            self.file = Some(of(fleet).write(path)?);
        }
        lines(fleet.members.iter().filter(|member| started.contains(&member.fixture.name)));
        Ok(())
    }
}

fn of(fleet: &Fleet<'_>) -> Ready {
    let served = |member: &Member| Served { name: member.fixture.name.clone(), kind: member.fixture.kind, url: url(member) };
    Ready {
        version: Ready::VERSION,
        pid: std::process::id(),
        seed: fleet.seed,
        ca: fleet.identity.as_ref().and_then(Identity::ca_pem).map(str::to_owned),
        control: None,
        appliances: fleet.members.iter().map(served).collect(),
    }
}

fn lines<'a>(members: impl Iterator<Item = &'a Member>) {
    let lines: String = members.map(|member| format!("ready appliance {} {}\n", member.fixture.name, url(member))).collect();
    let mut out = io::stdout().lock();
    // Whoever closed stdout does not want to read it.
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
}

/// Says how the first appliance of each kind can be asked: of many, one is like another.
fn greet(talk: &Talk, members: &[Member]) {
    let mut kinds = Vec::new();
    for member in members {
        if kinds.contains(&member.fixture.kind) {
            continue;
        }
        if let Some(command) = banner::how_to_ask(&member.fixture, &url(member)) {
            talk.note(format!("ask {}: {command}", member.fixture.name));
        }
        kinds.push(member.fixture.kind);
    }
    talk.note("Ctrl-C ends it, -q says less");
}

fn url(member: &Member) -> String {
    format!("{}://{}", member.double.scheme(), reachable(member.double.address()))
}

/// An address a client on this machine can use: no address at all means this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

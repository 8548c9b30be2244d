//! Telling what is served where: the CA's certificate, the ready file, the ready lines.

use std::fs;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use crate::cli::serve::Options;
use crate::cli::serve::fleet::Fleet;
use crate::cli::serve::fleet::Member;
use crate::server::tls::Identity;

/// What was told; the ready file is removed when this is dropped.
pub(super) struct Ready {
    file: Option<PathBuf>,
}

impl Ready {
    /// Tells of all appliances: in files first, then on stdout.
    pub(super) fn tell(options: &Options, fleet: &Fleet<'_>) -> Result<Ready, String> {
        if let (Some(path), Some(ca)) = (&options.ca_out, fleet.identity.as_ref().and_then(Identity::ca_pem)) {
            write_whole(path, ca)?;
        }
        let ready = Ready { file: options.ready_file.clone() };
        ready.write(fleet)?;
        lines(fleet.members.iter());
        Ok(ready)
    }

    /// Tells of a change: the file anew, and a line for each appliance of these names.
    pub(super) fn tell_again(&self, fleet: &Fleet<'_>, started: &[String]) -> Result<(), String> {
        self.write(fleet)?;
        lines(fleet.members.iter().filter(|member| started.contains(&member.fixture.name)));
        Ok(())
    }

    fn write(&self, fleet: &Fleet<'_>) -> Result<(), String> {
        let Some(path) = &self.file else { return Ok(()) };
        let appliances: Vec<_> = fleet
            .members
            .iter()
            .map(|member| serde_json::json!({ "name": member.fixture.name, "kind": member.fixture.kind, "url": url(member) }))
            .collect();
        let ready = serde_json::json!({
            "version": 1,
            "pid": std::process::id(),
            "seed": fleet.seed,
            "ca": fleet.identity.as_ref().and_then(Identity::ca_pem),
            "control": null,
            "appliances": appliances,
        });
        write_whole(path, &format!("{ready}\n"))
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            drop(fs::remove_file(path));
        }
    }
}

fn lines<'a>(members: impl Iterator<Item = &'a Member>) {
    let lines: String = members.map(|member| format!("ready appliance {} {}\n", member.fixture.name, url(member))).collect();
    let mut out = io::stdout().lock();
    // Whoever closed stdout does not want to read it.
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
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

/// Writes a file so that nobody ever reads half of it: a temporary file beside it, then a rename.
#[expect(clippy::disallowed_methods, reason = "files go where the command line says")]
fn write_whole(path: &Path, text: &str) -> Result<(), String> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        drop(fs::remove_file(&temporary));
        format!("writing {}: {error}", path.display())
    })
}

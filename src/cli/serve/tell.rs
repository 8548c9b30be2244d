//! Telling what is served where: the CA's certificate, the ready file, the ready lines, and how to ask.

use std::{io::Write, mem};

use crate::{
    cli::{
        Stdout, ready,
        ready::{Ready, ReadyFile, Served},
        serve::{
            Options, banner,
            roster::{Entry, Roster},
        },
        talk::Talk,
    },
    server::tls::Identity,
};

/// What was told; the ready file is removed when this is dropped.
pub(super) struct Told {
    file: Option<ReadyFile>,
    control: Option<String>,
}

impl Told {
    /// Tells of all appliances: in files first, then on stdout, then to the person at the terminal.
    pub(super) async fn tell(
        options: &Options,
        talk: &Talk,
        roster: &Roster<'_>,
        control: Option<String>,
    ) -> Result<Told, String> {
        if let (Some(path), Some(ca)) = (
            &options.ca_out,
            roster
                .fleet
                .settings()
                .identity
                .as_ref()
                .and_then(Identity::ca_pem),
        ) {
            let (path, ca) = (path.clone(), ca.to_owned());
            away(move || ready::write_whole(&path, &ca)).await?;
        }
        let file = write(options, roster, control.as_deref()).await?;
        lines(roster.entries.iter(), control.as_deref());
        greet(talk, &roster.entries);
        Ok(Told { file, control })
    }

    /// Tells of a change: the file anew, and a line for each appliance of these names.
    pub(super) async fn tell_again(
        &mut self,
        options: &Options,
        roster: &Roster<'_>,
        started: &[String],
    ) -> Result<(), String> {
        let file = write(options, roster, self.control.as_deref()).await?;
        if let Some(old) = mem::replace(&mut self.file, file) {
            old.keep();
        }
        lines(
            roster
                .entries
                .iter()
                .filter(|entry| started.contains(&entry.fixture.name)),
            None,
        );
        Ok(())
    }
}

/// Writes the ready file, where one is asked for.
async fn write(
    options: &Options,
    roster: &Roster<'_>,
    control: Option<&str>,
) -> Result<Option<ReadyFile>, String> {
    let Some(path) = options.ready_file.clone() else {
        return Ok(None);
    };
    let ready = of(roster, control);
    away(move || ready.write(&path)).await.map(Some)
}

/// Writes on a thread that may wait: a FIFO keeps its writer until it has a reader.
async fn away<T: Send + 'static>(
    write: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(write)
        .await
        .unwrap_or_else(|_| Err("writing a file ended early".into()))
}

fn of(roster: &Roster<'_>, control: Option<&str>) -> Ready {
    let served = |entry: &Entry| Served {
        name: entry.fixture.name.clone(),
        kind: entry.fixture.kind,
        url: entry.member.url(),
    };
    let settings = roster.fleet.settings();
    Ready {
        version: Ready::VERSION,
        pid: std::process::id(),
        seed: settings.seed.unwrap_or(settings.default_seed),
        ca: settings
            .identity
            .as_ref()
            .and_then(Identity::ca_pem)
            .map(str::to_owned),
        control: control.map(str::to_owned),
        appliances: roster.entries.iter().map(served).collect(),
    }
}

fn lines<'a>(entries: impl Iterator<Item = &'a Entry>, control: Option<&str>) {
    let mut lines: String = entries
        .map(|entry| {
            format!(
                "ready appliance {} {}\n",
                entry.fixture.name,
                entry.member.url()
            )
        })
        .collect();
    lines.extend(control.map(|url| format!("ready control {url}\n")));
    // A closed stdout is not an error.
    drop(
        Stdout
            .write_all(lines.as_bytes())
            .and_then(|()| Stdout.flush()),
    );
}

/// Says how the first appliance of each kind can be asked: of many, one is like another.
fn greet(talk: &Talk, entries: &[Entry]) {
    let mut kinds = Vec::new();
    for entry in entries {
        if kinds.contains(&entry.fixture.kind) {
            continue;
        }
        if let Some(command) = banner::how_to_ask(&entry.fixture, &entry.member.url()) {
            talk.note(format!("ask {}: {command}", entry.fixture.name));
        }
        kinds.push(entry.fixture.kind);
    }
    talk.note("Ctrl-C ends it, -q says less");
}

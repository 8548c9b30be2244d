//! Announces the appliances: the CA's certificate, the ready file, the ready lines, and example requests.

use std::{io::Write, mem};

use crate::{
    cli::{
        Stdout,
        console::Console,
        error::{CliError, Result},
        ready,
        ready::{Ready, ReadyAppliance, ReadyFile},
        serve::{
            ServeArgs, banner,
            fixture_set::{Entry, FixtureSet},
        },
    },
    server::tls::Identity,
};

/// What was announced; the ready file is removed when this is dropped.
pub(super) struct Announcement {
    file: Option<ReadyFile>,
    control: Option<String>,
}

impl Announcement {
    /// Announces all appliances: in files first, then on stdout, then to the person at the terminal.
    pub(super) async fn new(
        options: &ServeArgs,
        console: &Console,
        fixtures: &FixtureSet<'_>,
        control: Option<String>,
    ) -> Result<Announcement> {
        if let (Some(path), Some(ca)) = (
            &options.ca_out,
            fixtures
                .registry
                .settings()
                .identity
                .as_ref()
                .and_then(Identity::ca_pem),
        ) {
            let (path, ca) = (path.clone(), ca.to_owned());
            away(move || ready::write_whole(&path, &ca)).await?;
        }
        let file = write(options, fixtures, control.as_deref()).await?;
        lines(fixtures.entries.iter(), control.as_deref());
        greet(console, &fixtures.entries);
        Ok(Announcement { file, control })
    }

    /// Announces a change: the file again, and a line for each appliance of these names.
    pub(super) async fn update(
        &mut self,
        options: &ServeArgs,
        fixtures: &FixtureSet<'_>,
        started: &[String],
    ) -> Result<()> {
        let file = write(options, fixtures, self.control.as_deref()).await?;
        if let Some(old) = mem::replace(&mut self.file, file) {
            old.keep();
        }
        lines(
            fixtures
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
    options: &ServeArgs,
    fixtures: &FixtureSet<'_>,
    control: Option<&str>,
) -> Result<Option<ReadyFile>> {
    let Some(path) = options.ready_file.clone() else {
        return Ok(None);
    };
    let ready = of(fixtures, control);
    away(move || ready.write(&path)).await.map(Some)
}

/// Writes on a thread that may wait: a FIFO keeps its writer until it has a reader.
async fn away<T: Send + 'static>(write: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(write)
        .await
        .unwrap_or_else(|_| Err(CliError::usage("writing a file ended early")))
}

fn of(fixtures: &FixtureSet<'_>, control: Option<&str>) -> Ready {
    let served = |entry: &Entry| ReadyAppliance {
        name: entry.fixture.name.clone(),
        kind: entry.fixture.kind,
        url: entry.member.url(),
    };
    let settings = fixtures.registry.settings();
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
        appliances: fixtures.entries.iter().map(served).collect(),
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

/// Prints an example request for the first appliance of each kind.
fn greet(console: &Console, entries: &[Entry]) {
    let mut kinds = Vec::new();
    for entry in entries {
        if kinds.contains(&entry.fixture.kind) {
            continue;
        }
        if let Some(command) = banner::example_request(&entry.fixture, &entry.member.url()) {
            console.note(format!("ask {}: {command}", entry.fixture.name));
        }
        kinds.push(entry.fixture.kind);
    }
    console.note("Ctrl-C stops the appliances, -q prints less");
}

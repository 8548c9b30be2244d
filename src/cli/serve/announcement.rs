//! Announces the appliances: the CA's certificate, the ready file, the ready lines, and example requests.

use std::{collections::BTreeMap, mem, path::Path};

use crate::{
    cli::{
        console::Console,
        error::Result,
        print, ready,
        ready::{Ready, ReadyAppliance, ReadyFile},
        runtime,
        serve::{
            ServeArgs, banner, believes,
            fixture_set::{Entry, FixtureSet},
        },
    },
    server::tls::Identity,
};

/// What was announced; the ready file is removed when this is dropped.
pub(super) struct Announcement {
    file: Option<ReadyFile>,
    urls: ProcessUrls,
}

impl Announcement {
    /// Announces all appliances: in files first, then on stdout, then to the person at the terminal.
    pub(super) async fn new(
        options: &ServeArgs,
        console: &Console,
        fixtures: &FixtureSet<'_>,
        urls: ProcessUrls,
    ) -> Result<Announcement> {
        if let (Some(path), Some(ca)) = (options.ca_out.clone(), ca_of(fixtures)) {
            runtime::on_blocking_thread(move || ready::write_whole(&path, &ca)).await?;
        }
        let file = write(options, fixtures, &urls).await?;
        let control_line = urls
            .control
            .iter()
            .map(|url| format!("ready control {url}\n"));
        let lines = fixtures.entries.iter().map(line).chain(control_line);
        // A closed stdout is not an error.
        drop(print(lines.collect::<String>()));
        greet(console, &fixtures.entries);
        Ok(Announcement { file, urls })
    }

    /// Announces a change: the file again, and a line for each appliance of these names.
    pub(super) async fn update(
        &mut self,
        options: &ServeArgs,
        fixtures: &FixtureSet<'_>,
        started: &[String],
    ) -> Result<()> {
        let file = write(options, fixtures, &self.urls).await?;
        if let Some(old) = mem::replace(&mut self.file, file) {
            old.keep();
        }
        let is_started = |entry: &&Entry| started.contains(&entry.fixture.name);
        let lines = fixtures.entries.iter().filter(is_started).map(line);
        drop(print(lines.collect::<String>()));
        Ok(())
    }
}

/// The URLs of what is served once for the process.
pub(super) struct ProcessUrls {
    pub(super) control: Option<String>,
    /// The address for probes.
    pub(super) health: Option<String>,
}

/// Writes the ready file, where one is asked for.
async fn write(
    options: &ServeArgs,
    fixtures: &FixtureSet<'_>,
    urls: &ProcessUrls,
) -> Result<Option<ReadyFile>> {
    let Some(path) = options.ready_file.clone() else {
        return Ok(None);
    };
    let appliance = |entry: &Entry| ReadyAppliance {
        name: entry.fixture.name.clone(),
        kind: entry.fixture.kind,
        url: entry.appliance.url(),
    };
    let ready = Ready {
        version: Ready::VERSION,
        pid: std::process::id(),
        seed: fixtures.seed(),
        ca: ca_of(fixtures),
        control: urls.control.clone(),
        health: urls.health.clone().unwrap_or_default(),
        appliances: fixtures.entries.iter().map(appliance).collect(),
    };
    runtime::on_blocking_thread(move || ready.write(&path))
        .await
        .map(Some)
}

/// The certificate of the generated CA, as PEM text.
fn ca_of(fixtures: &FixtureSet<'_>) -> Option<String> {
    let identity = fixtures.registry.settings().identity.as_ref();
    identity.and_then(Identity::ca_pem).map(str::to_owned)
}

fn line(entry: &Entry) -> String {
    format!(
        "ready appliance {} {}\n",
        entry.fixture.name,
        entry.appliance.url()
    )
}

/// Prints an example request for the first appliance of each kind.
fn greet(console: &Console, entries: &[Entry]) {
    let mut kinds = Vec::new();
    for Entry {
        fixture, appliance, ..
    } in entries
    {
        if kinds.contains(&fixture.kind) {
            continue;
        }
        if let Some(command) = banner::example_request(fixture, &appliance.url()) {
            console.note(format!("ask {}: {command}", fixture.name));
        }
        kinds.push(fixture.kind);
    }
    console.note("Ctrl-C stops the appliances, -q prints less");
}

/// Prints the seed that repeats what is random, unless the user has named one.
pub(super) fn note_seed(served: &FixtureSet<'_>, console: &Console) {
    let entries = || served.entries.iter();
    let has_none = |entry: &&Entry| entry.fixture.seed.is_none();
    let is_random = |entry: &Entry| !entry.fixture.failures.is_empty() || entry.fixture.drift > 0;
    let settings = served.registry.settings();
    if settings.seed.is_some() || !entries().filter(has_none).any(is_random) {
        return;
    }
    let seed = settings.default_seed;
    console.note(match entries().find(|entry| entry.fixture.seed.is_some()) {
        None => format!("seed {seed}; --seed {seed} repeats everything random"),
        // The option would be that of the others too.
        Some(_) => format!(
            "seed {seed} where a fixture names none; `seed: {seed}` in each of those repeats everything random"
        ),
    });
}

/// Prints which replicas each entry of `drift` has, if the user asks for more.
pub(super) fn log_drift(served: &FixtureSet<'_>, console: &Console) {
    let mut drift: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for Entry { path, fixture, .. } in served.entries.iter().filter(|it| it.fixture.drift > 0) {
        let names = drift.entry((path, fixture.drift)).or_default();
        names.push(&fixture.name);
    }
    for ((path, number), names) in drift {
        let file = path.as_deref().unwrap_or(Path::new("")).display();
        let (count, shown) = (names.len(), believes::listed(&names, 50));
        console.detail(format!("drift {number} of {file} ({count}): {shown}"));
    }
}

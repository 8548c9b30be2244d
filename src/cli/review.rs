//! `pending`, `review`, `accept`, `reject`: a snapshot becomes the baseline by a person's decision only.

use std::{
    env, io,
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{agreed, code, selection::matcher, talk::Talk},
    contract::Kind,
    redact::Secret,
    runner::{AccountsFile, acceptance::AcceptanceRule},
    snapshot::{PendingSnapshot, SnapshotFolder},
};

/// Which pending snapshots are meant.
#[derive(Args, Debug)]
pub struct Options {
    /// Ids, as `sensor/validation.*` or `validation.*`; all without it
    #[arg(value_name = "GLOB", default_value = "*")]
    glob: String,
    /// The folder that holds the snapshots, or one folder of each kind
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    snapshots: PathBuf,
    /// Known differences, as check takes them: a deviation is accepted only where it is known
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// The target's accounts: a file that holds one of their passwords is not accepted
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

/// A pending snapshot with the folder it belongs to.
struct Found {
    shelf: SnapshotFolder,
    name: String,
    pending: PendingSnapshot,
}

impl Found {
    fn accept(&self, rule: &AcceptanceRule) -> Result<(), String> {
        let (kind, id) = (
            self.name
                .split_once('/')
                .and_then(|(kind, _)| kind.parse().ok()),
            &self.pending.id,
        );
        self.shelf
            .accept(id, |new| {
                rule.check(id, kind, &new.body)
                    .map_err(|error| error.to_string())
            })
            .map_err(|error| error.to_string())
    }
}

/// What an acceptance goes by: what is known, and the secrets of the accounts and the environment.
fn rule(options: &Options) -> Result<AcceptanceRule, String> {
    let known = options
        .known
        .as_deref()
        .map(agreed::known)
        .transpose()?
        .unwrap_or_default();
    let named = options
        .accounts
        .as_deref()
        .map(|path| AccountsFile::load(path))
        .transpose();
    let mut secrets = Vec::new();
    if let Some(named) = named.map_err(|error| error.to_string())? {
        secrets.extend(named.accounts.into_iter().map(|(account, who)| {
            (
                format!("the password of account `{}`", account.name()),
                who.password,
            )
        }));
        secrets.extend(
            named
                .proxy
                .map(|proxy| ("the proxy's password".to_owned(), proxy.password)),
        );
    }
    let telling = |name: &str| {
        ["PASS", "SECRET", "TOKEN"]
            .iter()
            .any(|word| name.to_uppercase().contains(word))
    };
    let variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    secrets.extend(
        variables
            .filter(|(name, _)| telling(name))
            .map(|(name, value)| {
                (
                    format!("the value of the environment's {name}"),
                    Secret::new(value),
                )
            }),
    );
    Ok(AcceptanceRule { known, secrets })
}

/// Lists new and changed snapshots with their differences.
pub fn pending(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    talk.code(found(options).map(|found| {
        for pending in &found {
            drop(writeln!(out, "{}", shown(pending)));
        }
        drop(writeln!(out, "{} pending", found.len()));
        code::GOOD
    }))
}

/// Accepts what is meant.
pub fn accept(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    match rule(options) {
        Ok(rule) => decide(options, out, talk, "accepted", |found| found.accept(&rule)),
        Err(error) => talk.code(Err(error)),
    }
}

/// Rejects what is meant.
pub fn reject(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    decide(options, out, talk, "rejected", |found| {
        found
            .shelf
            .reject(&found.pending.id)
            .map_err(|error| error.to_string())
    })
}

/// Asks about each in turn.
pub fn review(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    if !io::stdin().is_terminal() {
        talk.error("review asks questions, and stdin is no terminal\n  hint: use pending, accept and reject");
        return code::USAGE;
    }
    talk.code(
        rule(options).and_then(|rule| ask(found(options)?, &rule, out, &mut io::stdin().lock())),
    )
}

fn ask(
    found: Vec<Found>,
    rule: &AcceptanceRule,
    out: &mut dyn Write,
    input: &mut dyn BufRead,
) -> Result<u8, String> {
    let count = found.len();
    for (index, found) in found.into_iter().enumerate() {
        let decided = loop {
            drop(write!(
                out,
                "{}\n[{}/{count}] {}: (a)ccept, (r)eject, (s)kip, (q)uit? ",
                shown(&found),
                index + 1,
                found.name
            ));
            drop(out.flush());
            let mut answer = String::new();
            let read = input
                .read_line(&mut answer)
                .map_err(|error| format!("reading the answer: {error}"))?;
            match answer.trim() {
                "a" | "accept" => match found.accept(rule) {
                    Ok(()) => break Ok(()),
                    // The question stands: what cannot be accepted can be rejected or skipped.
                    Err(refused) => drop(writeln!(out, "cannot {refused}")),
                },
                "r" | "reject" => break found.shelf.reject(&found.pending.id),
                "s" | "skip" => break Ok(()),
                "q" | "quit" => return Ok(code::GOOD),
                _ if read == 0 => return Ok(code::GOOD),
                _ => {}
            }
        };
        decided.map_err(|error| error.to_string())?;
    }
    drop(writeln!(out, "{count} reviewed"));
    Ok(code::GOOD)
}

fn decide(
    options: &Options,
    out: &mut dyn Write,
    talk: &Talk,
    done: &str,
    act: impl Fn(&Found) -> Result<(), String>,
) -> u8 {
    talk.code(found(options).and_then(|found| {
        if found.is_empty() {
            return Err(format!(
                "no pending snapshot matches `{}`\n  hint: `d4iot-double pending` lists them",
                options.glob
            ));
        }
        let mut worst = code::GOOD;
        for pending in &found {
            match act(pending) {
                Ok(()) => drop(writeln!(out, "{done} {}", pending.name)),
                // The others are decided all the same.
                Err(error) => {
                    talk.error(format!("cannot {error}"));
                    worst = code::REFUSED;
                }
            }
        }
        Ok(worst)
    }))
}

fn found(options: &Options) -> Result<Vec<Found>, String> {
    let glob = matcher(&options.glob)?;
    let mut found = Vec::new();
    for (prefix, folder) in folders(&options.snapshots)? {
        let shelf = SnapshotFolder::open(&folder).map_err(|error| error.to_string())?;
        for pending in shelf.pending("*").map_err(|error| error.to_string())? {
            let name = format!("{prefix}{}", pending.id);
            if glob.is_match(&name) || glob.is_match(&pending.id) {
                let shelf = SnapshotFolder::open(&folder).map_err(|error| error.to_string())?;
                found.push(Found {
                    shelf,
                    name,
                    pending,
                });
            }
        }
    }
    Ok(found)
}

/// The folders of both kinds, or the one folder itself.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let kinds: Vec<(String, PathBuf)> = [Kind::Sensor, Kind::Console]
        .iter()
        .map(|kind| (format!("{kind}/"), folder.join(kind.name())))
        .filter(|(_, folder)| folder.is_dir())
        .collect();
    if !kinds.is_empty() {
        Ok(kinds)
    } else if folder.is_dir() {
        Ok(vec![(String::new(), folder.to_owned())])
    } else {
        Err(format!(
            "there is no folder {}\n  hint: name the folder with --snapshots",
            folder.display()
        ))
    }
}

fn shown(found: &Found) -> String {
    let what = if found.pending.old.is_some() {
        "changed"
    } else {
        "new"
    };
    format!(
        "{what} {}: {}\n{}",
        found.name, found.pending.new.header.description, found.pending.diff
    )
}

//! `pending`, `review`, `accept`, `reject`: only a person's decision makes a snapshot the accepted one.

use std::{
    env, io,
    io::{BufRead, IsTerminal, Write},
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        expectations,
        selection::matcher,
        write_out,
    },
    contract::Kind,
    redact::Secret,
    runner::{AccountsFile, acceptance::AcceptanceRule},
    snapshot::{PendingSnapshot, SnapshotFolder},
};

/// The arguments of `pending` and `reject`.
#[derive(Args, Debug)]
pub(super) struct ReviewArgs {
    /// Snapshots whose id matches, as `sensor/validation.*` or `validation.*`
    #[arg(value_name = "GLOB", default_value = "*")]
    glob: String,
    /// The folder of the snapshots, or a folder with one for each kind
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    snapshots: PathBuf,
}

/// The arguments of `review` and `accept`.
#[derive(Args, Debug)]
pub(super) struct AcceptArgs {
    #[command(flatten)]
    options: ReviewArgs,
    /// Known differences, as for check: a deviation is accepted only if it is known
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// The target's accounts: a snapshot that contains one of their passwords is not accepted
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
}

/// A pending snapshot with the folder it belongs to.
struct Candidate {
    folder: SnapshotFolder,
    name: String,
    pending: PendingSnapshot,
}

impl Candidate {
    fn accept(&self, rule: &AcceptanceRule) -> Result<()> {
        let kind = self.name.split_once('/').map(|(kind, _)| kind.parse());
        let (kind, id) = (kind.and_then(std::result::Result::ok), &self.pending.id);
        self.folder
            .accept(id, |new| rule.check(id, kind, &new.body))?;
        Ok(())
    }

    fn reject(&self) -> Result<()> {
        Ok(self.folder.reject(&self.pending.id)?)
    }

    fn text(&self) -> String {
        let state = match self.pending.old {
            Some(_) => "changed",
            None => "new",
        };
        format!(
            "{state} {}: {}\n{}",
            self.name, self.pending.new.header.description, self.pending.diff
        )
    }
}

impl AcceptArgs {
    /// The known differences, and the secrets of the accounts and the environment.
    fn rule(&self) -> Result<AcceptanceRule> {
        let mut secrets = Vec::new();
        if let Some(path) = &self.accounts {
            let named = AccountsFile::load(path)?;
            secrets.extend(named.accounts.into_iter().map(|(account, credentials)| {
                let what = format!("the password of account `{}`", account.name());
                (what, credentials.password)
            }));
            secrets.extend(
                named
                    .proxy
                    .map(|proxy| ("the proxy's password".to_owned(), proxy.password)),
            );
        }
        secrets.extend(env::vars_os().filter_map(|(name, value)| {
            let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
            let what = format!("the value of the environment variable {name}");
            is_secret(&name).then(|| (what, Secret::new(value)))
        }));
        Ok(AcceptanceRule {
            known: expectations::known(self.known.as_deref())?,
            secrets,
        })
    }
}

/// Whether a variable's name says that its value is a secret.
fn is_secret(variable: &str) -> bool {
    let name = variable.to_uppercase();
    ["PASS", "SECRET", "TOKEN"]
        .iter()
        .any(|word| name.contains(word))
}

/// Lists new and changed snapshots with their differences.
pub(super) fn pending(options: &ReviewArgs, out: &mut dyn Write) -> Result {
    let candidates = options.candidates()?;
    let mut text: String = candidates
        .iter()
        .map(|candidate| candidate.text() + "\n")
        .collect();
    text.push_str(&format!("{} pending\n", candidates.len()));
    write_out(out, text)?;
    Ok(code::SUCCESS)
}

/// Accepts the selected snapshots.
pub(super) fn accept(options: &AcceptArgs, out: &mut dyn Write, console: &Console) -> Result {
    let rule = options.rule()?;
    decide(&options.options, out, console, "accepted", |candidate| {
        candidate.accept(&rule)
    })
}

/// Rejects the selected snapshots.
pub(super) fn reject(options: &ReviewArgs, out: &mut dyn Write, console: &Console) -> Result {
    decide(options, out, console, "rejected", Candidate::reject)
}

/// Asks about each snapshot in turn.
pub(super) fn review(options: &AcceptArgs, out: &mut dyn Write) -> Result {
    if !io::stdin().is_terminal() {
        return Err(
            CliError::usage("review asks questions, but stdin is not a terminal")
                .hint("use pending, accept and reject"),
        );
    }
    let rule = options.rule()?;
    let candidates = options.options.candidates()?;
    ask(&candidates, &rule, out, &mut io::stdin().lock())
}

fn ask(
    candidates: &[Candidate],
    rule: &AcceptanceRule,
    out: &mut dyn Write,
    input: &mut dyn BufRead,
) -> Result {
    let count = candidates.len();
    for (index, candidate) in candidates.iter().enumerate() {
        let question = format!(
            "{}\n[{}/{count}] {}: (a)ccept, (r)eject, (s)kip, (q)uit? ",
            candidate.text(),
            index + 1,
            candidate.name
        );
        loop {
            write_out(out, &question)?;
            drop(out.flush());
            let mut answer = String::new();
            let read = input
                .read_line(&mut answer)
                .map_err(|error| CliError::usage(format!("cannot read the answer: {error}")))?;
            match answer.trim() {
                "a" | "accept" => match candidate.accept(rule) {
                    Ok(()) => break,
                    // The question is asked again: the snapshot can still be rejected or skipped.
                    Err(error) => write_out(out, format!("cannot {error}\n"))?,
                },
                "r" | "reject" => break candidate.reject()?,
                "s" | "skip" => break,
                "q" | "quit" => return Ok(code::SUCCESS),
                _ if read == 0 => return Ok(code::SUCCESS),
                _ => {}
            }
        }
    }
    write_out(out, format!("{count} reviewed\n"))?;
    Ok(code::SUCCESS)
}

/// Does the same to all selected snapshots; one that fails keeps none of the others from it.
fn decide(
    options: &ReviewArgs,
    out: &mut dyn Write,
    console: &Console,
    done: &str,
    act: impl Fn(&Candidate) -> Result<()>,
) -> Result {
    let candidates = options.candidates()?;
    if candidates.is_empty() {
        let message = format!("no pending snapshot matches `{}`", options.glob);
        return Err(CliError::usage(message).hint("`d4iot-double pending` lists them"));
    }
    let mut worst = code::SUCCESS;
    for candidate in &candidates {
        match act(candidate) {
            Ok(()) => write_out(out, format!("{done} {}\n", candidate.name))?,
            Err(error) => {
                console.error(format!("cannot {error}"));
                worst = code::REFUSED;
            }
        }
    }
    Ok(worst)
}

impl ReviewArgs {
    fn candidates(&self) -> Result<Vec<Candidate>> {
        let glob = matcher(&self.glob)?;
        let mut candidates = Vec::new();
        for (prefix, path) in folders(&self.snapshots)? {
            let folder = SnapshotFolder::open(&path)?;
            for pending in folder.pending()? {
                let name = format!("{prefix}{}", pending.id);
                if glob.is_match(&name) || glob.is_match(&pending.id) {
                    candidates.push(Candidate {
                        folder: folder.clone(),
                        name,
                        pending,
                    });
                }
            }
        }
        Ok(candidates)
    }
}

/// The folders of both kinds, or the folder itself.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
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
        let message = format!("no such folder: {}", folder.display());
        Err(CliError::usage(message).hint("name the folder with --snapshots"))
    }
}

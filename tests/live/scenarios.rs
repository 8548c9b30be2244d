//! What a run must never do at an appliance, as tables: the binary at fake appliances.
//!
//! Three rules hold for every row: no address or account is locked by the run; no password is left changed without exit code 7 and a
//! journal that can give it back; no account is touched that the accounts file does not name.

mod away;
mod kills;
mod locks;
mod lost;
pub(crate) mod play;
mod policies;
mod recover;

use std::{
    collections::BTreeSet,
    env, panic,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use play::play;

use crate::fake::{Answer, Exchange, Lock, Responder, Running};

/// A row: what the appliance does, and what is run at it.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) responder: Responder,
    fixture: String,
    accounts: String,
    lock: Lock,
    tls: bool,
    steps: Vec<Step>,
    /// The most failed sign-ins in a row.
    row: usize,
    /// Why a password may stay changed that the run did not change, or that nothing can give back.
    lasting: Option<&'static str>,
    /// How many users the appliance may be made to create.
    created: usize,
}

pub(crate) enum Step {
    Act(fn(&mut play::Play)),
    Behave(Responder),
    Changed(&'static [&'static str]),
    Edit(&'static str, &'static str),
    Killed(usize, &'static [&'static str]),
    Run(Run),
}

/// A command, its exit code, and words that it must say.
pub(crate) struct Run {
    command: Command,
    arguments: &'static [&'static str],
    /// One of these; which of them is another table's matter.
    codes: &'static [i32],
    says: &'static [&'static str],
}

#[derive(Clone, Copy)]
pub(crate) enum Command {
    /// `check` without consent at another URL.
    At(fn(&Running) -> String),
    /// `check` with consent.
    Check,
    /// `check` without consent.
    Look,
    Recover,
}

impl Scenario {
    pub(crate) fn new(name: &'static str, behaviour: fn(&Exchange<'_>) -> Answer) -> Scenario {
        Scenario {
            name,
            responder: Arc::new(behaviour),
            fixture: FIXTURE.to_owned(),
            accounts: ACCOUNTS.to_owned(),
            lock: Lock::SENSOR,
            tls: false,
            steps: Vec::new(),
            row: 2,
            lasting: None,
            created: 0,
        }
    }

    /// The appliance behaves.
    fn well(name: &'static str) -> Scenario {
        Scenario::new(name, well)
    }

    pub(crate) fn fixture(mut self, from: &str, to: &str) -> Scenario {
        assert!(self.fixture.contains(from), "{from}");
        self.fixture = self.fixture.replace(from, to);
        self
    }

    /// The accounts file is another one.
    pub(crate) fn accounts(mut self, from: &str, to: &str) -> Scenario {
        assert!(self.accounts.contains(from), "{from}");
        self.accounts = self.accounts.replace(from, to);
        self
    }

    /// The accounts file says this of the policy.
    pub(crate) fn policy(mut self, policy: &str) -> Scenario {
        self.accounts.push_str(&format!("policy: {policy}\n"));
        self
    }

    /// The password of `user` is mistyped in the accounts file.
    pub(crate) fn typo(self) -> Scenario {
        self.accounts("Lab-User-Passw0rd:1", "Typo-Passw0rd:1")
    }

    pub(crate) fn locks(self, lock: Lock) -> Scenario {
        Scenario { lock, ..self }
    }

    fn tls(self) -> Scenario {
        Scenario { tls: true, ..self }
    }

    fn row(self, row: usize) -> Scenario {
        Scenario { row, ..self }
    }

    fn lasting(self, why: &'static str) -> Scenario {
        Scenario {
            lasting: Some(why),
            ..self
        }
    }

    fn created(self, created: usize) -> Scenario {
        Scenario { created, ..self }
    }

    fn step(mut self, step: Step) -> Scenario {
        self.steps.push(step);
        self
    }

    fn run(
        self,
        command: Command,
        arguments: &'static [&'static str],
        codes: &'static [i32],
        says: &'static [&'static str],
    ) -> Scenario {
        self.step(Step::Run(Run {
            command,
            arguments,
            codes,
            says,
        }))
    }

    /// Runs `check` with consent and these arguments.
    fn check(
        self,
        arguments: &'static [&'static str],
        codes: &'static [i32],
        says: &'static [&'static str],
    ) -> Scenario {
        self.run(Command::Check, arguments, codes, says)
    }

    fn recover(
        self,
        arguments: &'static [&'static str],
        codes: &'static [i32],
        says: &'static [&'static str],
    ) -> Scenario {
        self.run(Command::Recover, arguments, codes, says)
    }

    /// Runs `check`, which is killed at a request, after that was carried out.
    fn killed(self, at: usize, arguments: &'static [&'static str]) -> Scenario {
        self.step(Step::Killed(at, arguments))
    }

    /// These users' passwords differ now from those at first.
    fn changed(self, users: &'static [&'static str]) -> Scenario {
        self.step(Step::Changed(users))
    }

    /// The accounts file is edited between two runs.
    fn edit(self, from: &'static str, to: &'static str) -> Scenario {
        self.step(Step::Edit(from, to))
    }

    /// The appliance behaves in another way from here on.
    fn behave(self, behaviour: fn(&Exchange<'_>) -> Answer) -> Scenario {
        self.step(Step::Behave(Arc::new(behaviour)))
    }

    fn act(self, act: fn(&mut play::Play)) -> Scenario {
        self.step(Step::Act(act))
    }
}

#[test]
fn every_scenario_keeps_the_three_rules() {
    let rows: Vec<Scenario> = [
        locks::rows(),
        policies::rows(),
        lost::rows(),
        away::rows(),
        recover::rows(),
    ]
    .into_iter()
    .flatten()
    .collect();
    println!("{} scenarios", rows.len());
    assert!(rows.len() >= 40);
    play_all(rows);
}

/// Plays rows in some threads, and fails with a line for each that went wrong.
pub(crate) fn play_all(rows: Vec<Scenario>) {
    let rows = rows.into_iter().map(|row| {
        (
            row.name.to_owned(),
            Box::new(move || play(row)) as Box<dyn FnOnce() -> Vec<String> + Send>,
        )
    });
    run_all(rows.collect());
}

type Job = (String, Box<dyn FnOnce() -> Vec<String> + Send>);

/// Runs jobs in some threads, each of which returns what went wrong; `D4IOT_ROW` selects by a part of the name.
#[expect(clippy::print_stdout, reason = "slow rows are named")]
pub(crate) fn run_all(jobs: Vec<Job>) {
    let names: BTreeSet<&str> = jobs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), jobs.len(), "two rows have one name");
    let only = env::var("D4IOT_ROW").unwrap_or_default();
    let jobs: Vec<Job> = jobs
        .into_iter()
        .filter(|(name, _)| name.contains(&only))
        .collect();
    let (count, jobs, wrong) = (jobs.len(), Mutex::new(jobs.into_iter()), Mutex::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let next = jobs.lock().unwrap().next();
                    let Some((name, job)) = next else { return };
                    let began = Instant::now();
                    let caught = panic::catch_unwind(AssertUnwindSafe(job));
                    let found = caught.unwrap_or_else(|_| vec!["panicked".to_owned()]);
                    if began.elapsed() > SLOW {
                        println!("{:4.1} s  {name}", began.elapsed().as_secs_f32());
                    }
                    if !found.is_empty() {
                        let found = format!("── {name}\n  {}\n", found.join("\n  "));
                        Vec::push(&mut wrong.lock().unwrap(), found);
                    }
                }
            });
        }
    });
    let wrong: Vec<String> = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {count} rows went wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

pub(crate) fn well(exchange: &Exchange<'_>) -> Answer {
    exchange.answer().into()
}

/// Rows that take longer are named.
const SLOW: Duration = Duration::from_secs(8);

/// Most of a row's time is waiting for time-outs and processes.
const THREADS: usize = 5;

/// `svc` and `root` are users whom nobody has given to the run.
pub(crate) const FIXTURE: &str = r#"
appliance: sensor
users:
  - { username: root, password: "Root-Password-12345", role: admin }
  - { username: boss, password: "Boss-Password-12345", role: admin }
  - { username: svc, password: "Svc-Prod-Passw0rd:1", role: security_analyst }
  - { username: lab-user, password: "Lab-User-Passw0rd:1", role: security_analyst }
  - { username: lab-bystander, password: "Lab-By-Passw0rd:1", role: read_only }
  - { username: lab-readonly, password: "Lab-Ro-Passw0rd:1", role: read_only }
  - { username: lab-analyst, password: "Lab-An-Passw0rd:1", role: security_analyst }
policy: product_16
"#;

pub(crate) use crate::target::stage::ACCOUNTS;

//! `sweep`: runs a client of the API in every failure, and says whether the password survives.
//!
//! ```text
//! clean run ─ the calls it makes ─▶ Scenario ─ a double each ─▶ Attempt ─ client ─▶ run ─ what the appliance holds ─▶ Verdict
//! ```
//!
//! The client is a closure of a test, or a command. A verdict follows from the appliance's state; what the client says of it only
//! tells a failure that it noticed from one that it did not.

mod attempt;
mod closure;
mod jobs;
#[cfg(feature = "cli")]
mod known;
mod mark;
mod matrix;
mod once;
mod report;
mod result;
mod run;
mod scenario;
mod secrets;
mod verdict;

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

pub use attempt::Attempt;
pub(crate) use attempt::{ClientEnding, ClientUnderTest, Ended};
use closure::ClosureClient;
#[cfg(feature = "cli")]
pub(crate) use known::KnownScenarios;
pub use mark::{Mark, MarkName};
pub use report::{LeftOut, SweepReport};
pub use result::{ClientRun, ScenarioResult};
use run::Executor;
pub use scenario::{At, Task};
use scenario::{CleanCall, Scenario};
use thiserror::Error;
pub use verdict::{PasswordKind, Verdict};

use crate::{
    contract::{Glob, Kind, nearest},
    fixture,
    fixture::{Diagnostic, Fixture, hint_line},
    testing,
};

/// Runs a client in every failure of an appliance of this kind; see [`Sweep`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), d4iot_double::SweepError> {
/// use d4iot_double::{Attempt, Kind, Verdict, sweep};
///
/// // A client that gives up before it asks anything would be an error. This one sends one request and looks at the status alone.
/// fn rotate(attempt: &Attempt) -> Result<(), String> {
///     let [old, new] = [attempt.password(), attempt.new_password()].map(Option::unwrap_or_default);
///     let body = format!(r#"{{"username":"{}","password":"{old}","new_password":"{new}"}}"#, attempt.username());
/// #   send(attempt, "set_password", body)
/// # }
/// # fn send(attempt: &Attempt, operation: &str, body: String) -> Result<(), String> {
/// #   let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// #   runtime.block_on(async {
/// #       rustls::crypto::ring::default_provider().install_default().ok();
/// #       let ca = reqwest::Certificate::from_pem(attempt.ca_pem().as_bytes()).unwrap();
/// #       let client = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().build().unwrap();
/// #       let url = format!("{}/api/external/authentication/{operation}", attempt.url());
/// #       let sent = client.post(url).header("content-type", "application/json").body(body).send().await;
/// #       let answer = sent.map_err(|error| error.to_string())?;
/// #       answer.error_for_status().map(drop).map_err(|error| error.to_string())
/// #   })
/// }
///
/// let report = sweep(Kind::Sensor).failures("commit_then_reset").run(rotate)?;
/// assert_eq!(report.verdict("change/commit_then_reset@1"), Some(Verdict::Lost));
/// # Ok(())
/// # }
/// ```
pub fn sweep(kind: Kind) -> Sweep {
    Sweep::new(fixture::built_in(kind))
}

/// What is swept, and how. [`Sweep::run`] runs it.
#[derive(Clone, Debug)]
#[must_use = "nothing is run before `run`"]
pub struct Sweep {
    pub(crate) fixture: Result<Fixture, testing::Error>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) failures: Vec<String>,
    pub(crate) readings: Vec<String>,
    pub(crate) at: At,
    pub(crate) pairs: bool,
    pub(crate) scenario: Option<String>,
    pub(crate) jobs: Option<usize>,
    pub(crate) time: Duration,
    pub(crate) seed: Option<u64>,
    /// The command by which a scenario is run again: what stands before and after its name.
    pub(crate) repeat: Option<[Vec<String>; 2]>,
}

/// Why a sweep has no result.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The fixture cannot be read or served.
    #[error(transparent)]
    Fixture(#[from] testing::Error),
    /// A ready-made failure mode, or one of the fixture, cannot be scheduled so.
    #[error(transparent)]
    Failure(#[from] Diagnostic),
    /// The fixture has nobody whose password could be changed, or who could change it.
    #[error("{0}")]
    Users(&'static str),
    /// A name or a glob means nothing.
    #[error("{option} `{value}` matches no {what}{}", hint_line(hint.as_deref()))]
    Unknown {
        /// What was set, as on the command line.
        option: &'static str,
        /// To what.
        value: String,
        /// What it should name.
        what: &'static str,
        /// What may be meant.
        hint: Option<String>,
    },
    /// The client cannot be run.
    #[error("cannot run the client: {0}")]
    Start(String),
    /// The client does not do its task when nothing fails.
    #[error("{task}: {message}{output}")]
    CleanRun {
        /// The task.
        task: Task,
        /// What is wrong.
        message: String,
        /// The last lines the client printed, without passwords.
        output: String,
    },
    /// It was interrupted.
    #[error("interrupted")]
    Interrupted,
}

/// How far a sweep is.
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "only the command line tells it")
)]
pub(crate) enum SweepEvent<'a> {
    /// So many scenarios will be run, so many at a time.
    Planned(usize, usize),
    /// One has ended.
    Ended(&'a ScenarioResult),
    /// So many failed, and are run again.
    Repeating(usize),
}

impl Sweep {
    pub(crate) fn new(fixture: Fixture) -> Sweep {
        Sweep {
            fixture: Ok(fixture),
            tasks: Vec::new(),
            failures: Vec::new(),
            readings: Vec::new(),
            at: At::Each,
            pairs: false,
            scenario: None,
            jobs: None,
            time: Duration::from_secs(30),
            seed: None,
            repeat: None,
        }
    }

    /// Sweeps an appliance of this fixture: its users and readings, and its failure modes besides the ready-made ones.
    pub fn fixture(mut self, path: impl Into<PathBuf>) -> Sweep {
        self.fixture = testing::read_fixture(&path.into());
        self
    }

    /// Lets the client do this task; can be called again for another one. Default: [`Task::Change`].
    pub fn task(mut self, task: Task) -> Sweep {
        if !self.tasks.contains(&task) {
            self.tasks.push(task);
        }
        self
    }

    /// Only failure modes with this name or glob; can be called again for others. Without readings then, unless those are chosen too.
    pub fn failures(mut self, glob: impl Into<String>) -> Sweep {
        self.failures.push(glob.into());
        self
    }

    /// Only readings of a fact with this name or glob; can be called again. Without failure modes then, unless those are chosen too.
    pub fn readings(mut self, glob: impl Into<String>) -> Sweep {
        self.readings.push(glob.into());
        self
    }

    /// At which calls a failure mode happens. Default: [`At::Each`].
    pub fn at(mut self, at: At) -> Sweep {
        self.at = at;
        self
    }

    /// Also pairs of failures: an answer that is lost or damaged after a change, then another failure at the next call.
    pub fn pairs(mut self) -> Sweep {
        self.pairs = true;
        self
    }

    /// Only the scenario of this name, as a report shows it, or those of a glob.
    pub fn scenario(mut self, name: impl Into<String>) -> Sweep {
        self.scenario = Some(name.into());
        self
    }

    /// How many run side by side. Default: four for each processor, since clients mostly wait.
    pub fn jobs(mut self, jobs: usize) -> Sweep {
        self.jobs = Some(jobs.max(1));
        self
    }

    /// Decides everything random by this seed, below 2^53. Default: the fixture's, or 0.
    pub fn seed(mut self, seed: u64) -> Sweep {
        self.seed = Some(seed);
        self
    }

    /// How long a client may run. Default: 30 s.
    pub fn time(mut self, time: Duration) -> Sweep {
        self.time = time;
        self
    }

    /// Runs a client once without failures and then once for each scenario, and again with the failure gone where that decides.
    ///
    /// An error of the client means that it says the password was not changed. A panic is a crash. One that does not return in time
    /// hangs: its appliance goes away, its thread is left to itself. Blocks; a client that needs a runtime makes one.
    ///
    /// # Errors
    /// The client cannot do its task when nothing fails; a fixture or a name is wrong.
    pub fn run<E: fmt::Display>(
        self,
        client: impl Fn(&Attempt) -> Result<(), E> + Send + Sync + 'static,
    ) -> Result<SweepReport, SweepError> {
        let client = ClosureClient::new(client);
        self.run_with(&client, &AtomicBool::new(false), &|_| ())
    }

    /// Runs a client; `stop` ends it early, `observe` is told how far it is.
    pub(crate) fn run_with(
        self,
        client: &dyn ClientUnderTest,
        stop: &AtomicBool,
        observe: &(dyn Fn(SweepEvent<'_>) + Sync),
    ) -> Result<SweepReport, SweepError> {
        let mut fixture = self.fixture.clone()?;
        fixture.seed = self.seed.or(fixture.seed);
        let modes = scenario::chosen_modes(&self, &fixture)?;
        let executor = Executor::new(&fixture, client, self.time, stop)?;
        let (mut planned, mut left_out) = (Vec::new(), Vec::new());
        let (mut calls, mut all_calls) = (BTreeMap::new(), Vec::new());
        for task in self.wanted_tasks()? {
            let made = executor.clean_run(task)?;
            let (scenarios, others) = scenario::plan(&self, &fixture, &modes, task, &made)?;
            planned.extend(scenarios);
            left_out.extend(others);
            calls.insert(task, made.iter().map(CleanCall::name).collect());
            all_calls.extend(made);
        }
        scenario::check_readings(&self, &fixture, &all_calls)?;
        let planned = self.chosen(planned)?;
        let jobs = self.jobs.unwrap_or_else(|| 4 * jobs::processors());
        observe(SweepEvent::Planned(planned.len(), jobs));
        let scenarios = jobs::run_all(&executor, &planned, jobs, observe)?;
        let mut counts = BTreeMap::new();
        for scenario in &scenarios {
            *counts.entry(scenario.verdict).or_default() += 1;
        }
        Ok(SweepReport {
            version: 1,
            tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
            kind: fixture.kind,
            at: self.occurrence().0,
            seed: fixture.seed.unwrap_or_default(),
            jobs,
            client_runs: executor.runs.load(Ordering::Relaxed),
            seconds: executor.started.elapsed().as_secs_f64(),
            calls,
            counts,
            trouble: Vec::new(),
            repeat: self
                .repeat
                .map(|commands| commands.map(|words| executor.quoted(&words))),
            scenarios,
            left_out,
        })
    }

    /// Whether all failure modes and readings are swept.
    fn chooses_nothing(&self) -> bool {
        self.failures.is_empty() && self.readings.is_empty()
    }

    /// Returns the tasks; a scenario's name begins with its own.
    fn wanted_tasks(&self) -> Result<Vec<Task>, SweepError> {
        let name = self.scenario.as_deref().unwrap_or_default();
        let part = name.split_once('/').map(|(task, _)| Glob::new(task));
        let tasks = match &self.tasks[..] {
            [] if part.is_none() => &[Task::Change],
            [] => Task::ALL,
            tasks => tasks,
        };
        let is_named = |task: &Task| match &part {
            None => true,
            Some(Ok(glob)) => glob.is_match(task.name()),
            // The slash stands within alternatives.
            Some(Err(_)) => name.contains(task.name()),
        };
        let wanted: Vec<Task> = tasks.iter().copied().filter(is_named).collect();
        if wanted.is_empty() {
            let names = tasks.iter().map(|task| task.name());
            let what = "scenario of the chosen operations";
            return Err(unknown("--scenario", name, what, nearest(name, names)));
        }
        Ok(wanted)
    }

    fn chosen(&self, scenarios: Vec<Scenario>) -> Result<Vec<Scenario>, SweepError> {
        let Some(wanted) = &self.scenario else {
            return Ok(scenarios);
        };
        let glob = glob("--scenario", wanted)?;
        let is_chosen = |one: &Scenario| one.name == *wanted || glob.is_match(&one.name);
        let (chosen, others): (Vec<_>, Vec<_>) = scenarios.into_iter().partition(is_chosen);
        if chosen.is_empty() {
            let names = others.iter().map(|one| &*one.name);
            let near = nearest(wanted, names);
            return Err(unknown("--scenario", wanted, "scenario", near));
        }
        Ok(chosen)
    }

    /// Returns at which calls failures happen, and whether pairs do: the name of one scenario says it.
    fn occurrence(&self) -> (At, bool) {
        let Some(name) = &self.scenario else {
            return (self.at, self.pairs);
        };
        let is_glob = name.contains(['*', '?', '[', '{']);
        let at = match name.split(',').next() {
            _ if is_glob => self.at,
            Some(first) if first.ends_with("..") => At::Always,
            _ => At::Each,
        };
        (at, self.pairs || !is_glob && name.contains(','))
    }
}

fn glob(option: &'static str, text: &str) -> Result<Glob, SweepError> {
    Glob::new(text).map_err(|wrong| SweepError::Unknown {
        option,
        value: text.to_owned(),
        what: "name: not a glob",
        hint: Some(wrong.to_owned()),
    })
}

fn unknown(
    option: &'static str,
    value: &str,
    what: &'static str,
    near: Option<&str>,
) -> SweepError {
    SweepError::Unknown {
        option,
        value: value.to_owned(),
        what,
        hint: near.map(|near| format!("did you mean `{near}`?")),
    }
}

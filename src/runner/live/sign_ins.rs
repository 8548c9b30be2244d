//! The failed sign-ins of a run, counted as they happen, with those that the state folder remembers of the last minutes.

use std::{
    fs,
    fs::{File, OpenOptions},
    io::Write,
    iter,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{budget::DEFAULT_BUDGET, undo::state_file::open_private};

/// Counts the failed sign-ins at a target. At the limit nothing is sent any more that may fail to sign in.
#[derive(Debug, Default)]
pub struct SignInCounter {
    limit: u32,
    /// When each sign-in failed, since 1970.
    times: Vec<Duration>,
    /// How many of them earlier runs had.
    earlier: usize,
    is_recovery: bool,
    /// Where failures are remembered for the next run.
    memory: Option<PathBuf>,
}

impl SignInCounter {
    /// Counts from what the memory has of the last 15 minutes; without a memory from 0.
    pub fn new(limit: u32, memory: Option<PathBuf>) -> SignInCounter {
        let times = memory.as_deref().map_or_else(Vec::new, recent);
        if let Some(path) = memory.as_ref().filter(|_| times.is_empty()) {
            drop(fs::remove_file(path));
        }
        SignInCounter {
            limit,
            earlier: times.len(),
            times,
            is_recovery: false,
            memory,
        }
    }

    /// Counts for `recover`: two more may fail, and three in 15 minutes, since a sensor locks an address after five.
    pub fn for_recovery(memory: PathBuf) -> SignInCounter {
        let mut counter = SignInCounter::new(0, Some(memory));
        counter.limit = counter.count().saturating_add(2).min(DEFAULT_BUDGET);
        counter.is_recovery = true;
        counter
    }

    /// Allows no more than the default: an account is refused, so no success of it resets the target's count.
    pub fn be_careful(&mut self) {
        self.limit = self.limit.min(DEFAULT_BUDGET);
    }

    /// Returns how many sign-ins have failed.
    pub fn count(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }

    /// Tells whether failures of earlier runs count.
    pub fn has_earlier(&self) -> bool {
        self.earlier > 0
    }

    /// Returns how many may fail.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Returns how many more may fail.
    pub fn room(&self) -> u32 {
        self.limit.saturating_sub(self.count())
    }

    /// Tells whether so many more may fail.
    pub fn has_room(&self, failures: u32) -> bool {
        self.count().saturating_add(failures) <= self.limit
    }

    /// Says why so many more may not fail now, and when they may.
    pub fn refusal(&self, failures: u32) -> String {
        let over = self.count().saturating_add(failures);
        let over = over.saturating_sub(self.limit).max(1) as usize;
        let room = self.times.get(over - 1).map(|time| {
            let minutes = (*time + MEMORY).as_secs().div_ceil(60);
            format!(
                "wait until {:02}:{:02} UTC",
                minutes / 60 % 24,
                minutes % 60
            )
        });
        let raise = (!self.is_recovery).then(|| "raise --max-auth-failures".to_owned());
        let choices: Vec<String> = room.into_iter().chain(raise).collect();
        let (count, limit) = (self.count(), self.limit);
        format!(
            "{count} sign-ins have failed at this target in the last 15 minutes, of {limit} allowed ({})",
            choices.join(", or ")
        )
    }

    /// Counts failures, and remembers them for the next run as far as the state folder can be written.
    pub fn add(&mut self, failures: u32) {
        let now = now();
        self.times.extend(iter::repeat_n(now, failures as usize));
        let Some(path) = self.memory.as_ref().filter(|_| failures > 0) else {
            return;
        };
        if let Ok(mut file) = open_private(OpenOptions::new().create(true).append(true), path) {
            let line = format!("{}\n", now.as_secs());
            drop(file.write_all(line.repeat(failures as usize).as_bytes()));
        }
    }
}

/// Returns the failures that are not forgotten yet.
fn recent(path: &Path) -> Vec<Duration> {
    let text = File::open(path).and_then(std::io::read_to_string);
    let now = now();
    let times = text.unwrap_or_default();
    let times = times.lines().filter_map(|line| line.parse().ok());
    let times = times.map(Duration::from_secs);
    let times = times.filter(|time| now.saturating_sub(*time) < MEMORY);
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times
}

#[expect(
    clippy::disallowed_methods,
    reason = "failures are remembered from one process to the next"
)]
fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// How long an appliance may count a failed sign-in.
const MEMORY: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_count_for_the_next_run_for_15_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.failures");
        let old = now().as_secs() - MEMORY.as_secs() - 1;
        let mut file = File::create(&path).unwrap();
        writeln!(file, "{old}\n{}\nno number", old + 120).unwrap();
        let mut counter = SignInCounter::new(3, Some(path.clone()));
        assert_eq!((counter.count(), counter.has_room(2)), (1, true));
        counter.add(2);
        let next = SignInCounter::new(3, Some(path.clone()));
        assert_eq!((next.count(), next.has_room(1)), (3, false));
        let room = (old + 120 + MEMORY.as_secs()).div_ceil(60);
        let room = format!("wait until {:02}:{:02} UTC", room / 60 % 24, room % 60);
        let refusal = next.refusal(1);
        assert!(
            refusal.ends_with(&format!("3 allowed ({room}, or raise --max-auth-failures)")),
            "{refusal}"
        );
        std::fs::remove_file(&path).unwrap();
        writeln!(File::create(&path).unwrap(), "{old}").unwrap();
        assert_eq!(SignInCounter::new(3, Some(path.clone())).count(), 0);
        assert!(!path.exists(), "nothing is left of what is forgotten");
    }
}

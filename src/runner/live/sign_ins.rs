//! The failed sign-ins of a run, counted as they happen, with those that the state folder remembers of the last minutes.

use std::{
    collections::BTreeMap,
    fs,
    fs::OpenOptions,
    io,
    io::Write,
    iter,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sha2::{Digest, Sha256};

use super::budget::DEFAULT_BUDGET;
use crate::{
    contract::encoding::hex,
    report::{NotJudged, ReasonCode},
    runner::Credentials,
    system::open_private,
};

/// Counts the failed sign-ins at a target. At the limit nothing is sent any more that may fail to sign in.
#[derive(Debug, Default)]
pub struct SignInCounter {
    limit: u32,
    /// When each sign-in failed, since 1970.
    times: Vec<Duration>,
    /// How many of them earlier runs had.
    earlier: usize,
    /// The fingerprints of the credentials that were accepted, the last time, and whether this run has remembered it.
    accepted: BTreeMap<String, bool>,
    is_recovery: bool,
    /// Where all this is remembered for the next run.
    memory: Option<PathBuf>,
}

impl SignInCounter {
    /// Counts from what the memory has of the last 15 minutes; without a memory from 0.
    pub fn new(limit: u32, memory: Option<PathBuf>) -> SignInCounter {
        let mut counter = SignInCounter {
            limit,
            ..SignInCounter::default()
        };
        let Some(path) = memory else { return counter };
        let text = fs::File::open(&path).and_then(io::read_to_string);
        for line in text.as_deref().unwrap_or_default().lines() {
            counter.read(line);
        }
        counter.times.sort_unstable();
        counter.earlier = counter.times.len();
        if counter.earlier == 0 && counter.accepted.is_empty() {
            drop(fs::remove_file(&path));
        }
        counter.memory = Some(path);
        counter
    }

    /// Counts for `recover`, which has the default limit.
    pub fn for_recovery(memory: PathBuf) -> SignInCounter {
        SignInCounter {
            is_recovery: true,
            ..SignInCounter::new(DEFAULT_BUDGET, Some(memory))
        }
    }

    /// Reads a line of the memory: a time, and after it the fingerprint of credentials that were accepted (+) or rejected (-), or
    /// that the last failure is taken back (!).
    fn read(&mut self, line: &str) {
        let (time, fingerprint) = line.split_once(' ').unwrap_or((line, ""));
        let Ok(time) = time.parse().map(Duration::from_secs) else {
            return;
        };
        match fingerprint.split_at_checked(1) {
            _ if now().saturating_sub(time) >= MEMORY => {}
            Some(("+", fingerprint)) => drop(self.accepted.insert(fingerprint.to_owned(), false)),
            Some(("!", _)) => drop(self.times.pop()),
            Some((_, fingerprint)) => drop(self.accepted.remove(fingerprint)),
            None => self.times.push(time),
        }
    }

    /// Returns how many sign-ins have failed.
    pub fn count(&self) -> u32 {
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }

    /// Returns how many may fail.
    pub fn limit(&self) -> u32 {
        self.limit
    }

    /// Counts failures before their requests are sent, if so many more may fail; tells whether they may.
    pub fn claim(&mut self, failures: usize) -> bool {
        let failures = u32::try_from(failures).unwrap_or(u32::MAX);
        let has_room = self.has_room(failures);
        self.add(if has_room { failures } else { 0 });
        has_room
    }

    /// Returns whether so many more may fail.
    pub fn has_room(&self, failures: u32) -> bool {
        self.count().saturating_add(failures) <= self.limit
    }

    /// Says why so many more may not fail now, and when they may.
    pub fn why_none_may_fail(&self, failures: u32) -> String {
        if self.limit == 0 {
            return "no failed sign-in is allowed (--max-auth-failures 0)".to_owned();
        }
        let over = self.count().saturating_add(failures);
        let over = over.saturating_sub(self.limit).max(1) as usize;
        let time = self.times.get(over - 1).filter(|_| self.earlier > 0);
        let wait = time.map(|time| {
            let minutes = (*time + MEMORY).as_secs().div_ceil(60);
            let (hour, minute) = (minutes / 60 % 24, minutes % 60);
            format!("wait until {hour:02}:{minute:02} UTC")
        });
        let raise = (!self.is_recovery).then(|| "raise --max-auth-failures".to_owned());
        let choices: Vec<String> = wait.into_iter().chain(raise).collect();
        let choices = choices.join(", or ");
        let failed = match self.count() {
            1 => "1 sign-in has failed".to_owned(),
            count => format!("{count} sign-ins have failed"),
        };
        let limit = self.limit;
        format!("{failed} at this target in the last 15 minutes, of {limit} allowed ({choices})")
    }

    /// Says why a case that may cause so many more failures is not sent.
    pub fn over_budget(&self, cost: u32) -> NotJudged {
        let refusal = self.why_none_may_fail(cost);
        let text = format!("budget: it may cause {cost} failed sign-in(s), and {refusal}");
        NotJudged::new(ReasonCode::Budget, text)
    }

    /// Counts failures, and remembers them for the next run as far as the state folder can be written.
    pub fn add(&mut self, failures: u32) {
        let now = now();
        self.times.extend(iter::repeat_n(now, failures as usize));
        (0..failures).for_each(|_| self.remember(""));
    }

    /// Takes back a failure that was counted before its request was sent: the sign-in did not fail.
    pub fn take_back(&mut self) {
        self.times.pop();
        self.remember(" !");
    }

    /// Remembers whether credentials were accepted.
    pub fn learn(&mut self, credentials: &Credentials, is_valid: bool) {
        let fingerprint = fingerprint(credentials);
        let is_new = match is_valid {
            true => self.accepted.insert(fingerprint.clone(), true) != Some(true),
            false => self.accepted.remove(&fingerprint).is_some(),
        };
        if is_new {
            let sign = if is_valid { '+' } else { '-' };
            self.remember(&format!(" {sign}{fingerprint}"));
        }
    }

    /// Returns whether credentials were accepted the last time, in this run or an earlier one.
    pub fn has_accepted(&self, credentials: &Credentials) -> bool {
        self.accepted.contains_key(&fingerprint(credentials))
    }

    fn remember(&self, what: &str) {
        let mut options = OpenOptions::new();
        let open = |path: &PathBuf| open_private(options.create(true).append(true), path).ok();
        if let Some(mut file) = self.memory.as_ref().and_then(open) {
            drop(writeln!(file, "{}{what}", now().as_secs()));
        }
    }
}

/// Returns 16 bits by which credentials are known again, and which tell nearly nothing of them.
fn fingerprint(credentials: &Credentials) -> String {
    let (name, password) = (&credentials.username, credentials.password.expose());
    let text = format!("{name}\0{password}");
    hex(&Sha256::digest(text)[..2])
}

#[expect(clippy::disallowed_methods, reason = "the next process reads it")]
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// How long an appliance may count a failed sign-in.
const MEMORY: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the memory is a file")]
mod tests {
    use super::*;
    use crate::redact::Secret;

    fn credentials(password: &str) -> Credentials {
        Credentials {
            username: "lab-user".to_owned(),
            password: Secret::new(password),
        }
    }

    #[test]
    fn failures_count_for_the_next_run_for_15_minutes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.failures");
        let old = now().as_secs() - MEMORY.as_secs() - 1;
        let written = format!("{old}\n{}\nno number\n", old + 120);
        fs::write(&path, written).unwrap();
        let mut counter = SignInCounter::new(3, Some(path.clone()));
        assert_eq!((counter.count(), counter.has_room(2)), (1, true));
        counter.add(2);
        let next = SignInCounter::new(3, Some(path.clone()));
        assert_eq!((next.count(), next.has_room(1)), (3, false));
        let mut one = SignInCounter::new(1, None);
        one.add(1);
        let refusal = one.why_none_may_fail(1);
        assert!(
            refusal.starts_with("1 sign-in has failed at this"),
            "{refusal}"
        );
        let room = (old + 120 + MEMORY.as_secs()).div_ceil(60);
        let room = format!("wait until {:02}:{:02} UTC", room / 60 % 24, room % 60);
        let refusal = next.why_none_may_fail(1);
        assert!(
            refusal.ends_with(&format!("3 allowed ({room}, or raise --max-auth-failures)")),
            "{refusal}"
        );
        fs::write(&path, format!("{old}\n")).unwrap();
        assert_eq!(SignInCounter::new(3, Some(path.clone())).count(), 0);
        assert!(!path.exists(), "nothing is left of what is forgotten");
    }

    /// A process that is killed in between has not forgotten the failure.
    #[test]
    fn a_failure_that_is_taken_back_does_not_count_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.failures");
        let counter = || SignInCounter::new(3, Some(path.clone()));
        let mut first = counter();
        first.add(2);
        assert_eq!(counter().count(), 2);

        first.take_back();

        assert_eq!((first.count(), counter().count()), (1, 1));
    }

    #[test]
    fn credentials_are_known_again_until_they_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.failures");
        let counter = || SignInCounter::new(3, Some(path.clone()));
        let (right, typo) = (credentials("Lab-User-1"), credentials("Lab-Usr-1"));

        counter().learn(&right, true);

        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains("lab-user") && !text.contains("Lab-User-1"),
            "{text}"
        );
        let next = counter();
        assert!(next.has_accepted(&right) && !next.has_accepted(&typo));
        counter().learn(&right, false);
        assert!(!counter().has_accepted(&right));
    }
}

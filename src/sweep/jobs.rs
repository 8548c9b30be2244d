//! Runs scenarios side by side, and again with less load what failed.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{ScenarioResult, SweepError, SweepEvent, Verdict, run::Executor, scenario::Scenario};
use crate::journal::lock;

/// Runs all scenarios, so many at a time.
///
/// Load makes time-outs. What failed or was not reached is run again with a processor for each; what ends otherwise then is run alone,
/// and that decides. No load makes a mark that fails: it stays. A client that hangs mostly waits: those run again beside as many others as their time allows.
pub(super) fn run_all(
    executor: &Executor<'_>,
    scenarios: &[Scenario],
    jobs: usize,
    observe: &(dyn Fn(SweepEvent<'_>) + Sync),
) -> Result<Vec<ScenarioResult>, SweepError> {
    let mut results = side_by_side(scenarios, jobs, &|scenario| {
        let result = executor.execute(scenario)?;
        observe(SweepEvent::Ended(&result));
        Ok(result)
    })?;
    let again = |indices: &[usize], jobs: usize| {
        side_by_side(indices, jobs, &|index| executor.execute(&scenarios[*index]))
    };
    let is_wanted =
        |result: &ScenarioResult| result.failed || result.verdict == Verdict::NotReached;
    let wanted = (0..results.len()).filter(|index| is_wanted(&results[*index]));
    let (hung, others): (Vec<_>, Vec<_>) =
        wanted.partition(|index| results[*index].verdict == Verdict::Hung);
    observe(SweepEvent::Repeating(hung.len() + others.len()));
    let mut differing = Vec::new();
    for (indices, jobs) in [
        (others, processors()),
        (hung, unhurried(executor.times(), processors(), jobs)),
    ] {
        for (index, result) in indices.iter().zip(again(&indices, jobs)?) {
            if result.verdict != results[*index].verdict {
                differing.push(*index);
            }
            results[*index].replace(result);
        }
    }
    for (index, result) in differing.iter().zip(again(&differing, 1)?) {
        results[*index].replace(result);
    }
    Ok(results)
}

/// Returns how many clients may run side by side without coming near the time they have, if a clean run took so long alone.
fn unhurried((limit, clean): (Duration, Duration), processors: usize, jobs: usize) -> usize {
    let factor = limit.as_millis() / (4 * clean.as_millis()).max(1);
    let factor = usize::try_from(factor).unwrap_or(usize::MAX);
    processors.saturating_mul(factor).clamp(1, jobs.max(1))
}

pub(super) fn processors() -> usize {
    thread::available_parallelism().map_or(1, |count| count.get())
}

/// Does something for each item, so many at a time, and returns the results in the items' order; the first error otherwise.
fn side_by_side<T: Sync, R: Send>(
    items: &[T],
    jobs: usize,
    run: &(dyn Fn(&T) -> Result<R, SweepError> + Sync),
) -> Result<Vec<R>, SweepError> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Vec::new());
    let work = || {
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else {
                return;
            };
            let result = run(item);
            failed.fetch_or(result.is_err(), Ordering::Relaxed);
            lock(&results).push((index, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..jobs.min(items.len()) {
            // Where no further thread can be had, those there are do it all.
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::quick(30_000, 200, 8)]
    #[case::at_once(30_000, 0, 8)]
    #[case::slower(2000, 200, 4)]
    #[case::near_its_time(2000, 700, 1)]
    fn what_hung_has_room_the_second_time(
        #[case] limit: u64,
        #[case] clean: u64,
        #[case] expected: usize,
    ) {
        let [limit, clean] = [limit, clean].map(Duration::from_millis);
        assert_eq!(unhurried((limit, clean), 2, 8), expected);
    }
}

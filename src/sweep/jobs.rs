//! Runs scenarios side by side, and again with less load what failed.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use super::{ScenarioResult, SweepError, SweepEvent, Verdict, run::Executor, scenario::Scenario};
use crate::journal::lock;

/// Runs all scenarios, so many at a time.
///
/// Load makes time-outs. What failed is run again with a processor for each; what ends otherwise then is run alone, and that decides.
/// A client that hangs takes no processor: those may wait together.
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
    let mut failed: Vec<usize> = (0..results.len()).collect();
    failed.retain(|index| results[*index].failed);
    observe(SweepEvent::Repeating(failed.len()));
    let (hung, others): (Vec<_>, Vec<_>) = failed
        .into_iter()
        .partition(|index| results[*index].verdict == Verdict::Hung);
    let mut differing = Vec::new();
    for (indices, jobs) in [(others, processors()), (hung, jobs)] {
        for (index, result) in indices.iter().zip(again(&indices, jobs)?) {
            if result.verdict != results[*index].verdict {
                differing.push(*index);
            }
            results[*index] = result;
        }
    }
    for (index, result) in differing.iter().zip(again(&differing, 1)?) {
        results[*index] = result;
    }
    Ok(results)
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

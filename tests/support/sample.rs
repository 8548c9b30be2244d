//! Long tables: `cargo test` goes through a sample of their rows, and with `D4IOT_EVERY_ROW`, which `.ci/long` sets, through all.

use std::env;

/// Returns each `step`th row from one on, or all.
pub(crate) fn sample<T>(
    rows: impl IntoIterator<Item = T>,
    first: usize,
    step: usize,
) -> impl Iterator<Item = T> {
    let is_whole = env::var_os("D4IOT_EVERY_ROW").is_some_and(|value| !value.is_empty());
    let (first, step) = if is_whole { (0, 1) } else { (first, step) };
    rows.into_iter().skip(first).step_by(step)
}

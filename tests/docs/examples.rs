//! Runs the examples.

#[path = "../../examples/check_my_server.rs"]
mod check_my_server;
#[path = "../../examples/expectations.rs"]
pub(crate) mod expectations;
#[path = "../../examples/frozen_clock.rs"]
mod frozen_clock;
#[path = "../../examples/quick_start.rs"]
mod quick_start;
#[path = "../../examples/rotation.rs"]
mod rotation;
#[path = "../../examples/sweep.rs"]
mod sweep;

use std::error::Error;

use rstest::rstest;

#[rstest]
#[case::quick_start(quick_start::main)]
#[case::rotation(rotation::main)]
#[case::sweep(sweep::main)]
#[case::expectations(expectations::main)]
#[case::frozen_clock(frozen_clock::main)]
#[case::check_my_server(check_my_server::main)]
fn the_example_runs(#[case] main: fn() -> Result<(), Box<dyn Error>>) {
    main().unwrap_or_else(|error| panic!("{error}"));
}

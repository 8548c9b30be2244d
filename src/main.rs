//! The binary: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    d4iot_double::cli::main()
}

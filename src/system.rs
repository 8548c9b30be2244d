//! What differs between operating systems, in the same form for each: files for one user, limits, and, for the command line,
//! signals and clients with their children.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// What asks a command to end. Windows has its own requests, which stand for all of these.
#[cfg(feature = "cli")]
#[derive(Clone, Copy, Debug)]
pub(crate) enum StopRequest {
    /// Ctrl-C.
    Interrupt,
    /// From another process.
    Terminate,
    /// The terminal is gone.
    Hangup,
    /// Ctrl-\.
    Quit,
}

//! d4iot-double is a mock of the authentication API of Microsoft Defender for IoT appliances: OT
//! sensors and on-premises management consoles. It is for tests of the clients of that API. It also
//! has a conformance suite, which checks any server against the API's documentation.
//!
//! # Getting started
//!
//! ```
//! use d4iot_double::{Double, Failure, Operation};
//! use reqwest::{Certificate, Client};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # rustls::crypto::ring::default_provider().install_default().expect("nothing installed before");
//! // Start a mock sensor on a free port.
//! let sensor = Double::sensor().user("test", "Test12345!").start().await?;
//!
//! // The first response is lost after the password was changed.
//! sensor.fail(Operation::SetPassword, Failure::reset_after_commit().times(1));
//! // Expectations are checked when `sensor` is dropped.
//! sensor.expect(Operation::SetPassword).times(2);
//!
//! // The client under test. Here: one request, and one retry if there is no response.
//! let ca = Certificate::from_pem(sensor.ca_pem().as_bytes())?;
//! let client = Client::builder().tls_certs_only([ca]).build()?;
//! let request = client
//!     .post(format!("{}/api/external/authentication/set_password", sensor.url()))
//!     .header("content-type", "application/json")
//!     .body(r#"{"username":"test","password":"Test12345!","new_password":"Test54321!"}"#)
//!     .build()?;
//! let retry = request.try_clone().expect("the body is a string");
//! if client.execute(request).await.is_err() {
//!     let response = client.execute(retry).await?;
//!     // The password was changed by the first request, so the old one is wrong.
//!     assert_eq!(response.status(), 401);
//! }
//!
//! assert!(sensor.password_is("test", "Test54321!"));
//! # Ok(())
//! # }
//! ```
//!
//! # Test isolation
//!
//! Each [`Double`] has its own port, users, failures, journal and clock, so tests can run in
//! parallel. It runs on its own threads: a test may block, and needs no async runtime
//! ([`Builder::start_blocking`], [`Journal::wait_blocking`]). Dropping it closes the port.
//!
//! # What a mock can do
//!
//! - [`Builder`] configures it: users, password policy, lock-out, variants of the documentation,
//!   TLS, a fixture file.
//! - [`Failure`] describes a failure and when it happens: a lost response, a delay, a wrong body,
//!   or a ready-made failure by name.
//! - [`Journal`] returns the requests, with outcome and reason. [`Journal::wait`] waits for
//!   requests, so that a test needs no sleep.
//! - [`Double::expect`] sets an [`Expectation`]. An unmet one panics when the mock is dropped, and
//!   shows what happened instead.
//! - [`Double::clock`] can be frozen and advanced, so that an hour of delay or lock-out takes no
//!   time.
//!
//! An error in the configuration is an [`Error`] with the line of the test. No password is in any
//! output.
//!
//! # Check a server
//!
//! [`check()`] runs the conformance suite against a server of your own:
//!
//! ```no_run
//! # async fn test() -> Result<(), d4iot_double::Error> {
//! use d4iot_double::{Kind, check};
//!
//! let result = check("http://127.0.0.1:8080", Kind::Sensor)
//!     .user("test", "Test12345!")
//!     .run()
//!     .await?;
//! result.assert_passed();
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `cli` (default) is the command line and the control API. Tests can do without:
//! `default-features = false`.

// Hidden modules are not part of the API and can change with every version. They are public for
// the command line, the tests, the benchmarks and the fuzz targets. A module uses only modules
// listed above it; a test checks that.
// Layer 1, data: the contract, secrets.
#[doc(hidden)]
pub mod contract;
#[doc(hidden)]
pub mod redact;
// Layer 1, core: no clock, no file, no socket.
#[doc(hidden)]
pub mod appliance;
#[doc(hidden)]
pub mod failure;
#[doc(hidden)]
pub mod fixture;
#[doc(hidden)]
pub mod journal;
// Layer 1, core: the suite and its reports.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod export;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod snapshot;
#[doc(hidden)]
pub mod suite;
// Layer 2 and 3: system, clock, network, runs.
#[doc(hidden)]
pub mod client;
#[doc(hidden)]
pub mod clock;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod control;
#[doc(hidden)]
pub mod server;
mod system;
// Layer 3: what a test uses.
#[doc(hidden)]
pub mod runner;
#[doc(hidden)]
pub mod sweep;
#[doc(hidden)]
pub mod testing;
// Layer 4.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use appliance::{Moment, Scope};
pub use clock::Clock;
pub use contract::{Kind, Operation, Outcome, Role};
pub use failure::Counter;
pub use journal::{Bounds, EntryView, Finding, FindingView, Progress, RequestView};
pub use report::{CaseResult, Conformance, Counts, Format};
pub use runner::{Check, CheckReport, check};
pub use suite::Account;
pub use sweep::{
    At, Attempt, ClientRun, LeftOut, Mark, MarkName, PasswordKind, ScenarioResult, Sweep,
    SweepError, SweepReport, Task, Verdict, sweep,
};
pub use testing::{
    Builder, Double, Error, Expectation, Failure, Journal, UnmetExpectations, WaitTimeout,
};

#[cfg(test)]
#[path = "../tests/support/json_schema.rs"]
mod json_schema;

//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.
//!
//! # In a test
//!
//! ```
//! use d4iot_double::{Double, Failure, Operation, Outcome};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sensor = Double::sensor().user("test", "Test12345!").start().await?;
//! sensor.fail(Operation::SetPassword, Failure::reset_after_commit().times(1));
//! sensor.expect(Operation::SetPassword).times(2);
//!
//! rotate_password(sensor.url(), sensor.ca_pem()).await;
//!
//! sensor.journal().wait_for(Operation::SetPassword, 2).await?;
//! assert!(sensor.password_is("test", "Test54321!"));
//! let refused = sensor.journal().outcome(Outcome::AuthenticationFailed).entries();
//! assert_eq!(refused[0].reason, "user exists, password differs");
//! # Ok(())
//! # }
//! #
//! # /// Changes a password, and tries once more where no answer comes.
//! # async fn rotate_password(url: &str, ca_pem: &str) {
//! #     use d4iot_double::client::{Target, TargetOptions};
//! #     let target = Target::new(url, &TargetOptions { trust: Some(ca_pem.to_owned()), fresh: true, ..TargetOptions::default() }).expect("a good address");
//! #     let body = r#"{"username":"test","password":"Test12345!","new_password":"Test54321!"}"#;
//! #     let request = http::Request::post("/api/external/authentication/set_password")
//! #         .header("content-type", "application/json")
//! #         .body(body.into())
//! #         .expect("a good request");
//! #     if target.send(&request).await.is_err() {
//! #         target.send(&request).await.expect("an answer");
//! #     }
//! # }
//! ```
//!
//! - [`Double`] answers on a port of its own, over HTTPS with a CA made for the process, or over plain HTTP. Users, failures, journal
//!   and clock are its own: tests run in parallel without knowing of one another. Dropping it closes the port.
//! - [`Builder`] says what it is to be: users, policy, lock-out, readings of the documents, failures, a seed, a frozen clock; or a fixture.
//!   What means nothing is an [`Error`] with the line of the test.
//! - [`Failure`] is what goes wrong, and when: a lost answer, a delay, a page where JSON is expected, a ready-made mode by its name.
//! - [`Journal`] tells what was asked and why it came to what it did; [`Journal::wait`] waits for it, never for time to pass.
//! - [`Double::expect`] is held against the journal when the double is dropped: the panic tells the nearest thing that did happen.
//! - [`Double::clock`] is frozen and advanced, so that a delay or a lock-out of an hour takes no time.
//! - [`check()`] runs the conformance suite at a server of yours.
//!
//! Doubles run on threads of their own: [`Builder::start_blocking`] and [`Journal::wait_blocking`] are for tests without a runtime.
//! `examples/rotation.rs` shows a bug that a failure reveals, and its repair.
//!
//! The command line is the feature `cli`, on by default; `default-features = false` leaves it and what it needs out.
//!
//! # The house
//!
//! ```text
//! documents ─transcribed→ Contract ─clause→ Operation ─judged→ Outcome ─worded→ Response → wire
//!                             │
//!                             └── Case → Request ── Target ── Response ─recognised→ Verdict ─gathered→ Summary ─written→ report
//! ```
//!
//! A room uses only rooms listed above it here; a test walks the stairs.

// — the law —
pub mod contract;
pub mod redact;
// — the appliance and its scripts: pure —
pub mod appliance;
pub mod failure;
pub mod fixture;
pub mod journal;
// — judgement: pure —
pub mod conformance;
pub mod report;
pub mod snapshot;
// — the world —
pub mod client;
pub mod clock;
#[cfg(feature = "cli")]
pub mod control;
pub mod runner;
pub mod server;
// — what a test holds —
pub mod check;
pub mod testing;
// — the roof —
#[cfg(feature = "cli")]
pub mod cli;

pub use appliance::Scope;
pub use check::{Check, Checked, check};
pub use conformance::Account;
pub use contract::{Kind, Operation, Outcome, Role};
pub use failure::Counter;
pub use journal::{Bounds, EntryView, Finding, Progress};
pub use testing::{
    Builder, Double, Error, Expectation, Failure, Journal, UnmetExpectations, WaitTimeout,
};

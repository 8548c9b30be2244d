//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.
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
pub mod secret;
// — the appliance and its scripts: pure —
pub mod appliance;
pub mod failure;
pub mod fixture;
pub mod journal;
// — judgement: pure —
pub mod snapshot;
pub mod report;
pub mod conformance;
// — the world —
pub mod baseline;
pub mod clock;
pub mod server;
pub mod host;
pub mod served;
pub mod target;
pub mod runner;
// — the roof —
pub mod cli;

/// The README's Rust code, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.

// — the law: serde and http types only —
pub mod contract;
pub mod secret;
// — the appliance: pure —
pub mod appliance;
// — judgement: pure —
pub mod snapshot;
pub mod report;
pub mod conformance;
// — the world —
pub mod baseline;
pub mod clock;
pub mod server;
pub mod host;
pub mod double;
pub mod target;
// — the roof —
pub mod cli;

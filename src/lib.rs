//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.

pub mod contract;
// — the roof —
pub mod cli;

//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.

// — the law —
pub mod contract;
pub mod secret;
// — the appliance —
pub mod appliance;
// — misbehaviour and scripts —
pub mod fixture;
// — judgement —
pub mod conformance;
// — the roof —
pub mod cli;

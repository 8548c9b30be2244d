//! A test double of Defender for IoT appliances, and a conformance suite for their authentication API.

// — the law —
pub mod contract;
pub mod secret;
// — the appliance —
pub mod appliance;
// — judgement —
pub mod conformance;
pub mod report;

//! On which requests a failure mode fires. All conditions must hold; `times` then limits how often.

use std::time::Duration;

use serde::Deserialize;

use crate::{contract::closed_set, failure::duration};

/// The conditions of a failure mode. Without any it always fires.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct When {
    /// It fires at most this many times, per scope.
    pub times: Option<u64>,
    /// Only on these ordinals, counted from 1.
    pub calls: Vec<u64>,
    /// Only after this many calls.
    pub after: Option<u64>,
    /// Only on every n-th call.
    pub every: Option<u64>,
    /// With this probability, 0 to 1; decided by seed, mode, scope and ordinal.
    pub rate: Option<f64>,
    /// Only in this span of the appliance's clock.
    pub during: Option<During>,
    /// What is counted together.
    pub per: Per,
}

/// A span of the appliance's clock.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub struct During {
    /// Its beginning, since the start or the last reset.
    #[serde(default, deserialize_with = "duration::deserialize")]
    pub from: Duration,
    /// Its length.
    #[serde(rename = "for", deserialize_with = "duration::deserialize")]
    pub length: Duration,
}

closed_set! {
    /// What is counted together.
    #[derive(Default)]
    Per, "scope" {
        /// Everything the mode applies to.
        #[default]
        Appliance = "appliance",
        /// What comes over one connection.
        Connection = "connection",
        /// What comes from one address.
        Source = "source",
        /// What is about one user.
        User = "user",
    }
}

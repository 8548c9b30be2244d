//! On which requests a failure mode strikes. All conditions that are given must hold; `times` then caps how often.

use std::time::Duration;

use crate::contract::closed_set;

/// The conditions of a failure mode. Without any it strikes always.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    /// It strikes at most so often, counted per scope.
    pub times: Option<u64>,
    /// Only on these ordinals, counted from 1.
    pub calls: Vec<u64>,
    /// Only after so many.
    pub after: Option<u64>,
    /// Only on every so-manieth.
    pub every: Option<u64>,
    /// With this probability, 0 to 1; decided by seed, mode, scope and ordinal.
    pub rate: Option<f64>,
    /// Only in this span of the appliance's clock.
    pub during: Option<During>,
    /// What is counted together.
    pub per: Per,
}

/// A span of the appliance's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct During {
    /// Its beginning, since the start or the last reset.
    pub from: Duration,
    /// Its length.
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

//! On which requests a failure mode fires. All conditions must hold; `times` then limits how often.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::{
    contract::{Outcome, closed_set},
    failure::duration,
};

/// The conditions of a failure mode. Without any it always fires.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct When {
    /// It fires at most this many times, per scope.
    pub times: Option<u64>,
    /// Only on requests that the appliance gives one of these outcomes; only those are counted.
    #[serde(deserialize_with = "one_or_many")]
    pub outcome: Vec<Outcome>,
    /// Only on these ordinals, counted from 1.
    #[serde(deserialize_with = "one_or_many")]
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

/// One value or a list of them.
#[derive(Debug, Default)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<OneOrMany<T>, D::Error> {
        one_or_many(reader).map(OneOrMany)
    }
}

/// Reads one value or a list of them.
pub(crate) fn one_or_many<'de, D, T>(reader: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form<T> {
        Many(Vec<T>),
        One(T),
    }
    Ok(match Form::deserialize(reader)? {
        Form::Many(values) => values,
        Form::One(value) => vec![value],
    })
}

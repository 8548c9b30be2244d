//! What a mode counts together: everything, or what comes from one source, over one connection, or is about one user.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::failure::{Call, Per};

/// What is counted separately.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CountScope {
    /// Everything together.
    Appliance,
    /// A connection, by its number.
    Connection(u64),
    /// An address.
    Source(IpAddr),
    /// A user; nobody where it is empty. Of a long name its digest.
    User(String),
}

/// What was counted in a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounter {
    /// How many calls the mode applied to.
    pub seen: u64,
    /// How often the mode fired.
    pub fired: u64,
}

impl CountScope {
    /// Returns the scope of a call; a request about no user counts in the scope of the empty name.
    pub(super) fn of(per: Per, call: &Call<'_>) -> CountScope {
        match per {
            Per::Appliance => CountScope::Appliance,
            Per::Connection => CountScope::Connection(call.connection),
            Per::Source => CountScope::Source(call.source),
            Per::User => CountScope::user(call.user.unwrap_or_default()),
        }
    }

    /// Returns the scope of a user.
    pub fn user(name: &str) -> CountScope {
        match name {
            // A client can send names of 64 KiB, and each is kept: of a long one the digest.
            long if long.len() > MAX_NAME => {
                CountScope::User(crate::contract::encoding::hex(&Sha256::digest(long)))
            }
            name => CountScope::User(name.to_owned()),
        }
    }

    /// Returns what the random source takes.
    pub(super) fn label(&self) -> String {
        match self {
            CountScope::Appliance => String::new(),
            CountScope::Connection(connection) => connection.to_string(),
            CountScope::Source(source) => source.to_string(),
            CountScope::User(user) => user.clone(),
        }
    }
}

/// The longest name, in bytes, that is kept as it is.
pub(super) const MAX_NAME: usize = 128;

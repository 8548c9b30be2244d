//! What a mode counts together: everything, or what comes from one source, over one connection, or is about one user.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::failure::Per;

/// One of those that are counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything together.
    Appliance,
    /// A connection, by its number.
    Connection(u64),
    /// An address.
    Source(IpAddr),
    /// A user; nobody where it is empty. A long name stands under its digest.
    User(String),
}

/// What was counted in a scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounter {
    /// How many calls were admitted.
    pub seen: u64,
    /// How many were fired.
    pub fired: u64,
}

impl Scope {
    /// Returns the scope of a call; a request about no user counts in the scope of nobody.
    pub(super) fn of(per: Per, user: Option<&str>, source: IpAddr, connection: u64) -> Scope {
        match per {
            Per::Appliance => Scope::Appliance,
            Per::Connection => Scope::Connection(connection),
            Per::Source => Scope::Source(source),
            Per::User => Scope::user(user.unwrap_or_default()),
        }
    }

    /// Returns the scope of a user.
    pub fn user(name: &str) -> Scope {
        match name {
            // A client can send names of 64 KiB, and each is kept: a long one stands under its digest.
            long if long.len() > LONGEST_NAME => {
                Scope::User(crate::contract::encoding::hex(&Sha256::digest(long)))
            }
            name => Scope::User(name.to_owned()),
        }
    }

    /// Returns what chance is asked by.
    pub(super) fn label(&self) -> String {
        match self {
            Scope::Appliance => String::new(),
            Scope::Connection(connection) => connection.to_string(),
            Scope::Source(source) => source.to_string(),
            Scope::User(user) => user.clone(),
        }
    }
}

/// The longest name, in bytes, that is kept as it is.
pub(super) const LONGEST_NAME: usize = 128;

//! The commands, one file each.

pub mod documents;
pub mod explain;

//! Restoring passwords: what a run changes at a target, it changes back, and a validation must accept the old password.
//!
//! ```text
//! request that may change ─▶ journal (on disk before it is sent) ─▶ send ─▶ which password is current? ─▶ change back ─▶ validate ─▶ journal
//!                                └── and a seed beside it, from which every generated password follows
//! ```
//!
//! The journal holds no password. It has templates, `«user.new_password»%41`, which the seed and the accounts file fill.

pub mod change;
mod journal;
pub mod journal_dir;
mod own_request;
mod restore;
pub mod state_file;
pub mod target_lock;
pub mod target_place;
mod target_session;

pub(super) use journal::JournalLine;
pub use journal::{
    JournalHeader, JournalState, JournalUser, UndoJournal, discard, recover_command,
};
pub use journal_dir::JournalDir;
pub use own_request::{SessionReply, own_command};
pub use restore::{RecoveredPassword, Recovery, UnrestoredPassword};
pub use state_file::JournalError;
pub use target_lock::TargetLock;
pub use target_place::TargetPlace;
pub(super) use target_session::reply::is_refusal;
pub use target_session::{PasswordUnknown, TargetSession};

//! Why a live run does not start, or ends without a result.

use std::path::PathBuf;

use reqwest::Url;
use thiserror::Error;

use crate::{
    client::ClientError,
    runner::{
        accounts_file::AccountsFileError,
        live::undo::{JournalError, recover_command},
    },
    snapshot::SnapshotError,
    suite::Account,
};

/// Why a live run does not start, or ends without a result.
#[derive(Debug, Error)]
pub enum LiveError {
    /// The accounts file cannot be used.
    #[error(transparent)]
    Accounts(#[from] AccountsFileError),
    /// The target's address cannot be used.
    #[error("the address {0}")]
    Address(String),
    /// Passwords would leave this machine unencrypted.
    #[error("{0} is not on this machine, and http:// sends passwords unencrypted")]
    ClearText(Url),
    /// The client cannot be set up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The consent names another host or port.
    #[error("passwords may be changed on `{named}`, but the target is `{host}`")]
    Consent {
        /// The host that the user named.
        named: String,
        /// The target's host and port.
        host: String,
    },
    /// The undo journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An earlier run may have left passwords changed.
    #[error("an interrupted run at {address} may have left passwords changed")]
    OpenJournal {
        /// The target's address.
        address: String,
        /// The journal of that run.
        journal: PathBuf,
    },
    /// The run panicked.
    #[error("the run ended early: {message}")]
    Panicked {
        /// What is known of the panic.
        message: String,
        /// The journal, if passwords may still be changed.
        journal: Option<PathBuf>,
    },
    /// The password of this account is never changed.
    #[error("account `{}`: {reason}", .account.name())]
    Protected {
        /// The account.
        account: Account,
        /// Why.
        reason: String,
    },
    /// Another run is in progress at this address.
    #[error("another run is in progress at {0}")]
    RunInProgress(String),
    /// A snapshot cannot be read or written.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The accounts cannot be used together, or do not suit a journal.
    #[error("{0}")]
    Unusable(String),
}

impl LiveError {
    /// Returns whether a safety rule forbids the run, rather than a wrong option or file.
    pub fn is_safety_rule(&self) -> bool {
        matches!(
            self,
            LiveError::ClearText(_)
                | LiveError::Consent { .. }
                | LiveError::OpenJournal { .. }
                | LiveError::Protected { .. }
                | LiveError::RunInProgress(_)
        )
    }

    /// Returns what the user can do, in the terms of the library or of the command line.
    pub fn hint(&self, is_library: bool) -> Option<String> {
        let hint = match self {
            LiveError::Address(_) => "for example https://10.0.0.5 or http://127.0.0.1:8080/prefix",
            LiveError::ClearText(_) if is_library => "use https://, or allow_http()",
            LiveError::ClearText(_) => "use https://, or --allow-http",
            LiveError::Consent { .. } => "name the target's own host",
            LiveError::OpenJournal { journal, .. }
            | LiveError::Panicked {
                journal: Some(journal),
                ..
            } => return Some(format!("restore them first: {}", recover_command(journal))),
            LiveError::Protected { .. } => "name a user made for tests",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

//! A run is asked to stop: by a signal, at the next place where that loses nothing.

use std::sync::Arc;

use tokio::sync::watch;

/// Whether a run should stop. Clones are told together.
#[derive(Clone, Debug)]
pub struct Stop {
    asked: Arc<watch::Sender<bool>>,
}

impl Stop {
    /// Nobody has asked yet.
    pub fn new() -> Stop {
        Stop {
            asked: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Asks.
    pub fn ask(&self) {
        self.asked.send_replace(true);
    }

    /// Tells whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Completes when somebody asks.
    pub async fn asked(&self) {
        // The sender lives as long as this, so the wait cannot fail.
        drop(self.asked.subscribe().wait_for(|asked| *asked).await);
    }
}

impl Default for Stop {
    fn default() -> Stop {
        Stop::new()
    }
}

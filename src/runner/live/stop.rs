//! Stopping a run: at the next place where nothing is lost by it.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks a run to stop. All clones share one state.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<watch::Sender<bool>>);

impl StopSignal {
    /// Asks the run to stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Returns whether the run is asked to stop.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Completes when the run is asked to stop.
    pub async fn requested(&self) {
        // The sender lives as long as this, so the wait cannot fail.
        drop(self.0.subscribe().wait_for(|requested| *requested).await);
    }
}

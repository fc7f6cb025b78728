//! Whether a worker takes jobs at this moment.

use std::sync::Arc;
use tokio::sync::watch;

/// Open at the beginning. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(true)))
    }
}

impl Gate {
    /// Lets jobs through from now on, or none any more.
    pub fn set(&self, is_open: bool) {
        self.0.send_replace(is_open);
    }

    /// Whether jobs are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns as soon as it is open, or closed.
    pub(crate) async fn becomes(&self, open: bool) {
        // It does not end while this holds it.
        let _ = self.0.subscribe().wait_for(|is_open| *is_open == open).await;
    }
}

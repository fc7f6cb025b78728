//! Stopping in two steps: softly (take nothing new, finish what runs), then
//! hard (drop what still runs).

use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The two tokens that everything long-lived listens to.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    /// Take nothing new.
    pub soft: CancellationToken,
    /// Stop at once.
    pub hard: CancellationToken,
}

impl Shutdown {
    /// Nobody has asked to stop.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops softly, and hard after `grace`.
    pub async fn stop(&self, grace: Duration) {
        self.soft.cancel();
        tokio::select! {
            () = tokio::time::sleep(grace) => self.hard.cancel(),
            () = self.hard.cancelled() => {}
        }
    }

    /// Listens for SIGTERM and SIGINT: the first stops softly and, after
    /// `grace`, hard; the second stops hard at once.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn on_signals(&self, grace: Duration) -> std::io::Result<()> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = self.clone();
        tokio::spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            next().await;
            tracing::info!("stopping");
            tokio::select! {
                () = shutdown.stop(grace) => {}
                () = next() => shutdown.hard.cancel(),
            }
        });
        Ok(())
    }
}

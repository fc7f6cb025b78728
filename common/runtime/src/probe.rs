//! Whether a process can do its work, looked at part by part. The looks write
//! to what they look at and anybody may ask, so that one report serves all who
//! ask within a second.

use crate::telemetry::chain;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long each look may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a report is good for.
const FRESH: Duration = Duration::from_secs(1);

/// What is said of a part that does its work.
pub const OK: &str = "ok";

/// Looks at one part, and says in a word how it is. `word` is for one that
/// fails; anybody may read it.
pub async fn look<E: Error + 'static>(
    part: &'static str,
    answer: impl Future<Output = Result<(), E>>,
    word: impl FnOnce(&E) -> &'static str,
) -> &'static str {
    match tokio::time::timeout(TIMEOUT, answer).await {
        Ok(Ok(())) => OK,
        Ok(Err(error)) => {
            tracing::warn!(part, error = chain(&error), "not ready");
            word(&error)
        }
        Err(_) => {
            tracing::warn!(part, "not ready: it does not answer");
            "not answering"
        }
    }
}

/// The newest report. Whoever comes while one is made waits for it. Clones share
/// it.
#[derive(Clone, Debug)]
pub struct Newest<R>(Arc<Mutex<Option<(Instant, R)>>>);

impl<R> Default for Newest<R> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<R: Clone> Newest<R> {
    /// The newest report, or one that is made now if that is too old.
    pub async fn or<F: Future<Output = R>>(&self, make: impl FnOnce() -> F) -> R {
        let mut newest = self.0.lock().await;
        match &*newest {
            Some((at, report)) if at.elapsed() < FRESH => report.clone(),
            _ => {
                let report = make().await;
                newest.insert((Instant::now(), report)).1.clone()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[tokio::test(start_paused = true)]
    async fn what_does_not_answer_is_not_waited_for_long() {
        let word = |error: &io::Error| if error.kind() == io::ErrorKind::StorageFull { "full" } else { "failing" };
        assert_eq!(look("store", async { Ok::<(), io::Error>(()) }, word).await, OK);
        assert_eq!(look("store", async { Err(io::ErrorKind::StorageFull.into()) }, word).await, "full");
        assert_eq!(look("store", std::future::pending(), word).await, "not answering");
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_is_made_once_a_second_however_many_ask() {
        let newest = Newest::default();
        let (first, second) = tokio::join!(newest.or(async || 1), newest.or(async || 2));
        assert_eq!((first, second), (1, 1));
        tokio::time::advance(FRESH).await;
        assert_eq!(newest.or(async || 3).await, 3);
    }
}

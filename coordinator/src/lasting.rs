//! Work that lasts as long as the coordinator. A panic in it costs a moment, and not
//! the rest of it: a coordinator that serves and dispatches nothing would look well.

use futures_util::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe, time::Duration};
use tokio::time::sleep;

/// Before it is begun again.
const PAUSE: Duration = Duration::from_secs(1);

/// Does it to its end, however often it panics.
pub(crate) async fn lasting<F: Future<Output = ()>>(what: &'static str, work: impl Fn() -> F) {
    while caught(what, work()).await.is_none() {
        sleep(PAUSE).await;
    }
}

/// Does it; `None` if it panicked, which is logged.
pub(crate) async fn caught<T>(what: &'static str, work: impl Future<Output = T>) -> Option<T> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.inspect_err(|panic| tracing::error!(what, panic = words(panic.as_ref()), "a task panicked")).ok()
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message")
}

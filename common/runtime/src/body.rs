//! Deadlines on a request's body: how long it may stand still, how slow it may
//! be, how long it may take. hyper has none of them.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// The deadlines of one body.
#[derive(Clone, Copy, Debug)]
pub struct BodyDeadlines {
    /// How long no byte may come.
    pub idle: Duration,
    /// How long all of it may take.
    pub total: Duration,
    /// Slowest mean rate in bytes a second, judged once `idle` has passed.
    pub rate_min: u64,
}

/// A body that fails when one of its deadlines passes.
#[derive(Debug)]
pub struct DeadlineBody {
    inner: Incoming,
    deadlines: BodyDeadlines,
    started: Option<Instant>,
    received: u64,
    timer: Pin<Box<Sleep>>,
}

/// Why reading a body failed.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// One of the deadlines passed.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection broke, or what came was not a body.
    #[error("the body ended early")]
    Broken(#[source] Option<hyper::Error>),
}

impl DeadlineBody {
    /// Puts deadlines on a body. They count from its first poll.
    #[must_use]
    pub fn new(inner: Incoming, deadlines: BodyDeadlines) -> Self {
        let timer = Box::pin(tokio::time::sleep(deadlines.idle));
        Self { inner, deadlines, started: None, received: 0, timer }
    }

    /// When the next deadline passes if not a byte more comes.
    fn next_deadline(&self, started: Instant, now: Instant) -> Instant {
        let BodyDeadlines { idle, total, rate_min } = self.deadlines;
        let paid_for = Duration::from_secs_f64(precise(self.received) / precise(rate_min.max(1)));
        let too_slow = started + idle.max(paid_for);
        (now + idle).min(started + total).min(too_slow)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
fn precise(bytes: u64) -> f64 {
    bytes as f64
}

impl Body for DeadlineBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let now = Instant::now();
        let started = if let Some(started) = this.started {
            started
        } else {
            this.started = Some(now);
            let deadline = this.next_deadline(now, now);
            this.timer.as_mut().reset(deadline);
            now
        };
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            if let Some(Ok(data)) = frame.as_ref().map(|frame| frame.as_ref().map(|frame| frame.data_ref())) {
                this.received += data.map_or(0, |data| data.len() as u64);
                let deadline = this.next_deadline(started, now);
                if deadline <= now {
                    return Poll::Ready(Some(Err(BodyError::TooSlow)));
                }
                this.timer.as_mut().reset(deadline);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| BodyError::Broken(Some(error)))));
        }
        ready!(this.timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(BodyError::TooSlow)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

//! A body that holds something until it is sent, or nobody wants it any more.

use http_body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// The body, and what it holds.
#[derive(Debug)]
pub struct Held<B, T> {
    body: B,
    _holds: T,
}

impl<B, T> Held<B, T> {
    /// Holds this as long as the body is there.
    pub fn new(body: B, holds: T) -> Self {
        Self { body, _holds: holds }
    }
}

impl<B: Body + Unpin, T: Unpin> Body for Held<B, T> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

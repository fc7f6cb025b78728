//! Counts the clients behind a balancer one by one: there, all connections are
//! the balancer's.

use super::problem;
use axum::{
    body::Body,
    http::{Request, Response},
    middleware::Next,
};
use heim_runtime::{
    held::Held,
    server::{Peer, Place},
};
use std::sync::Arc;

/// Gives each request a seat among those of its client, until its answer is sent;
/// a socket keeps it.
pub(super) async fn take(mut request: Request<Body>, next: Next) -> Response<Body> {
    let seat = request.extensions().get::<Peer>().map(|peer| peer.seat(request.headers()));
    match seat {
        Some(Ok(Some(seat))) => {
            let seat = Arc::new(seat);
            if let Some(place) = request.extensions_mut().remove::<Place>() {
                request.extensions_mut().insert(place.with(Arc::clone(&seat)));
            }
            next.run(request).await.map(|body| Body::new(Held::new(body, seat)))
        }
        Some(Err(crowded)) => problem::response(heim_common::problem::Code::from(crowded).into()),
        Some(Ok(None)) | None => next.run(request).await,
    }
}

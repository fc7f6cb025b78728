//! Our own accept loop over hyper: axum's has no deadlines, and a socket that
//! says nothing would stay open for ever.
//!
//! HTTP/1.1 only: what terminates TLS in front of it speaks to it in HTTP/1.1,
//! and the version detection of hyper-util waits for bytes without a timeout.

use crate::{
    Shutdown,
    body::{BodyDeadlines, DeadlineBody},
};
use heim_common::limits::Limits;
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt};

/// The connection's place among `connections`; an extension of each request.
/// Whoever upgrades the connection keeps it, because HTTP is over then and the
/// connection is not.
#[derive(Clone, Debug)]
pub struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

/// The deadlines and the cap of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// How long a request's header may take, and a connection may be idle.
    pub header: Duration,
    /// The deadlines of each body.
    pub body: BodyDeadlines,
    /// How long a peer may refuse to read.
    pub write: Duration,
    /// Most connections at a time; one more is closed at once.
    pub connections: usize,
}

impl From<&Limits> for ServerLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            header: Duration::from_millis(limits.header_timeout_ms),
            body: BodyDeadlines {
                idle: Duration::from_millis(limits.body_idle_timeout_ms),
                total: Duration::from_millis(limits.body_timeout_ms),
                rate_min: limits.body_rate_min,
            },
            write: Duration::from_millis(limits.write_timeout_ms),
            connections: limits.connections_max,
        }
    }
}

/// Serves until `shutdown`: softly, it takes no new connection and lets each
/// finish its request; hard, it drops them. The caller owns the port.
pub async fn run<S, B>(listener: TcpListener, service: S, limits: ServerLimits, shutdown: Shutdown)
where
    S: Service<Request<DeadlineBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.soft.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors or memory: the queue of the kernel keeps the rest for a moment.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!(%peer, "connection refused: limits.connections_max are open");
            continue;
        };
        let place = Place { _permit: Arc::new(place) };
        let (service, shutdown) = (service.clone(), shutdown.clone());
        connections.spawn(serve_connection(stream, peer, service, limits, shutdown, place));
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = shutdown.hard.cancelled() => {}
    }
}

async fn serve_connection<S, B>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    limits: ServerLimits,
    shutdown: Shutdown,
    place: Place,
) where
    S: Service<Request<DeadlineBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // Small frames must not wait for one another; a failure costs only time.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| DeadlineBody::new(body, limits.body));
        request.extensions_mut().insert(place.clone());
        service.clone().oneshot(request)
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header)
            .serve_connection(TokioIo::new(Box::pin(stream)), answer)
            .with_upgrades()
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.soft.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection => ended,
                () = shutdown.hard.cancelled() => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

//! Our own accept loop over hyper: axum's has no deadlines, and a socket that
//! says nothing would stay open for ever.
//!
//! HTTP/1.1 only: what terminates TLS in front of it speaks to it in HTTP/1.1,
//! and the version detection of hyper-util waits for bytes without a timeout.

use crate::{
    Shutdown,
    body::{BodyDeadlines, DeadlineBody},
    crowd::{self, Crowd, Crowded, Seat, Silence},
    held::Held,
    network::{self, Network},
    open_files::{self, Spare},
    refusal::Refusals,
};
use heim_common::limits::Limits;
use http::{HeaderMap, Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt};

/// What the kernel takes of an answer beyond what it may send now. It would take
/// megabytes, for each peer that never reads; this is enough to keep the wire busy.
///
/// It says that there is room again when half of it is sent. So a peer is closed
/// that takes less than 64 KiB within [`ServerLimits::write`], however often it
/// reads a byte: by default, one that is slower than a body may be.
const UNSENT_BYTES: u32 = 128 << 10;
/// How long a loop that cannot accept a connection waits.
const REST: Duration = Duration::from_millis(50);

/// The connection's place among all of them; an extension of each request.
/// Whoever upgrades the connection keeps it, because HTTP is over then and the
/// connection is not.
#[derive(Clone, Debug)]
pub struct Place {
    _place: Arc<crowd::Place>,
    /// That of the client itself, where a proxy stands before it.
    _seat: Option<Arc<Seat>>,
}

impl Place {
    /// Also keeps this seat.
    #[must_use]
    pub fn with(self, seat: Arc<Seat>) -> Self {
        Self { _seat: Some(seat), ..self }
    }
}

/// Who sent a request; an extension of each.
#[derive(Clone, Debug)]
pub struct Peer {
    ip: IpAddr,
    /// Where the peer is a proxy that is believed: by whom else clients are counted.
    proxied: Option<(Crowd, Arc<[Network]>)>,
}

impl Peer {
    /// Takes a seat for whoever sent a request with these headers, to be kept
    /// until it is answered. `None` where the connection has one.
    ///
    /// # Errors
    /// If it has too many requests and connections already.
    pub fn seat(&self, headers: &HeaderMap) -> Result<Option<Seat>, Crowded> {
        let Some((crowd, proxies)) = &self.proxied else { return Ok(None) };
        crowd.sit(network::behind(proxies, headers).unwrap_or(self.ip)).map(Some)
    }
}

/// The deadlines and the caps of a server.
#[derive(Clone, Debug)]
pub struct ServerLimits {
    /// How long a request's header may take, and a connection may be idle.
    pub header: Duration,
    /// The deadlines of each body.
    pub body: BodyDeadlines,
    /// How long a peer may refuse to read, or take to read 64 KiB.
    pub write: Duration,
    /// Most connections at a time. One more takes the place of the one that has
    /// been silent for longest; if none is silent, it is refused.
    pub connections: usize,
    /// Most connections of one address; 0 is no cap.
    pub connections_per_ip: usize,
    /// Proxies, whose clients are counted instead of them.
    pub proxies: Arc<[Network]>,
}

impl ServerLimits {
    /// As configured, but for a cap on connections that this process has no open
    /// files for.
    #[must_use]
    pub fn new(limits: &Limits, proxies: &[Network], open_files: u64) -> Self {
        let most = open_files::for_connections(open_files);
        if most < limits.connections_max {
            tracing::warn!(open_files, most, "limits.connections_max is more than this process may open files for");
        }
        Self {
            header: Duration::from_millis(limits.header_timeout_ms),
            body: BodyDeadlines {
                idle: Duration::from_millis(limits.body_idle_timeout_ms),
                total: Duration::from_millis(limits.body_timeout_ms),
                rate_min: limits.body_rate_min,
            },
            write: Duration::from_millis(limits.write_timeout_ms),
            connections: limits.connections_max.min(most),
            connections_per_ip: limits.connections_per_ip,
            proxies: proxies.into(),
        }
    }
}

/// Serves until `shutdown`: softly, it takes no new connection and lets each
/// finish its request; hard, it drops them. The caller owns the port.
pub async fn run<S, B>(listener: TcpListener, service: S, limits: ServerLimits, shutdown: Shutdown)
where
    S: Service<Request<DeadlineBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let crowd = Crowd::new(limits.connections, limits.connections_per_ip);
    let refusals = Refusals::default();
    let mut spare = Spare::default();
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.soft.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                if !crowd.send_away() {
                    spare.lend(dismiss_one(&listener)).await;
                }
                // The queue of the kernel keeps the rest for a moment.
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let ip = address.ip();
        let proxied = limits.proxies.iter().any(|proxy| proxy.contains(ip));
        let place = match crowd.enter((!proxied).then_some(ip)) {
            Ok(place) => Place { _place: Arc::new(place), _seat: None },
            Err(crowded) => {
                tracing::debug!(%address, ?crowded, "connection refused");
                refusals.refuse(stream, crowded);
                continue;
            }
        };
        let peer = Peer { ip, proxied: proxied.then(|| (crowd.clone(), Arc::clone(&limits.proxies))) };
        let connection = Connection { peer, place, silence: Silence::new(&crowd) };
        connections.spawn(connection.serve(stream, service.clone(), limits.clone(), shutdown.clone()));
    }
    drop(listener);
    connections.close();
    tokio::select! {
        () = connections.wait() => {}
        () = shutdown.hard.cancelled() => {}
    }
}

/// Accepts a connection if there is one, tells it to come again, and closes it.
async fn dismiss_one(listener: &TcpListener) {
    if let Ok(Ok((stream, _))) = timeout(REST, listener.accept()).await {
        Refusals::dismiss(&stream);
    }
}

/// A connection that was accepted.
struct Connection {
    peer: Peer,
    place: Place,
    silence: Arc<Silence>,
}

impl Connection {
    async fn serve<S, B>(self, stream: TcpStream, service: S, limits: ServerLimits, shutdown: Shutdown)
    where
        S: Service<Request<DeadlineBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: http_body::Body + Send + Unpin + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Self { peer, place, silence } = self;
        let ip = peer.ip;
        // Small frames must not wait for one another; a failure costs only time.
        let _ = stream.set_nodelay(true);
        // Not on the listener: whoever comes before the loop runs would not inherit
        // it. A failure costs only memory.
        let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.write));
        let asked = Arc::clone(&silence);
        let answer = service_fn(move |request: Request<Incoming>| {
            let asking = asked.interrupt();
            let mut request = request.map(|body| DeadlineBody::new(body, limits.body));
            request.extensions_mut().insert(place.clone());
            request.extensions_mut().insert(peer.clone());
            let answered = service.clone().oneshot(request);
            async move { Ok::<_, Infallible>(answered.await?.map(|body| Held::new(body, asking))) }
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
            () = silence.sent_away() => return tracing::debug!(%ip, "connection closed to make room"),
            () = shutdown.soft.cancelled() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection => ended,
                    () = shutdown.hard.cancelled() => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%ip, %error, "connection ended");
        }
    }
}

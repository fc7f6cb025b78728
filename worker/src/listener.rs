//! Where a worker of a fleet tells how it is, for whoever watches it: `/healthz`,
//! `/readyz` and `/metrics`. In heim-media that is the coordinator's to tell.
//!
//! Nothing that comes in here reaches the worker's jobs.

use crate::{
    WorkerError,
    children::Walls,
    config::Settings,
    coordinator::{CallError, Coordinator, parse},
    measures::MEASURES,
};
use bytes::Bytes;
use heim_common::problem::{self, Code, Problem};
use heim_queue::Queue;
use heim_runtime::{
    Shutdown,
    body::{BodyDeadlines, DeadlineBody},
    measure::{self, Page},
    probe::{self, Newest},
    server::{self, ServerLimits},
};
use heim_store::Store;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// For each thing that a connection may wait for.
const DEADLINE: Duration = Duration::from_secs(10);
/// Nobody sends a body here.
const RATE_MIN: u64 = 1024;
/// Few watch a worker.
const CONNECTIONS_MAX: usize = 64;

/// An open port. Nobody is answered before [`Self::serve`].
#[derive(Debug)]
pub struct Listener {
    port: TcpListener,
    watched: Watched,
}

/// What a worker stands on.
#[derive(Clone, Debug)]
struct Watched {
    coordinator: Coordinator,
    queue: Queue,
    store: Store,
    page: Page,
    newest: Newest<Report>,
}

/// What the looks found, each in a word.
#[derive(Clone, Copy, Debug)]
struct Report {
    coordinator: &'static str,
    queue: &'static str,
    store: &'static str,
}

impl Listener {
    /// Opens the port that `worker.listen` names, if it names one, and begins to
    /// count.
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn open(settings: &Settings, queue: &Queue, store: &Store) -> Result<Option<Self>, WorkerError> {
        let listen = &settings.worker.listen;
        if listen.is_empty() {
            return Ok(None);
        }
        let failed = |error| WorkerError::Listen(listen.clone(), error);
        let port = TcpListener::bind(listen).await.map_err(failed)?;
        let address = parse(&settings.worker.coordinator_url, settings.worker.allow_plain_http)?;
        let coordinator = Coordinator::new(&address, settings.hooks.clone()).map_err(WorkerError::Client)?;
        let page = measure::begin(&[MEASURES]).map_err(WorkerError::Measures)?;
        let (queue, store) = (queue.clone(), store.clone());
        Ok(Some(Self { port, watched: Watched { coordinator, queue, store, page, newest: Newest::default() } }))
    }

    /// Answers until `shutdown`. `walls` are around the pixel children.
    pub async fn serve(self, walls: Walls, shutdown: Shutdown) {
        let Self { port, watched } = self;
        let walls: BTreeMap<_, _> =
            walls.iter().map(|(wall, standing)| (wall.as_str(), standing.to_string())).collect();
        let (page, walls) = (watched.page.clone(), Arc::new(json!(walls)));
        let service = tower::service_fn(move |request: Request<DeadlineBody>| {
            let (watched, walls) = (watched.clone(), Arc::clone(&walls));
            async move { Ok::<_, Infallible>(watched.answer(&request, &walls).await) }
        });
        let limits = ServerLimits {
            header: DEADLINE,
            body: BodyDeadlines { idle: DEADLINE, total: DEADLINE, rate_min: RATE_MIN },
            write: DEADLINE,
            connections: CONNECTIONS_MAX,
            connections_per_ip: 0,
            proxies: Arc::default(),
        };
        tokio::select! {
            never = page.keep() => match never {},
            () = server::run(port, service, limits, shutdown) => {}
        }
    }
}

impl Watched {
    async fn answer(&self, request: &Request<DeadlineBody>, walls: &Value) -> Response<Full<Bytes>> {
        let path = request.uri().path();
        if !["/healthz", "/readyz", "/metrics"].contains(&path) {
            return refusal(Code::NotFound);
        }
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            return refusal(Code::MethodNotAllowed);
        }
        match path {
            "/healthz" => answer(StatusCode::OK, "text/plain; charset=utf-8", "alive\n"),
            "/metrics" => answer(StatusCode::OK, Page::CONTENT_TYPE, self.page.render()),
            _ => self.ready(walls).await,
        }
    }

    async fn ready(&self, walls: &Value) -> Response<Full<Bytes>> {
        let Report { coordinator, queue, store } = self.newest.or(|| self.look()).await;
        let ready = [coordinator, queue, store].iter().all(|word| *word == probe::OK);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let body =
            json!({ "ready": ready, "coordinator": coordinator, "queue": queue, "store": store, "walls": walls });
        answer(status, "application/json", body.to_string())
    }

    async fn look(&self) -> Report {
        let coordinator = async {
            let (told, _) = self.coordinator.readiness().await?;
            if told["ready"] == true { Ok(()) } else { Err(CallError::Unavailable(StatusCode::SERVICE_UNAVAILABLE)) }
        };
        let word = |error: &CallError| match error {
            CallError::Unreachable(_) => "not answering",
            CallError::Unavailable(_) => "not ready",
            _ => "failing",
        };
        let (coordinator, queue, store) = tokio::join!(
            probe::look("coordinator", coordinator, word),
            probe::look("queue", self.queue.ping(), |_| "failing"),
            probe::look("store", self.store.check(), |error| match error {
                error if error.is_full() => "full",
                error if error.is_read_only() => "read-only",
                _ => "failing",
            }),
        );
        Report { coordinator, queue, store }
    }
}

fn answer(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refusal(code: Code) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let body = serde_json::to_vec(&Problem::new(code, None)).unwrap_or_default();
    answer(status, problem::CONTENT_TYPE, body)
}

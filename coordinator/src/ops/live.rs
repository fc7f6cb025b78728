//! The overview's figures, and who is told of them every second. Whoever looks within
//! one second is shown the same, so that many windows cost the database no more than one.

use super::{Ops, door::Session, fields::Fields, frame, overview};
use crate::{
    admin::{LaneOverview, Lately, Tools, lanes_now, lately},
    failure::Failure,
};
use axum::{
    body::Body,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use heim_common::{Millis, problem::Code};
use heim_db::{JobCounts, StrayKind, WorkerRow};
use heim_runtime::telemetry::chain;
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Most windows that are told.
const WINDOWS_MAX: usize = 32;
/// How often they are told.
const TICK: Duration = Duration::from_secs(1);
/// How long what the lanes did lately is good for; at least so many times what it took
/// to count it.
const FRESH: Duration = Duration::from_secs(5);
const FRESH_TIMES: u32 = 20;
/// How long the database may take.
const ANSWER: Duration = Duration::from_secs(10);
/// After how long without news a window is told that there is none.
const SILENCE: u32 = 15;

/// All that the overview shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overview {
    pub(super) now: Millis,
    pub(super) lanes: Vec<LaneOverview>,
    pub(super) lately: Arc<Lately>,
    pub(super) workers: Vec<WorkerRow>,
    pub(super) jobs: JobCounts,
    /// Objects that no row names, and rows without their object.
    pub(super) orphans: u64,
    pub(super) missing: u64,
}

/// Something that was counted, and when.
struct Counted<T> {
    at: Instant,
    took: Duration,
    value: Arc<T>,
}

/// The newest of each.
pub(super) struct Live {
    lately: Mutex<Option<Counted<Lately>>>,
    overview: Mutex<Option<Counted<Overview>>>,
    windows: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self { lately: Mutex::default(), overview: Mutex::default(), windows: Arc::new(Semaphore::new(WINDOWS_MAX)) }
    }
}

impl Live {
    /// As it is now, but for what the lanes did lately.
    pub(super) async fn look(&self, tools: Tools<'_>) -> Result<Arc<Overview>, Failure> {
        let mut newest = self.overview.lock().await;
        self.count(tools, &mut newest).await
    }

    /// As it was within the last second.
    async fn glance(&self, tools: Tools<'_>) -> Result<Arc<Overview>, Failure> {
        let mut newest = self.overview.lock().await;
        match newest.as_ref().filter(|counted| counted.at.elapsed() < TICK * 9 / 10) {
            Some(counted) => Ok(Arc::clone(&counted.value)),
            None => self.count(tools, &mut newest).await,
        }
    }

    async fn count(&self, tools: Tools<'_>, newest: &mut Option<Counted<Overview>>) -> Result<Arc<Overview>, Failure> {
        let at = Instant::now();
        let lately = self.lately(tools).await?;
        let db = tools.db;
        let value = Arc::new(Overview {
            now: db.now().await?,
            lanes: lanes_now(tools, &lately).await?,
            lately,
            workers: db.workers().await?,
            jobs: db.jobs_outstanding().await?,
            orphans: db.strays_count(StrayKind::Orphan).await?,
            missing: db.strays_count(StrayKind::Missing).await?,
        });
        *newest = Some(Counted { at, took: at.elapsed(), value: Arc::clone(&value) });
        Ok(value)
    }

    async fn lately(&self, tools: Tools<'_>) -> Result<Arc<Lately>, Failure> {
        let mut newest = self.lately.lock().await;
        let is_fresh = |counted: &&Counted<Lately>| counted.at.elapsed() < FRESH.max(counted.took * FRESH_TIMES);
        if let Some(counted) = newest.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(&counted.value));
        }
        let at = Instant::now();
        let value = Arc::new(lately(tools).await?);
        *newest = Some(Counted { at, took: at.elapsed(), value: Arc::clone(&value) });
        Ok(value)
    }
}

/// A window that is told.
struct Window {
    ops: Ops,
    session: Session,
    fields: Fields,
    until: Instant,
    told: String,
    silent: u32,
    _seat: OwnedSemaphorePermit,
}

/// `GET /ops/events`: the overview, anew whenever it changes (server-sent events).
pub(super) async fn events(State(ops): State<Ops>, session: Session, fields: Fields) -> Response {
    let Ok(seat) = Arc::clone(&ops.live.windows).try_acquire_owned() else {
        return frame::refusal(&Failure::with(Code::Unavailable, "Too many windows are open."));
    };
    let until = Instant::now() + session.left(ops.app.now());
    let window = Window { ops, session, fields, until, told: String::new(), silent: 0, _seat: seat };
    let told = stream::unfold((window, Duration::ZERO), async |(mut window, rest)| {
        let event = window.next(rest).await?;
        Some((Ok::<_, Infallible>(Bytes::from(event)), (window, TICK)))
    });
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(Box::pin(told))).into_response()
}

impl Window {
    /// The next event; none when the session or the coordinator ends.
    async fn next(&mut self, mut rest: Duration) -> Option<String> {
        loop {
            tokio::select! {
                () = sleep(rest) => {}
                () = sleep_until(self.until) => return None,
                () = self.ops.shutdown.soft.cancelled() => return None,
            }
            rest = TICK;
            let event = self.look().await;
            if event != self.told {
                self.silent = 0;
                event.clone_into(&mut self.told);
                return Some(event);
            }
            self.silent += 1;
            if self.silent.is_multiple_of(SILENCE) {
                return Some(":\n\n".to_owned());
            }
        }
    }

    async fn look(&self) -> String {
        match timeout(ANSWER, self.ops.live.glance(self.ops.app.tools())).await {
            Ok(Ok(overview)) => {
                let html = overview::content(&overview, &self.session, &self.fields).into_string();
                format!("data: {}\n\n", html.replace('\n', "\ndata: "))
            }
            Ok(Err(failure)) => {
                let cause = failure.cause.as_deref();
                tracing::warn!(error = cause.map(|cause| chain(cause)), "the dashboard is not told");
                "event: away\ndata:\n\n".to_owned()
            }
            Err(_) => "event: away\ndata:\n\n".to_owned(),
        }
    }
}

//! What changes by itself, and who is told of it every second: the overview, a job, the
//! counts above a list of jobs. Whoever looks at the same within one second is shown the
//! same, so that many windows cost the database no more than one.

use super::{Ops, door::Session, fields::Fields, frame, job, jobs, overview, transport};
use crate::{
    admin::{LaneOverview, Lately, Tools, lanes_now, lately},
    app::App,
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
use heim_common::{JobId, Millis, job::Reason, problem::Code};
use heim_db::{JobCounts, JobHistory, StrayKind, WorkerRow};
use heim_runtime::telemetry::chain;
use maud::Markup;
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
    /// Of those that have failed, how many did by a fault on our side.
    pub(super) faults: u64,
    /// Objects that no row names, and rows without their object.
    pub(super) orphans: u64,
    pub(super) missing: u64,
    pub(super) queue: transport::Heard,
}

/// Something that was counted, and when.
struct Counted<T> {
    at: Instant,
    took: Duration,
    value: Arc<T>,
}

impl<T> Counted<T> {
    /// Whether it was within the last second.
    fn is_of_now(&self) -> bool {
        self.at.elapsed() < TICK * 9 / 10
    }
}

/// Why jobs fail without a fault of their files.
fn faults() -> Vec<Reason> {
    Reason::ALL.iter().copied().filter(|reason| reason.is_ours()).collect()
}

/// The newest of each.
pub(super) struct Live {
    lately: Mutex<Option<Counted<Lately>>>,
    overview: Mutex<Option<Counted<Overview>>>,
    job: Mutex<Option<(JobId, Counted<Option<JobHistory>>)>>,
    transport: transport::Transport,
    windows: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            lately: Mutex::default(),
            overview: Mutex::default(),
            job: Mutex::default(),
            transport: transport::Transport::default(),
            windows: Arc::new(Semaphore::new(WINDOWS_MAX)),
        }
    }
}

impl Live {
    /// As it is now, but for what the lanes did lately.
    pub(super) async fn look(&self, app: &App) -> Result<Arc<Overview>, Failure> {
        let mut newest = self.overview.lock().await;
        self.count(app, &mut newest).await
    }

    /// As it was within the last second.
    async fn glance(&self, app: &App) -> Result<Arc<Overview>, Failure> {
        let mut newest = self.overview.lock().await;
        match newest.as_ref().filter(|counted| counted.is_of_now()) {
            Some(counted) => Ok(Arc::clone(&counted.value)),
            None => self.count(app, &mut newest).await,
        }
    }

    /// A job as it was within the last second; none where its row is gone. One after the
    /// other is looked for, however many windows there are.
    async fn job(&self, tools: Tools<'_>, id: JobId) -> Result<Arc<Option<JobHistory>>, Failure> {
        let mut newest = self.job.lock().await;
        if let Some((_, counted)) = newest.as_ref().filter(|(of, counted)| *of == id && counted.is_of_now()) {
            return Ok(Arc::clone(&counted.value));
        }
        let at = Instant::now();
        let value = Arc::new(tools.db.job_history(id).await?);
        *newest = Some((id, Counted { at, took: at.elapsed(), value: Arc::clone(&value) }));
        Ok(value)
    }

    async fn count(&self, app: &App, newest: &mut Option<Counted<Overview>>) -> Result<Arc<Overview>, Failure> {
        let (at, tools) = (Instant::now(), app.tools());
        let (queue, lately) = tokio::join!(self.transport.look(&app.queue), self.lately(tools));
        let (db, lately) = (tools.db, lately?);
        let value = Arc::new(Overview {
            now: db.now().await?,
            lanes: lanes_now(tools, &lately).await?,
            lately,
            workers: db.workers().await?,
            jobs: db.jobs_outstanding().await?,
            faults: db.jobs_failed(&faults()).await?,
            orphans: db.strays_count(StrayKind::Orphan).await?,
            missing: db.strays_count(StrayKind::Missing).await?,
            queue,
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

/// What a window shows that changes.
enum Subject {
    Overview,
    /// How many jobs are in each state.
    Counts,
    Job(JobId),
}

impl Subject {
    fn of(fields: &Fields) -> Result<Self, Failure> {
        Ok(match fields.value("job")? {
            Some(job) => Self::Job(job),
            None if fields.get("of") == "jobs" => Self::Counts,
            None => Self::Overview,
        })
    }
}

/// A window that is told.
struct Window {
    ops: Ops,
    subject: Subject,
    session: Session,
    fields: Fields,
    until: Instant,
    told: String,
    silent: u32,
    _seat: OwnedSemaphorePermit,
}

/// `GET /ops/events`: what changes of a page, anew whenever it does (server-sent events).
pub(super) async fn events(State(ops): State<Ops>, session: Session, fields: Fields) -> Response {
    let subject = match Subject::of(&fields) {
        Ok(subject) => subject,
        Err(failure) => return frame::refusal(&failure),
    };
    let Ok(seat) = Arc::clone(&ops.live.windows).try_acquire_owned() else {
        return frame::refusal(&Failure::with(Code::Unavailable, "Too many windows are open."));
    };
    let until = Instant::now() + session.left(ops.app.now());
    let window = Window { ops, subject, session, fields, until, told: String::new(), silent: 0, _seat: seat };
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
        match timeout(ANSWER, self.content()).await {
            Ok(Ok(content)) => {
                let html = content.into_string();
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

    async fn content(&self) -> Result<Markup, Failure> {
        let (live, app) = (&self.ops.live, &self.ops.app);
        Ok(match self.subject {
            Subject::Overview => overview::content(&*live.glance(app).await?, &self.session, &self.fields),
            Subject::Counts => jobs::tabs(&self.fields, live.glance(app).await?.jobs),
            Subject::Job(id) => job::content((*live.job(app.tools(), id).await?).as_ref(), &self.session),
        })
    }
}

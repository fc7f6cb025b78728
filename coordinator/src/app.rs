//! What every request handler is given: plain handles to the capabilities.

use crate::{
    config::Settings, dispatch::Bell, failure::Failure, keys::Keyring, passcode::Passcodes, readiness::Readiness,
    rooms::Rooms, sign::Signer, start::KnownWalls,
};
use heim_common::{JobId, MediaId, MessageId, Millis, Snowflake, Trace, id::Snowflakes, problem::Code, time::Clock};
use heim_db::Database;
use heim_queue::Queue;
use heim_runtime::measure::Page;
use heim_store::Store;
use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// One coordinator. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

/// What a coordinator is made of.
pub(crate) struct Parts {
    pub(crate) db: Database,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) walls: Option<KnownWalls>,
    pub(crate) signer: Signer,
    pub(crate) keys: Keyring,
    pub(crate) passcodes: Passcodes,
    pub(crate) rooms: Rooms,
    /// Places for sessions that are on their way into a room.
    pub(crate) entering: Arc<Semaphore>,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    /// This coordinator, as sessions see it.
    pub(crate) server_id: String,
    /// This start of it.
    pub(crate) server_era: String,
    /// Where it is reached if neither the configuration nor the client says.
    pub(crate) own_url: String,
    /// What a stop waits for: sessions, and what [`App::see_through`] began.
    pub(crate) tasks: TaskTracker,
    /// Rung when there is something to dispatch.
    pub(crate) bell: Bell,
    /// Woken when there is much to remove.
    pub(crate) sweep: Arc<Notify>,
    /// What was counted.
    pub(crate) metrics: Page,
    /// How its parts were when somebody looked last.
    pub(crate) readiness: Readiness,
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Runs `work` to its end even if whoever waits for it goes away: a client
    /// that hangs up must not stop a commit half-way, or between the commit and
    /// its announcement.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let ended = self.tasks.spawn(work.in_current_span()).await;
        ended.unwrap_or_else(|error| Err(Failure::because(Code::Internal, error)))
    }

    pub(crate) fn now(&self) -> Millis {
        (self.clock)()
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Makes ids for this coordinator.
pub(crate) struct Ids {
    clock: Clock,
    snowflakes: Mutex<Snowflakes>,
}

impl Ids {
    /// The maker for the process that holds `number`.
    pub(crate) fn new(number: u16, clock: Clock) -> Self {
        Self { clock, snowflakes: Mutex::new(Snowflakes::new(number)) }
    }

    /// A new bare id.
    pub(crate) fn snowflake(&self) -> Snowflake {
        // The maker is whole after every step, so a poisoned lock harms nobody.
        self.snowflakes.lock().unwrap_or_else(PoisonError::into_inner).next((self.clock)())
    }

    pub(crate) fn media(&self) -> MediaId {
        MediaId(self.snowflake())
    }

    pub(crate) fn message(&self) -> MessageId {
        MessageId(self.snowflake())
    }

    /// The id of a request that nobody has begun before.
    pub(crate) fn trace() -> Trace {
        Trace::begin(rand::random(), rand::random())
    }

    pub(crate) fn job(&self) -> JobId {
        JobId(self.snowflake())
    }
}

//! The transport over Redis: commands that answer at once. What waits is in
//! [`pops`] (jobs) and [`listen`] (events), each on a connection of its own,
//! because a blocking pop stops everything else on its connection.

mod eviction;
mod layout;
mod listen;
mod outage;
mod pops;
mod saving;

pub(crate) use pops::Pops;
pub use saving::{Kept, Saving};

use crate::{QueueError, Subscription};
use heim_common::{JobRef, job::Lane, room_event::RoomEvent};
use layout::Layout;
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    aio::{ConnectionManager, ConnectionManagerConfig},
    cmd,
    io::tcp::{TcpSettings, socket2::TcpKeepalive},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

/// How long anybody waits for Redis, connecting anew included: an upload must
/// not hang on it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a peer may be silent before the kernel gives its connection up.
const SILENCE: Duration = Duration::from_secs(15);

/// Redis, and the names in it.
pub(crate) struct OverRedis {
    client: Client,
    /// Connects anew by itself after each failure.
    commands: ConnectionManager,
    layout: Layout,
}

impl OverRedis {
    pub(crate) async fn connect(url: &str, prefix: &str) -> Result<Self, QueueError> {
        if !["redis:", "redis+unix:", "unix:"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(QueueError::Url(None));
        }
        let unusable = |error: RedisError| QueueError::Url(Some(error.into()));
        let info = url.into_connection_info().map_err(unusable)?.set_tcp_settings(tcp());
        let client = Client::open(info).map_err(unusable)?;
        // Few and quick attempts: the next command makes the next one, and
        // whoever is refused at once can say so at once.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(250))
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connecting = ConnectionManager::new_with_config(client.clone(), config);
        let mut commands = within("connect", connecting).await?;
        if let Some(policy) = setting(eviction::POLICY, &mut commands).await? {
            eviction::refuse(policy)?;
        } else {
            tracing::warn!("Redis does not tell its maxmemory-policy; see that it is noeviction");
        }
        Ok(Self { client, commands, layout: Layout::new(prefix) })
    }

    pub(crate) async fn push(&self, lane: Lane, jobs: &[JobRef]) -> Result<(), QueueError> {
        let mut push = cmd("RPUSH");
        push.arg(self.layout.lane(lane));
        for job in jobs {
            push.arg(encode(job)?);
        }
        self.ask("take jobs", &push).await
    }

    pub(crate) async fn waiting(&self) -> Result<BTreeMap<Lane, usize>, QueueError> {
        let mut lengths = Pipeline::new();
        for &lane in Lane::ALL {
            lengths.cmd("LLEN").arg(self.layout.lane(lane));
        }
        let mut commands = self.commands.clone();
        let waiting: Vec<usize> = within("count the jobs", lengths.query_async(&mut commands)).await?;
        Ok(Lane::ALL.iter().copied().zip(waiting).collect())
    }

    pub(crate) async fn ping(&self) -> Result<(), QueueError> {
        self.ask("answer", &cmd("PING")).await
    }

    /// Whether it still keeps what waits: an operator may change that at any time.
    pub(crate) async fn keeps(&self) -> Result<(), QueueError> {
        match setting(eviction::POLICY, &mut self.commands.clone()).await? {
            Some(policy) => eviction::refuse(policy),
            None => Ok(()),
        }
    }

    pub(crate) async fn saving(&self) -> Result<Saving, QueueError> {
        let mut info = cmd("INFO");
        info.arg("persistence");
        let told: String = self.ask("tell whether it saves", &info).await?;
        let mut commands = self.commands.clone();
        let points = setting("save", &mut commands).await?;
        let refuses = setting("stop-writes-on-bgsave-error", &mut commands).await?;
        Ok(Saving::told(&told, points.as_deref(), refuses.as_deref()))
    }

    pub(crate) async fn publish(&self, event: &RoomEvent) -> Result<(), QueueError> {
        let mut publish = cmd("PUBLISH");
        publish.arg(self.layout.rooms()).arg(encode(event)?);
        self.ask("take an event", &publish).await
    }

    pub(crate) async fn subscribe(self: &Arc<Self>) -> Subscription {
        listen::subscribe(self.clone()).await
    }

    async fn ask<T: FromRedisValue>(&self, attempt: &'static str, command: &Cmd) -> Result<T, QueueError> {
        within(attempt, command.query_async(&mut self.commands.clone())).await
    }
}

fn encode(payload: &impl Serialize) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(payload).map_err(QueueError::Encode)
}

/// A key of its configuration; `None` where it does not tell.
async fn setting(key: &'static str, commands: &mut ConnectionManager) -> Result<Option<String>, QueueError> {
    let mut get = cmd("CONFIG");
    get.arg("GET").arg(key);
    let answer = within("tell its configuration", async {
        match get.query_async::<HashMap<String, String>>(commands).await {
            // Hosted ones forbid the question; that is no outage.
            Err(error) if !error.is_io_error() => Ok(None),
            answer => answer.map(Some),
        }
    });
    Ok(answer.await?.and_then(|config| config.into_values().next()))
}

async fn within<T>(attempt: &'static str, answer: impl Future<Output = RedisResult<T>>) -> Result<T, QueueError> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) if error.is_timeout() => Err(QueueError::TimedOut { attempt }),
        Ok(Err(error)) => Err(QueueError::Redis { attempt, source: error.into() }),
        Err(_) => Err(QueueError::TimedOut { attempt }),
    }
}

/// Without these, a host that vanished would be waited for until the kernel
/// gives up by itself, a quarter of an hour later: the client connects anew
/// after a broken connection, not after a timeout.
fn tcp() -> TcpSettings {
    let keepalive = TcpKeepalive::new().with_time(SILENCE / 3).with_interval(SILENCE / 3);
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(SILENCE);
    tcp
}

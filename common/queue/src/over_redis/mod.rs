//! The transport over Redis: commands that answer at once. What waits is in
//! [`pops`] (jobs) and [`listen`] (events), each on a connection of its own,
//! because a blocking pop stops everything else on its connection.

mod commands;
mod eviction;
mod layout;
mod listen;
mod outage;
mod pops;
mod saving;

pub(crate) use eviction::evicts;
pub(crate) use pops::Pops;
pub use saving::{Kept, Saving};

use crate::{QueueError, RedisFigures, Subscription};
use commands::Commands;
use heim_common::{JobRef, job::Lane, room_event::RoomEvent};
use layout::Layout;
use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, IntoConnectionInfo, Pipeline, RedisError, RedisResult,
    aio::ConnectionManager,
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
    commands: Commands,
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
        let commands = Commands::connect(client.clone()).await?;
        let redis = Self { client, commands, layout: Layout::new(prefix) };
        if let Some(policy) = redis.setting(eviction::POLICY).await? {
            eviction::refuse(policy)?;
        } else {
            tracing::warn!("Redis does not tell its maxmemory-policy; see that it is noeviction");
        }
        Ok(redis)
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
        let count = async |redis: &mut ConnectionManager| lengths.query_async::<Vec<usize>>(redis).await;
        let waiting = self.commands.ask("count the jobs", count).await?;
        Ok(Lane::ALL.iter().copied().zip(waiting).collect())
    }

    pub(crate) async fn ping(&self) -> Result<(), QueueError> {
        self.ask("answer", &cmd("PING")).await
    }

    /// Whether it still keeps what waits: an operator may change that at any time.
    pub(crate) async fn keeps(&self) -> Result<(), QueueError> {
        match self.setting(eviction::POLICY).await? {
            Some(policy) => eviction::refuse(policy),
            None => Ok(()),
        }
    }

    pub(crate) async fn saving(&self) -> Result<Saving, QueueError> {
        let mut info = cmd("INFO");
        info.arg("persistence");
        let told: String = self.ask("tell whether it saves", &info).await?;
        self.saving_by(&told).await
    }

    /// How it is.
    pub(crate) async fn figures(&self) -> Result<RedisFigures, QueueError> {
        let told: String = self.ask("tell how it is", &cmd("INFO")).await?;
        let mut listeners = cmd("PUBSUB");
        listeners.arg("NUMSUB").arg(self.layout.rooms());
        let listeners = self.unless_forbidden("count who listens", &listeners).await?;
        let listeners = listeners.map(|(_, count): (String, u64)| count);
        Ok(RedisFigures::told(&told, listeners, self.saving_by(&told).await?))
    }

    async fn saving_by(&self, told: &str) -> Result<Saving, QueueError> {
        let points = self.setting("save").await?;
        let refuses = self.setting("stop-writes-on-bgsave-error").await?;
        Ok(Saving::told(told, points.as_deref(), refuses.as_deref()))
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
        self.commands.ask(attempt, async |redis| command.query_async(redis).await).await
    }

    /// A key of its configuration; `None` where it does not tell.
    async fn setting(&self, key: &'static str) -> Result<Option<String>, QueueError> {
        let mut get = cmd("CONFIG");
        get.arg("GET").arg(key);
        let config = self.unless_forbidden("tell its configuration", &get).await?;
        Ok(config.and_then(|config: HashMap<String, String>| config.into_values().next()))
    }

    /// The answer; `None` where it does not give one. Hosted ones forbid some questions;
    /// that is no outage.
    async fn unless_forbidden<T: FromRedisValue>(
        &self,
        attempt: &'static str,
        command: &Cmd,
    ) -> Result<Option<T>, QueueError> {
        let answer = self.commands.ask(attempt, async |redis| match command.query_async(redis).await {
            Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => Ok(None),
            answer => answer.map(Some),
        });
        answer.await
    }
}

fn encode(payload: &impl Serialize) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(payload).map_err(QueueError::Encode)
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

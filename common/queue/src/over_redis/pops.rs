//! Takes jobs out of Redis, on a connection that nothing else uses.

use super::{
    OverRedis, PATIENCE,
    layout::{self, Payload},
    outage::Outage,
    within,
};
use crate::{LaneWeights, QueueError, wheel::Wheel};
use heim_common::JobRef;
use redis::{AsyncConnectionConfig, RedisResult, aio::MultiplexedConnection, cmd};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long one pop waits in Redis.
const BLOCK_SECONDS: u8 = 1;
/// How long its answer may take before the connection is given up. Far above
/// [`BLOCK_SECONDS`], so that a Redis that was only busy is no outage: what it
/// would pop into a connection that was left is lost until the sweep.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// After a job was left to workers of a later release.
const LEAVE_PAUSE: Duration = Duration::from_millis(50);

/// The list and the payload that were popped.
type Popped = Option<(String, Vec<u8>)>;

/// One worker's pops.
pub(crate) struct Pops {
    redis: Arc<OverRedis>,
    connection: Option<Waiting>,
    outage: Outage,
    wheel: Wheel,
}

#[derive(Clone)]
struct Waiting {
    connection: MultiplexedConnection,
    /// Redis' number of the connection, if it tells.
    id: Option<u64>,
}

impl Pops {
    pub(crate) fn new(redis: Arc<OverRedis>, weights: LaneWeights) -> Self {
        Self { redis, connection: None, outage: Outage::none("take jobs"), wheel: Wheel::new(weights) }
    }

    /// The next job, or `None` once `stop` has fired.
    pub(crate) async fn next(&mut self, stop: &CancellationToken) -> Option<JobRef> {
        while !stop.is_cancelled() {
            match self.pop(stop).await {
                Ok(None) => self.outage.over(),
                Ok(Some((lane, payload))) => {
                    self.outage.over();
                    if stop.is_cancelled() {
                        self.give_back("LPUSH", &lane, &payload).await;
                        continue;
                    }
                    match layout::read_job(&payload) {
                        Payload::Job(job) => {
                            self.wheel.turn();
                            return Some(job);
                        }
                        Payload::Later => {
                            // To the end, and not at once: others are to have their turn.
                            self.give_back("RPUSH", &lane, &payload).await;
                            stop.run_until_cancelled(tokio::time::sleep(LEAVE_PAUSE)).await;
                        }
                        // Its row, if there is one, is dispatched again.
                        Payload::Nothing => {
                            tracing::error!(lane, bytes = payload.len(), "dropped a payload that is no job");
                        }
                    }
                }
                Err(error) => {
                    self.connection = None;
                    let pause = self.outage.failed(&error);
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
        None
    }

    async fn pop(&mut self, stop: &CancellationToken) -> Result<Popped, QueueError> {
        let Waiting { mut connection, id } = self.connection().await?;
        let mut pop = cmd("BLPOP");
        let lanes: Vec<_> = self.wheel.order().into_iter().map(|lane| self.redis.layout.lane(lane)).collect();
        pop.arg(lanes).arg(BLOCK_SECONDS);
        let mut answer = std::pin::pin!(pop.query_async::<Popped>(&mut connection));
        let answer: RedisResult<Popped> = tokio::select! {
            biased;
            answer = &mut answer => answer,
            () = stop.cancelled() => {
                // Never dropped in mid-air: it may have a job by now.
                self.unblock(id).await;
                return within("end a pop", answer).await;
            }
        };
        answer.map_err(|error| QueueError::Redis { attempt: "give out jobs", source: error.into() })
    }

    async fn connection(&mut self) -> Result<Waiting, QueueError> {
        if let Some(waiting) = &self.connection {
            return Ok(waiting.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(ANSWER_TIMEOUT));
        let connecting = self.redis.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = within("connect", connecting).await?;
        let id = within("tell a connection's id", cmd("CLIENT").arg("ID").query_async(&mut connection)).await.ok();
        Ok(self.connection.insert(Waiting { connection, id }).clone())
    }

    /// Ends the pop that waits, so that a stop need not wait for it.
    async fn unblock(&self, id: Option<u64>) {
        let Some(id) = id else { return };
        let mut unblock = cmd("CLIENT");
        unblock.arg("UNBLOCK").arg(id);
        if let Err(error) = self.redis.ask::<i64>("end a pop", &unblock).await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the last pop ends by its own timeout");
        }
    }

    async fn give_back(&self, push: &str, lane: &str, payload: &[u8]) {
        let mut push = cmd(push);
        push.arg(lane).arg(payload);
        if let Err(error) = self.redis.ask::<i64>("take a job back", &push).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(lane, error, "a job could not be given back; the sweep dispatches it again");
        }
    }
}

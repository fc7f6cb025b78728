//! The handle that coordinators and workers hold.

use crate::{
    LaneWeights, QueueConfig, QueueError, QueueFigures, Saving, Subscription,
    in_process::InProcess,
    over_redis::{OverRedis, Pops},
};
use heim_common::{JobRef, job::Lane, room_event::RoomEvent};
use std::{collections::BTreeMap, fmt, sync::Arc};
use tokio_util::sync::CancellationToken;

/// A connected transport. Cheap to clone; clones of an in-process one share it.
#[derive(Clone)]
pub struct Queue {
    transport: Transport,
    window: usize,
    weights: LaneWeights,
}

#[derive(Clone)]
enum Transport {
    InProcess(Arc<InProcess>),
    Redis(Arc<OverRedis>),
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::InProcess(_) => "in process",
            Transport::Redis(_) => "redis",
        };
        f.debug_struct("Queue")
            .field("transport", &transport)
            .field("window", &self.window)
            .field("weights", &self.weights)
            .finish()
    }
}

impl Queue {
    /// Connects to what `queue.url` names.
    ///
    /// # Errors
    /// If the URL or the weights cannot be used, Redis cannot be reached, or may
    /// evict jobs.
    pub async fn connect(config: &QueueConfig) -> Result<Self, QueueError> {
        config.weights.validate()?;
        let transport = if config.url == "memory:" {
            Transport::InProcess(Arc::new(InProcess::new(config.window, config.weights)))
        } else {
            Transport::Redis(Arc::new(OverRedis::connect(&config.url, &config.prefix).await?))
        };
        Ok(Self { transport, window: config.window, weights: config.weights })
    }

    /// How many ids of each lane the dispatcher keeps waiting here.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// Lets these jobs wait for a worker, in this order. All or none of them,
    /// within two seconds.
    ///
    /// # Errors
    /// If the lane is full, or Redis does not take them.
    pub async fn push(&self, lane: Lane, jobs: &[JobRef]) -> Result<(), QueueError> {
        if jobs.is_empty() {
            return Ok(());
        }
        match &self.transport {
            Transport::InProcess(lanes) => lanes.push(lane, jobs),
            Transport::Redis(redis) => redis.push(lane, jobs).await,
        }
    }

    /// How many ids wait in each lane; a lane that is not named has none.
    ///
    /// # Errors
    /// If Redis does not tell.
    pub async fn waiting(&self) -> Result<BTreeMap<Lane, usize>, QueueError> {
        match &self.transport {
            Transport::InProcess(lanes) => Ok(lanes.waiting()),
            Transport::Redis(redis) => redis.waiting().await,
        }
    }

    /// How many ids wait, in all lanes.
    ///
    /// # Errors
    /// If Redis does not tell.
    pub async fn len(&self) -> Result<usize, QueueError> {
        self.waiting().await.map(|waiting| waiting.values().sum())
    }

    /// Whether no id waits.
    ///
    /// # Errors
    /// If Redis does not tell.
    pub async fn is_empty(&self) -> Result<bool, QueueError> {
        self.len().await.map(|waiting| waiting == 0)
    }

    /// Checks that the transport answers.
    ///
    /// # Errors
    /// If it does not, within two seconds.
    pub async fn ping(&self) -> Result<(), QueueError> {
        match &self.transport {
            Transport::InProcess(_) => Ok(()),
            Transport::Redis(redis) => redis.ping().await,
        }
    }

    /// Checks that what waits is kept when memory is short, which an operator may
    /// change while this runs.
    ///
    /// # Errors
    /// [`QueueError::Evicts`] if it is not, another if Redis does not tell.
    pub async fn keeps(&self) -> Result<(), QueueError> {
        match &self.transport {
            Transport::InProcess(_) => Ok(()),
            Transport::Redis(redis) => redis.keeps().await,
        }
    }

    /// What the transport keeps for its next start; `None` where it has none of its own.
    ///
    /// # Errors
    /// If Redis does not tell.
    pub async fn saving(&self) -> Result<Option<Saving>, QueueError> {
        match &self.transport {
            Transport::InProcess(_) => Ok(None),
            Transport::Redis(redis) => redis.saving().await.map(Some),
        }
    }

    /// How the transport is.
    ///
    /// # Errors
    /// If Redis does not tell, within two seconds a question.
    pub async fn figures(&self) -> Result<QueueFigures, QueueError> {
        let redis = match &self.transport {
            Transport::InProcess(_) => None,
            Transport::Redis(redis) => Some(redis.figures().await?),
        };
        let mut waiting: BTreeMap<_, _> = Lane::ALL.iter().map(|lane| (*lane, 0)).collect();
        waiting.extend(self.waiting().await?);
        Ok(QueueFigures { waiting, window: self.window, redis })
    }

    /// Tells every subscription, this process's among them. What nobody hears is gone.
    ///
    /// # Errors
    /// If Redis does not take it, within two seconds.
    pub async fn publish(&self, event: &RoomEvent) -> Result<(), QueueError> {
        match &self.transport {
            Transport::InProcess(lanes) => {
                lanes.publish(event);
                Ok(())
            }
            Transport::Redis(redis) => redis.publish(event).await,
        }
    }

    /// Hears all rooms from now on. Where Redis is away, it hears them when it is back.
    pub async fn subscribe(&self) -> Subscription {
        match &self.transport {
            Transport::InProcess(lanes) => lanes.subscribe(),
            Transport::Redis(redis) => redis.subscribe().await,
        }
    }

    pub(crate) fn pops(&self) -> Source {
        match &self.transport {
            Transport::InProcess(lanes) => Source::InProcess(lanes.clone()),
            Transport::Redis(redis) => Source::Redis(Pops::new(redis.clone(), self.weights)),
        }
    }
}

/// Where one worker takes its jobs from.
pub(crate) enum Source {
    InProcess(Arc<InProcess>),
    Redis(Pops),
}

impl Source {
    /// The next job, or `None` once `stop` has fired: what comes at that moment
    /// goes back to the head of its lane. Must be awaited to its
    /// end: a job that is on its way from Redis would be lost until the sweep.
    pub(crate) async fn next(&mut self, stop: &CancellationToken) -> Option<JobRef> {
        match self {
            Self::InProcess(lanes) => {
                let (lane, job) = stop.run_until_cancelled(lanes.pop()).await?;
                if stop.is_cancelled() {
                    lanes.give_back(lane, job);
                    return None;
                }
                Some(job)
            }
            Self::Redis(pops) => pops.next(stop).await,
        }
    }
}

//! The transport of a single process: bounded lanes in memory.

use crate::{Heard, LaneWeights, QueueError, Subscription, subscription::EVENTS_MAX, wheel::Wheel};
use heim_common::{JobRef, job::Lane, room_event::RoomEvent};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};
use tokio::sync::{Notify, broadcast};

/// A lane takes this many windows, because an id that waits long is pushed again.
const WINDOWS_PER_LANE: usize = 4;

/// The lanes, whose turn it is, and the channel of room events.
pub(crate) struct InProcess {
    lanes: Mutex<Lanes>,
    lane_max: usize,
    pushed: Notify,
    events: broadcast::Sender<Heard>,
}

struct Lanes {
    waiting: BTreeMap<Lane, VecDeque<JobRef>>,
    wheel: Wheel,
}

impl Lanes {
    fn take(&mut self) -> Option<(Lane, JobRef)> {
        for lane in self.wheel.order() {
            if let Some(job) = self.waiting.get_mut(&lane).and_then(VecDeque::pop_front) {
                self.wheel.turn();
                return Some((lane, job));
            }
        }
        None
    }
}

impl InProcess {
    pub(crate) fn new(window: usize, weights: LaneWeights) -> Self {
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let lane_max = window.saturating_mul(WINDOWS_PER_LANE);
        let lanes = Mutex::new(Lanes { waiting: BTreeMap::new(), wheel: Wheel::new(weights) });
        Self { lanes, lane_max, pushed: Notify::new(), events }
    }

    fn with_lanes<T>(&self, act: impl FnOnce(&mut Lanes) -> T) -> T {
        // Nothing panics while it holds the lock, so that poison means nothing.
        act(&mut self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All or none; never waits.
    pub(crate) fn push(&self, lane: Lane, jobs: &[JobRef]) -> Result<(), QueueError> {
        self.with_lanes(|lanes| {
            let waiting = lanes.waiting.entry(lane).or_default();
            if waiting.len() + jobs.len() > self.lane_max {
                return Err(QueueError::Full(lane));
            }
            waiting.extend(jobs);
            Ok(())
        })?;
        self.pushed.notify_one();
        Ok(())
    }

    pub(crate) fn waiting(&self) -> BTreeMap<Lane, usize> {
        self.with_lanes(|lanes| lanes.waiting.iter().map(|(lane, waiting)| (*lane, waiting.len())).collect())
    }

    /// The first job of the lane whose turn it is. May be dropped at any
    /// point: a job is taken only on the way out.
    pub(crate) async fn pop(&self) -> (Lane, JobRef) {
        loop {
            let (job, more) = self.with_lanes(|lanes| {
                let job = lanes.take();
                (job, lanes.waiting.values().any(|waiting| !waiting.is_empty()))
            });
            if more {
                // One notice is kept however many jobs were pushed: pass it on.
                self.pushed.notify_one();
            }
            match job {
                Some(job) => return job,
                None => self.pushed.notified().await,
            }
        }
    }

    /// Puts a job that was popped back to the head of its lane, full or not.
    pub(crate) fn give_back(&self, lane: Lane, job: JobRef) {
        self.with_lanes(|lanes| lanes.waiting.entry(lane).or_default().push_front(job));
        self.pushed.notify_one();
    }

    pub(crate) fn publish(&self, event: &RoomEvent) {
        // The only failure is that nobody listens.
        let _ = self.events.send(Heard::Event(event.clone()));
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription::new(self.events.subscribe(), None)
    }
}

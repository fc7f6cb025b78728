//! Hears room events, on a connection of its own, and makes a new one for ever.

use super::{OverRedis, outage::Outage, within};
use crate::{Heard, QueueError, Subscription, subscription::EVENTS_MAX};
use futures_util::StreamExt;
use heim_common::room_event::RoomEvent;
use redis::{Msg, Value, aio::PubSub};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{self, Sender},
    time::{self, MissedTickBehavior},
};
use tokio_util::task::AbortOnDropHandle;

/// How often a silent connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Subscribes, and returns when that is done or has failed once.
pub(super) async fn subscribe(redis: Arc<OverRedis>) -> Subscription {
    let (to, events) = broadcast::channel(EVENTS_MAX);
    let opened = open(&redis).await;
    let pump = tokio::spawn(pump(redis, opened, to));
    Subscription::new(events, Some(AbortOnDropHandle::new(pump)))
}

async fn pump(redis: Arc<OverRedis>, mut opened: Result<PubSub, QueueError>, to: Sender<Heard>) {
    let mut outage = Outage::none("hear room events");
    loop {
        let lost = match opened {
            Ok(pubsub) => forward(pubsub, &mut outage, &to).await,
            Err(error) => error,
        };
        let pause = outage.failed(&lost);
        tell(&to, Heard::Gap);
        time::sleep(pause).await;
        opened = open(&redis).await;
        if opened.is_ok() {
            // After the subscription, so that nothing falls between it and the healing.
            tell(&to, Heard::Gap);
        }
    }
}

async fn open(redis: &OverRedis) -> Result<PubSub, QueueError> {
    within("subscribe to the rooms", async {
        let mut pubsub = redis.client.get_async_pubsub().await?;
        pubsub.subscribe(redis.layout.rooms()).await?;
        Ok(pubsub)
    })
    .await
}

/// Passes events on until the connection is lost, and says why it was.
async fn forward(pubsub: PubSub, outage: &mut Outage, to: &Sender<Heard>) -> QueueError {
    // The client buffers without a bound, so nothing here may wait for the
    // listener: who lags loses the oldest events, and is told.
    let (mut sink, mut messages) = pubsub.split();
    // The first tick is at once: a connection that answers is the end of an outage.
    let mut ping = time::interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => tell(to, read(&message)),
                None => return QueueError::Redis { attempt: "keep a subscription", source: "it was closed".into() },
            },
            _ = ping.tick() => {
                match within("answer", sink.ping::<Value>()).await {
                    Ok(_) => outage.over(),
                    Err(error) => return error,
                }
            }
        }
    }
}

fn read(message: &Msg) -> Heard {
    match serde_json::from_slice::<RoomEvent>(message.get_payload_bytes()) {
        Ok(event) => Heard::Event(event),
        Err(error) => {
            // From another release, say: the rows tell what it was about.
            tracing::warn!(%error, "a room event could not be read");
            Heard::Gap
        }
    }
}

fn tell(to: &Sender<Heard>, heard: Heard) {
    // The only failure is that nobody listens any more; then this task is about to end.
    let _ = to.send(heard);
}

//! Hears the other coordinators, and brings from the rows what was never heard
//! of: pub/sub loses, and whoever committed may die before it tells anybody.
//!
//! Media events and messages have rows that tell of them. Sessions are in the
//! next snapshot and in `who`; who joined or left meanwhile is not told again.

use crate::app::App;
use heim_common::{
    MessageId, Millis, Snowflake,
    room_event::{News, RoomEvent},
};
use heim_db::{DbError, EventRow, MessageRow};
use heim_queue::Heard;
use heim_runtime::telemetry::chain;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// Rows that are read at a time.
const PAGE: u64 = 512;
/// How often the rows are looked at without a gap that was noticed.
const TICK: Duration = Duration::from_secs(2);
/// How far behind now a message may still appear: its id is made before it is
/// committed, and by another clock.
const LATE_MAX: Duration = Duration::from_secs(30);

/// From where the rows have not been looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    /// Events above this one.
    pub(super) events: i64,
    /// Messages above this one; those that were brought are remembered.
    pub(super) messages: MessageId,
}

/// The id of which those made at `time` or later are above.
pub(super) fn message_at(time: Millis) -> MessageId {
    MessageId(Snowflake::earliest(time))
}

/// Brings what others tell, for ever.
pub(super) async fn listen(app: App, mut unread: Unread) {
    let mut subscription = app.queue.subscribe().await;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let heard = tokio::select! {
            heard = subscription.next() => heard,
            _ = ticks.tick() => Heard::Gap,
        };
        match heard {
            Heard::Event(event) if event.origin == app.server_era => {}
            Heard::Event(event) => app.rooms.bring_published(event).await,
            Heard::Gap => {
                if let Err(error) = catch_up(&app, &mut unread).await {
                    tracing::warn!(error = chain(&error), "cannot catch up with what was not heard");
                }
            }
        }
    }
}

async fn catch_up(app: &App, unread: &mut Unread) -> Result<(), DbError> {
    loop {
        let rows = app.db.events_since(unread.events, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { break };
        for EventRow { seq, room, media, name, created: _ } in rows {
            let news = News::Media { seq, media, name };
            app.rooms.bring(RoomEvent { room, origin: String::new(), n: 0, news }).await;
        }
        unread.events = last;
    }
    let later = message_at(app.now().before(LATE_MAX));
    let mut from = unread.messages;
    loop {
        let rows = app.db.messages_since(from, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.id) else { break };
        for MessageRow { id, room, by } in rows {
            if !app.rooms.may_have_brought(id) {
                let news = News::Sent { message: id, by };
                app.rooms.bring(RoomEvent { room, origin: String::new(), n: 0, news }).await;
            }
        }
        from = last;
    }
    unread.messages = later;
    Ok(())
}

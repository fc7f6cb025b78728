//! Hears the other coordinators, and brings from the rows what was never heard
//! of: pub/sub loses, and whoever committed may die before it tells anybody.
//!
//! Media events, messages and their changes have rows that tell of them; of
//! several changes of one message, the newest alone. Sessions are in the
//! next snapshot and in `who`; who joined or left meanwhile is not told again.

use crate::{app::App, lasting::caught};
use heim_common::{
    EditId, MessageId, Millis, Snowflake,
    room_event::{News, RoomEvent},
};
use heim_db::{DbError, EditRow, EventRow, MessageRow};
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
    /// Changes above this one; those that were brought are remembered too.
    pub(super) edits: EditId,
}

/// The id of which those made at `time` or later are above.
pub(super) fn message_at(time: Millis) -> MessageId {
    MessageId(Snowflake::earliest(time))
}

/// As [`message_at`], of a change.
pub(super) fn edit_at(time: Millis) -> EditId {
    EditId(Snowflake::earliest(time))
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
                // What panicked is read again at the next tick.
                if let Some(Err(error)) = caught("catch up", catch_up(&app, &mut unread)).await {
                    tracing::warn!(error = chain(&error), "cannot catch up with what was not heard");
                }
            }
        }
    }
}

async fn catch_up(app: &App, unread: &mut Unread) -> Result<(), DbError> {
    catch_up_with_events(app, unread).await?;
    catch_up_with_messages(app, unread).await?;
    // Last: who is told of a change has been told of the message.
    catch_up_with_edits(app, unread).await
}

async fn catch_up_with_events(app: &App, unread: &mut Unread) -> Result<(), DbError> {
    loop {
        let rows = app.db.events_since(unread.events, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.seq) else { return Ok(()) };
        for EventRow { seq, room, media, name, created: _ } in rows {
            let news = News::Media { seq, media, name };
            app.rooms.bring(RoomEvent { room, origin: String::new(), n: 0, news }).await;
        }
        unread.events = last;
    }
}

async fn catch_up_with_messages(app: &App, unread: &mut Unread) -> Result<(), DbError> {
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

async fn catch_up_with_edits(app: &App, unread: &mut Unread) -> Result<(), DbError> {
    let later = edit_at(app.now().before(LATE_MAX));
    let mut from = unread.edits;
    loop {
        let rows = app.db.edits_since(from, PAGE).await?;
        let Some(last) = rows.last().map(|row| row.edit) else { break };
        for EditRow { edit, message, room } in rows {
            if !app.rooms.may_have_brought_edit(edit) {
                // Which change came before it, and by whom it is, was not written down.
                let news = News::Edited { message, edit, previous: None, by: None };
                app.rooms.bring(RoomEvent { room, origin: String::new(), n: 0, news }).await;
            }
        }
        from = last;
    }
    unread.edits = later;
    Ok(())
}

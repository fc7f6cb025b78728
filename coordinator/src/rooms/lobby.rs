//! Before a private room: the session is there, and nobody knows of it. It may
//! say the passcode, and little else.

use super::{
    closing::Ending,
    command::{self, Answer, Refused},
    session::{Failed, Frames, Session, Sink, Turn, text},
};
use crate::passcode::Verified;
use axum::extract::ws::Message;
use bytes::Bytes;
use futures_util::SinkExt;
use heim_common::wire::{Packet, Reply};
use heim_db::DbError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Interval, sleep};

/// Wrong passcodes after which a session is not listened to any more.
const WRONG_MAX: u32 = 5;

/// What became of a session that stood before a room.
pub(super) enum Admitted<T> {
    /// It was let in.
    Yes(T),
    /// It ends.
    Over(Ending),
}

#[derive(Serialize)]
struct Bounce {
    reason: &'static str,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    passcode: String,
}

/// Waits for the passcode; returns the epoch in which it was the right one.
pub(super) async fn wait(
    session: &mut Session,
    sink: &mut Sink,
    stream: &mut Frames,
    ticks: &mut Interval,
) -> Result<Admitted<i64>, Failed> {
    let bounce = Bounce { reason: "authentication required" };
    sink.send(text(&Reply::event("bounce-event", bounce))?).await?;
    let mut wrong = 0;
    loop {
        let Packet { id, kind, data } = match session.turn(stream, ticks).await {
            Turn::Command(packet) => packet,
            Turn::Tick => match session.keepalive.tick(session.app.now()) {
                Some(ping) => {
                    sink.send(Message::Ping(Bytes::new())).await?;
                    sink.send(text(&Reply::event("ping-event", ping))?).await?;
                    continue;
                }
                None => return Ok(Admitted::Over(Ending::Cut)),
            },
            Turn::Over(ending) => return Ok(Admitted::Over(ending)),
        };
        let id = id.filter(|id| !id.is_empty());
        let mut admitted = None;
        let answer: Answer = match kind.as_str() {
            "ping-reply" => {
                session.keepalive.reply(command::ping_time(data));
                continue;
            }
            "ping" => command::anywhere(&kind, data),
            _ if wrong >= WRONG_MAX => continue,
            "auth" => match auth(session, data, &mut wrong).await {
                Ok(Ok(epoch)) => {
                    admitted = Some(epoch);
                    Ok(json!({ "success": true }).into())
                }
                Ok(Err(reason)) => Ok(json!({ "success": false, "reason": reason }).into()),
                Err(refused) => Err(refused),
            },
            _ if command::is_of_the_room(&kind) => Err(Refused::Because("access denied, please authenticate")),
            _ => command::anywhere(&kind, data),
        };
        let reply = match answer {
            Ok(answered) => Reply::ok(id, &kind, answered.data),
            Err(refused) => Reply::refused(id, &kind, refused.to_string()),
        };
        sink.send(text(&reply)?).await?;
        if let Some(epoch) = admitted {
            return Ok(Admitted::Yes(epoch));
        }
    }
}

/// Compares a passcode. As in heim, the second try and all after it are made to
/// wait, and every wrong one counts, whatever its type.
async fn auth(session: &mut Session, data: Option<Value>, wrong: &mut u32) -> Result<Result<i64, String>, Refused> {
    let Auth { kind, passcode } = command::parse(data)?;
    let pause = Duration::from_millis(rand::random_range(1_500..2_500));
    session.keepalive.hold_up();
    if *wrong > 0 {
        unless_stopped(session, sleep(pause)).await?;
    }
    let compared = match kind.as_str() {
        "passcode" => unless_stopped(session, compare(session, passcode, pause)).await??,
        _ => Compared::Wrong(format!("auth type not supported: {kind}")),
    };
    match compared {
        Compared::Right(epoch) => Ok(Ok(epoch)),
        Compared::Wrong(reason) => {
            *wrong += 1;
            Ok(Err(reason))
        }
        Compared::Crowded => Err(Refused::Because("not available right now, try again")),
    }
}

/// Who waits for a passcode to be compared holds up no stop.
async fn unless_stopped<T>(session: &Session, work: impl Future<Output = T>) -> Result<T, Refused> {
    tokio::select! {
        done = work => Ok(done),
        () = session.shutdown.soft.cancelled() => Err(Refused::Because("not available right now, try again")),
    }
}

/// What became of a passcode.
enum Compared {
    /// It was right, in this epoch of the room.
    Right(i64),
    Wrong(String),
    Crowded,
}

async fn compare(session: &Session, passcode: String, pause: Duration) -> Result<Compared, DbError> {
    let room = session.app.db.room(&session.room).await?.filter(|room| !room.deleted);
    let known = room.and_then(|room| Some((room.passcode?, room.epoch)));
    let Some((hash, epoch)) = known else { return Ok(Compared::Wrong("this room was deleted".to_owned())) };
    Ok(match session.app.passcodes.admit(&session.room, passcode, hash, pause).await {
        Verified::Right => Compared::Right(epoch),
        Verified::Wrong => Compared::Wrong("passcode incorrect".to_owned()),
        Verified::Crowded => Compared::Crowded,
    })
}

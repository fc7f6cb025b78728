//! The commands of heim's protocol: one table, one file a command family.

mod log;
mod media;
mod nick;
mod outbound;
mod send;

use super::session::Session;
use heim_common::wire::{Packet, Reply};
use heim_db::DbError;
use heim_runtime::telemetry::chain;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::ops::ControlFlow;
use tokio::time::Instant;

/// What heim says of a reply that it held back.
const SLOW_DOWN: &str = "woah, slow down there";

/// Why a command is refused, in heim's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}")]
    Because(&'static str),
    #[error("payload: invalid command type: {0}")]
    UnknownCommand(String),
    #[error("command type *proto.{0} not implemented")]
    Outbound(String),
    #[error("payload: unexpected end of JSON input")]
    NoData,
    #[error("payload: json: cannot unmarshal: {0}")]
    BadData(serde_json::Error),
    #[error("{0}")]
    Upload(#[from] crate::life::create::Refused),
    #[error("not available right now, try again")]
    Database(#[from] DbError),
    #[error("something went wrong on our side")]
    Reply(serde_json::Error),
}

type Answer = Result<Value, Refused>;

/// Carries out one command; exactly one reply, except to `ping-reply`. As in
/// heim it is the reply that a throttled session waits for. Breaks if the session
/// is to end.
pub(crate) async fn carry_out(session: &mut Session, packet: Packet) -> ControlFlow<()> {
    let Packet { id, kind, data } = packet;
    let id = id.filter(|id| !id.is_empty());
    let held_back = session.throttle.charge(&kind, session.app.now()).map(|wait| Instant::now() + wait);
    let answer = match kind.as_str() {
        "ping-reply" => {
            session.keepalive.reply(parse::<PingTime>(data).ok().and_then(|ping| ping.time));
            return ControlFlow::Continue(());
        }
        "ping" => Ok(json!({ "time": parse::<PingTime>(data).ok().and_then(|ping| ping.time) })),
        "nick" => nick::nick(session, data).await,
        "send" => send::send(session, data).await,
        "log" => log::log(session, data).await,
        "get-message" => log::get_message(session, data).await,
        "who" => log::who(session).await,
        "media-upload" => media::upload(session, data).await,
        "get-media" => media::get(session, data).await,
        // heim's page reads `success` without a look at `error`.
        "login" | "register-account" => Ok(json!({ "success": false, "reason": "accounts are not implemented" })),
        _ => Err(outbound::name(&kind).map_or_else(|| Refused::UnknownCommand(kind.clone()), Refused::Outbound)),
    };
    let mut reply = match answer {
        Ok(data) => Reply::ok(id, &kind, data),
        Err(refused) => {
            if let Refused::Database(error) | Refused::Upload(crate::life::create::Refused::Database(error)) = &refused
            {
                tracing::warn!(command = kind, error = chain(error), "command failed");
            }
            Reply::refused(id, &kind, refused.to_string())
        }
    };
    if let Some(until) = held_back {
        session.wait_until(until).await;
        reply = reply.throttled(SLOW_DOWN);
    }
    session.reply(&reply).await;
    if held_back.is_some() && session.throttle.is_exhausted() {
        session.written().await;
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

#[derive(Deserialize)]
struct PingTime {
    #[serde(default)]
    time: Option<i64>,
}

/// The fields of a command. Unknown ones are ignored, as heim does.
fn parse<T: DeserializeOwned>(data: Option<Value>) -> Result<T, Refused> {
    serde_json::from_value(data.ok_or(Refused::NoData)?).map_err(Refused::BadData)
}

fn reply(data: &impl Serialize) -> Answer {
    serde_json::to_value(data).map_err(Refused::Reply)
}

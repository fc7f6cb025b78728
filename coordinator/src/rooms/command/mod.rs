//! The commands of heim's protocol: one table, one file a command family.

mod edit;
mod log;
mod media;
mod nick;
mod outbound;
mod send;

use super::{
    outbox::{About, Views},
    session::Session,
};
use crate::{app::Ids, keys::KeyError, life::create};
use heim_common::{
    Trace,
    wire::{Packet, Reply},
};
use heim_db::DbError;
use heim_runtime::{
    telemetry::chain,
    traces::{Part, Span},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{error::Error, ops::ControlFlow};
use tokio::time::Instant;
use tracing::Instrument;

/// What heim says of a reply that it held back.
const SLOW_DOWN: &str = "woah, slow down there";
/// What heim says to whoever is not a manager.
const ACCESS_DENIED: &str = "access denied";

/// Why a command is refused, in heim's words.
#[derive(Debug, thiserror::Error)]
pub(in crate::rooms) enum Refused {
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
    Upload(#[from] create::Refused),
    #[error("not available right now, try again")]
    Keys(#[from] KeyError),
    /// The room was closed to the session; there is no reply.
    #[error("room closed")]
    RoomClosed,
    #[error("not available right now, try again")]
    Database(#[from] DbError),
    #[error("something went wrong on our side")]
    Reply(serde_json::Error),
}

impl Refused {
    /// What the operator should know of it; nothing where the client is to blame.
    fn operators(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Database(error) | Self::Upload(create::Refused::Database(error)) => Some(error),
            Self::Keys(error) | Self::Upload(create::Refused::Keys(error)) => Some(error),
            Self::Reply(error) => Some(error),
            _ => None,
        }
    }
}

/// The data of a reply, and the views of media objects that are in it.
pub(super) struct Answered {
    pub(super) data: Value,
    pub(super) views: Views,
}

impl From<Value> for Answered {
    fn from(data: Value) -> Self {
        Self { data, views: Views::default() }
    }
}

pub(super) type Answer = Result<Answered, Refused>;

/// Carries out one command; exactly one reply, except to `ping-reply`. As in
/// heim it is the reply that a throttled session waits for. Breaks if the session
/// is to end.
pub(crate) async fn carry_out(session: &mut Session, packet: Packet) -> ControlFlow<()> {
    let sent = is_of_the_room(&packet.kind).then(|| {
        let mut sent = Span::begin("command", Part::Server, None);
        sent.rename(|| format!("command {}", packet.kind).into());
        sent
    });
    let trace = sent.as_ref().and_then(Span::trace).unwrap_or_else(Ids::trace);
    carry_out_as(session, packet, trace).instrument(tracing::error_span!("command", trace_id = %trace.id())).await
}

async fn carry_out_as(session: &mut Session, packet: Packet, trace: Trace) -> ControlFlow<()> {
    let Packet { id, kind, data } = packet;
    if kind == "ping-reply" {
        session.keepalive.reply(ping_time(data));
        return ControlFlow::Continue(());
    }
    let id = id.filter(|id| !id.is_empty());
    session.ask();
    let answer = if is_of_the_room(&kind) {
        match session.is_admitted().await {
            Ok(true) => answer(session, &kind, data, trace).await,
            Ok(false) => Err(Refused::RoomClosed),
            Err(error) => Err(error.into()),
        }
    } else {
        anywhere(&kind, data)
    };
    // As in heim, what is refused costs nothing.
    let now = session.app.now();
    let held_back = if answer.is_ok() { session.throttle.charge(&kind, now) } else { None };
    let held_back = held_back.map(|wait| Instant::now() + wait);
    let (mut reply, views) = match answer {
        Ok(Answered { data, views }) => (Reply::ok(id, &kind, data), views),
        Err(Refused::RoomClosed) => {
            session.shut_out().await;
            return ControlFlow::Continue(());
        }
        Err(refused) => {
            if let Some(cause) = refused.operators() {
                tracing::warn!(command = kind, error = chain(cause), "command failed");
            }
            (Reply::refused(id, &kind, refused.to_string()), Views::default())
        }
    };
    if let Some(until) = held_back {
        session.wait_until(until).await;
        reply = reply.throttled(SLOW_DOWN);
    }
    session.queue(&reply, About::Reply, views).await;
    if held_back.is_some() && session.throttle.is_exhausted() {
        session.written().await;
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

/// The commands of somebody who has joined. A row here is a row in
/// [`is_of_the_room`] too.
async fn answer(session: &mut Session, kind: &str, data: Option<Value>, trace: Trace) -> Answer {
    match kind {
        "nick" => nick::nick(session, data).await,
        "send" => send::send(session, data).await,
        "edit-message" => edit::edit(session, data).await,
        "log" => log::log(session, data).await,
        "get-message" => log::get_message(session, data).await,
        "who" => log::who(session).await,
        "media-upload" => media::upload(session, data, trace).await,
        "get-media" => media::get(session, data).await,
        "pm-initiate" | "ban" | "unban" | "grant-access" | "grant-manager" | "revoke-access" | "revoke-manager" => {
            Err(Refused::Because(ACCESS_DENIED))
        }
        _ => anywhere(kind, data),
    }
}

/// Whether a command is about the room, so that one has to be in it.
pub(super) fn is_of_the_room(kind: &str) -> bool {
    matches!(
        kind,
        "nick"
            | "send"
            | "edit-message"
            | "log"
            | "get-message"
            | "who"
            | "media-upload"
            | "get-media"
            | "pm-initiate"
            | "ban"
            | "unban"
            | "grant-access"
            | "grant-manager"
            | "revoke-access"
            | "revoke-manager"
    )
}

/// The commands that need no room. There are no accounts and no staff here, so
/// they are answered as heim answers a stranger.
pub(super) fn anywhere(kind: &str, data: Option<Value>) -> Answer {
    match kind {
        "ping" => Ok(json!({ "time": ping_time(data) }).into()),
        "auth" => Err(Refused::Because("already joined")),
        // heim's page reads `success` without a look at `error`.
        "login" | "register-account" => {
            Ok(json!({ "success": false, "reason": "accounts are not implemented" }).into())
        }
        "logout" | "change-name" | "change-email" | "change-password" | "resend-verification-email" => {
            Err(Refused::Because("not logged in"))
        }
        "reset-password" => Err(Refused::Because("account not found")),
        _ if kind.starts_with("staff-") && outbound::name(kind).is_none() => Err(Refused::Because(ACCESS_DENIED)),
        "unlock-staff-capability" => Err(Refused::Because(ACCESS_DENIED)),
        _ => Err(outbound::name(kind).map_or_else(|| Refused::UnknownCommand(kind.to_owned()), Refused::Outbound)),
    }
}

/// The time in a `ping` or a `ping-reply`, if there is one.
pub(super) fn ping_time(data: Option<Value>) -> Option<i64> {
    parse::<PingTime>(data).ok().and_then(|ping| ping.time)
}

#[derive(Deserialize)]
struct PingTime {
    #[serde(default)]
    time: Option<i64>,
}

/// The fields of a command. Unknown ones are ignored, as heim does.
pub(super) fn parse<T: DeserializeOwned>(data: Option<Value>) -> Result<T, Refused> {
    serde_json::from_value(data.ok_or(Refused::NoData)?).map_err(Refused::BadData)
}

fn reply(data: &impl Serialize, views: Views) -> Answer {
    Ok(Answered { data: serde_json::to_value(data).map_err(Refused::Reply)?, views })
}

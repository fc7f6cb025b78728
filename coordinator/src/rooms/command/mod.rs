//! The commands of heim's protocol: one table, one file a command family.

mod log;
mod media;
mod nick;
mod send;

use super::session::Session;
use heim_common::wire::{Packet, Reply};
use heim_db::DbError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// Why a command is refused, in heim's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0}")]
    Because(&'static str),
    #[error("payload: invalid command type: {0}")]
    UnknownCommand(String),
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

/// Carries out one command; exactly one reply, except to `ping-reply`.
pub(crate) async fn carry_out(session: &mut Session, packet: Packet) {
    let Packet { id, kind, data } = packet;
    let id = id.filter(|id| !id.is_empty());
    let answer = match kind.as_str() {
        "ping-reply" => {
            session.keepalive.reply(parse::<PingTime>(data).ok().and_then(|ping| ping.time));
            return;
        }
        "ping" => Ok(json!({ "time": parse::<PingTime>(data).ok().and_then(|ping| ping.time) })),
        "nick" => nick::nick(session, data).await,
        "send" => send::send(session, data).await,
        "log" => log::log(session, data).await,
        "get-message" => log::get_message(session, data).await,
        "who" => log::who(session).await,
        "media-upload" => media::upload(session, data).await,
        "get-media" => media::get(session, data).await,
        _ => Err(Refused::UnknownCommand(kind.clone())),
    };
    match answer {
        Ok(data) => session.push(&Reply::ok(id, &kind, data)),
        Err(refused) => {
            if let Refused::Database(error) | Refused::Upload(crate::life::create::Refused::Database(error)) = &refused
            {
                tracing::warn!(command = kind, %error, "command failed");
            }
            session.push(&Reply::<()>::refused(id, &kind, refused.to_string()));
        }
    }
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

//! What has to be known before a byte of a media object is given out.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::room,
    error::DbError,
    media::by_ids,
    room::{Room, read as read_room},
};
use heim_common::{MediaId, UserId, media::MediaObject};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement};
use std::time::Duration;

/// Who can know of a media object, by the messages that show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its uploader: no message ever showed it.
    Never,
    /// The room: a message that is not deleted shows it.
    Live,
    /// Nobody: all messages that showed it are deleted.
    Deleted,
}

/// A media object, and who may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// With all that is there of it.
    pub object: MediaObject,
    /// Its room.
    pub room: Room,
    /// Whether messages show it.
    pub shown: Shown,
    /// Whether the agent is in the room, or left it just now.
    pub present: bool,
}

/// Which messages show a row of `media_object`.
const SHOWN: &str = "CASE
    WHEN EXISTS (SELECT 1 FROM message_attachment AS link JOIN message ON message.id = link.message_id
                 WHERE link.media_id = media_object.id AND message.deleted IS NULL) THEN 'live'
    WHEN media_object.attached IS NOT NULL THEN 'deleted'
    WHEN EXISTS (SELECT 1 FROM message_attachment AS link WHERE link.media_id = media_object.id) THEN 'deleted'
    ELSE 'never' END";

/// Whether the agent `$2` has a session in the room of a row of `media_object`,
/// or had one less than `$3` ago. A lease that ran out is a session that left
/// then.
fn present(backend: DbBackend) -> String {
    let since = format!("{} - $3", clock::sql(backend));
    format!(
        "(EXISTS (SELECT 1 FROM session WHERE session.room = media_object.room AND session.agent_id = $2
                  AND session.expires >= {since})
          OR EXISTS (SELECT 1 FROM departure WHERE departure.room = media_object.room AND departure.agent_id = $2
                     AND departure.departed >= {since}))"
    )
}

impl Database {
    /// Whether messages show a media object: of one that is not there, never.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_shown(&self, id: MediaId) -> Result<Shown, DbError> {
        let sql = format!("SELECT {SHOWN} AS shown FROM media_object WHERE id = $1 AND gone IS NULL");
        let query = Statement::from_sql_and_values(self.backend(), sql, [id.as_i64().into()]);
        let row = self.read(DbError::ReadMedia, async {
            let row = self.pool.query_one_raw(query).await?;
            row.map_or(Ok(Shown::Never), |row| read_shown(&row))
        });
        row.await
    }

    /// A media object with its room, and whether this agent is there: has a
    /// session, or had the last one less than `linger` ago.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_fetch(
        &self,
        id: MediaId,
        agent: Option<&UserId>,
        linger: Duration,
    ) -> Result<Option<Fetch>, DbError> {
        let sql = format!(
            "SELECT room.*, {SHOWN} AS shown, {} AS present
             FROM media_object JOIN room ON room.name = media_object.room
             WHERE media_object.id = $1 AND media_object.gone IS NULL",
            present(self.backend())
        );
        let agent = agent.map(|agent| agent.as_str().to_owned());
        let values = [id.as_i64().into(), agent.into(), clock::millis(linger).into()];
        let query = Statement::from_sql_and_values(self.backend(), sql, values);
        let fetch = self.read(DbError::ReadMedia, async {
            let Some(object) = by_ids(&self.pool, &[id.as_i64()]).await?.pop() else { return Ok(None) };
            // Last, so that whoever lost the right to see it in the meantime
            // does not see it.
            let Some(row) = self.pool.query_one_raw(query).await? else { return Ok(None) };
            let room = read_room(room::Model::from_query_result(&row, "")?)?;
            Ok(Some(Fetch { object, room, shown: read_shown(&row)?, present: row.try_get("", "present")? }))
        });
        fetch.await
    }
}

fn read_shown(row: &QueryResult) -> Result<Shown, Cause> {
    match row.try_get::<String>("", "shown")?.as_str() {
        "never" => Ok(Shown::Never),
        "live" => Ok(Shown::Live),
        "deleted" => Ok(Shown::Deleted),
        _ => Err(column::of("media_object", "attached").unreadable()),
    }
}

//! How much of the store is whose.

use crate::{cause::Cause, database::Database, error::DbError};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde::Serialize;

/// Whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageBy {
    /// Of each room.
    Room,
    /// Of each agent.
    Agent,
}

/// What one of them has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The room's name, or the agent's id.
    pub name: String,
    /// Media objects whose original is stored.
    pub media_objects: u64,
    /// Objects in the store: originals and transcodings.
    pub objects: u64,
    /// Their bytes, by their rows: encryption adds a little to each.
    pub bytes: u64,
}

impl Database {
    /// At most `limit` of those who have most, the greatest first; or one of them.
    /// What is given up does not count.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn usage(&self, by: UsageBy, only: Option<&str>, limit: u64) -> Result<Vec<Usage>, DbError> {
        let column = match by {
            UsageBy::Room => "room",
            UsageBy::Agent => "agent_id",
        };
        let one = if only.is_some() { format!("AND media_object.{column} = $2") } else { String::new() };
        // PostgreSQL's sum of numbers is of a type of its own.
        let sum = match self.backend() {
            DbBackend::Postgres => "CAST(sum(made.size) AS bigint)",
            _ => "sum(made.size)",
        };
        let sql = format!(
            "SELECT media_object.{column} AS name, count(DISTINCT media_object.id) AS media_objects,
               count(*) AS objects, {sum} AS bytes
             FROM media_object JOIN media_transcoding AS made ON made.media_id = media_object.id
             WHERE media_object.gone IS NULL {one}
             GROUP BY media_object.{column} ORDER BY bytes DESC, name LIMIT $1"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let values = [Some(limit.into()), only.map(Into::into)].into_iter().flatten();
        self.read(DbError::Inspect, async {
            let rows = self.pool.query_all_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await?;
            let read = |row: &sea_orm::QueryResult| {
                let count = |name| row.try_get::<i64>("", name).map(i64::unsigned_abs);
                let (media_objects, objects, bytes) = (count("media_objects")?, count("objects")?, count("bytes")?);
                Ok::<_, Cause>(Usage { name: row.try_get("", "name")?, media_objects, objects, bytes })
            };
            rows.iter().map(read).collect()
        })
        .await
    }
}

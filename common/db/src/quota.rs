//! How much may be uploaded within a day, by one agent and to one room.
//!
//! What was uploaded is counted by the rows, each time: there is no counter that
//! could drift from them. A row that retention has removed counts no more.

use crate::{
    cause::Cause,
    column,
    database::Database,
    entity::media_object::{self, Column},
    error::DbError,
    lock,
};
use heim_common::{Millis, RoomName, UserId};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect,
    sea_query::Expr,
};
use std::time::Duration;

/// For how long an upload counts.
const DAY: Duration = Duration::from_hours(24);

/// Most bytes within a day. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Of one agent, in all rooms.
    pub agent: u64,
    /// In one room, of all agents.
    pub room: u64,
}

/// A quota would be exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaExceeded {
    /// After how long the first of what counts now will count no more.
    pub retry_after: Duration,
}

impl Database {
    /// Whether one agent may upload so many bytes to a room now, as far as others
    /// do not upload at the same time: who commits an upload is asked again.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn quota(
        &self,
        agent: &UserId,
        room: &RoomName,
        bytes: u64,
        quotas: Quotas,
        now: Millis,
    ) -> Result<Result<(), QuotaExceeded>, DbError> {
        if quotas == Quotas::default() {
            return Ok(Ok(()));
        }
        self.read(DbError::ReadMedia, check(&self.pool, agent.as_str(), room.as_str(), bytes, quotas, now)).await
    }
}

/// The same within the transaction that commits the upload: nobody else uploads
/// as this agent or to this room until it ends.
pub(crate) async fn keep(
    tx: &DatabaseTransaction,
    (agent, room): (&str, &str),
    bytes: u64,
    quotas: Quotas,
    now: Millis,
) -> Result<Result<(), QuotaExceeded>, Cause> {
    if quotas.agent > 0 {
        lock::agent(tx, agent).await?;
    }
    if quotas.room > 0 {
        lock::uploads_to(tx, room).await?;
    }
    check(tx, agent, room, bytes, quotas, now).await
}

async fn check<C: ConnectionTrait>(
    connection: &C,
    agent: &str,
    room: &str,
    bytes: u64,
    quotas: Quotas,
    now: Millis,
) -> Result<Result<(), QuotaExceeded>, Cause> {
    for (of, value, quota) in [(Column::AgentId, agent, quotas.agent), (Column::Room, room, quotas.room)] {
        if quota == 0 {
            continue;
        }
        let Uploads { bytes: before, first } = uploads(connection, of, value, now).await?;
        if before.saturating_add(bytes) > quota {
            // Where nothing counts, no waiting helps.
            let free = first.unwrap_or(now).after(DAY);
            let wait = u64::try_from(free.0.saturating_sub(now.0)).unwrap_or(0);
            return Ok(Err(QuotaExceeded { retry_after: Duration::from_millis(wait) }));
        }
    }
    Ok(Ok(()))
}

/// What counts.
struct Uploads {
    bytes: u64,
    first: Option<Millis>,
}

async fn uploads<C: ConnectionTrait>(connection: &C, of: Column, value: &str, now: Millis) -> Result<Uploads, Cause> {
    // PostgreSQL's sum of numbers is of a type of its own.
    let sum = match connection.get_database_backend() {
        DbBackend::Postgres => "CAST(coalesce(sum(size), 0) AS bigint)",
        _ => "coalesce(sum(size), 0)",
    };
    let counted: Option<(i64, Option<i64>)> = media_object::Entity::find()
        .select_only()
        .expr(Expr::cust(sum))
        .expr(Expr::cust("min(uploaded)"))
        .filter(of.eq(value))
        .filter(Column::Uploaded.gt(now.before(DAY).0))
        .into_tuple()
        .one(connection)
        .await?;
    let (bytes, first) = counted.unwrap_or_default();
    Ok(Uploads { bytes: column::of("media_object", "size").number(bytes)?, first: first.map(Millis) })
}

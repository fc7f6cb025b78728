//! Giving up what nobody can see any more. A media object is first marked as
//! gone, which hides it from every reader; its files are removed next, by
//! whoever has the store; its row goes last, so that nothing is forgotten on the
//! way.

use crate::{
    cause::Cause,
    clock,
    database::Database,
    entity::{
        job,
        media_object::{Column, Entity},
        message,
    },
    error::DbError,
    history,
    transaction::transact,
};
use heim_common::{MediaId, Millis};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Statement, Value,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};
use std::time::Duration;

/// Most rows that one call removes or marks: databases bound how many values a
/// statement may have.
const SWEPT_MAX: u64 = 1_024;

/// Messages that were deleted longer than `$1` ago. PostgreSQL takes a third of
/// all messages for older than what it cannot know; that few are deleted it
/// knows.
fn is_old(backend: DbBackend) -> String {
    format!("message.deleted IS NOT NULL AND message.deleted <= {} - $1", clock::sql(backend))
}

/// Media objects that no message ever showed, and that wait for no upload.
fn unattached(backend: DbBackend) -> String {
    let old = format!("{} - $1", clock::sql(backend));
    format!(
        "SELECT id FROM media_object WHERE attached IS NULL AND gone IS NULL AND state <> 'created'
           AND created <= {old} AND coalesce(uploaded, created) <= {old}
           AND NOT EXISTS (SELECT 1 FROM message_attachment AS link WHERE link.media_id = media_object.id)
         ORDER BY created LIMIT $2"
    )
}

/// Whether a message that is not deleted, or not for that long (`$1`), shows
/// the media object `media`.
fn is_held(backend: DbBackend, media: &str) -> String {
    let now = clock::sql(backend);
    format!(
        "EXISTS (SELECT 1 FROM message_attachment AS held JOIN message AS holder ON holder.id = held.message_id
           WHERE held.media_id = {media} AND (holder.deleted IS NULL OR holder.deleted > {now} - $1))"
    )
}

/// Media objects all of whose messages were deleted longer than `$1` ago.
fn withheld(backend: DbBackend) -> String {
    let (is_old, is_held) = (is_old(backend), is_held(backend, "link.media_id"));
    format!(
        "SELECT DISTINCT link.media_id AS id FROM message
           JOIN message_attachment AS link ON link.message_id = message.id
           JOIN media_object ON media_object.id = link.media_id
         WHERE {is_old} AND media_object.gone IS NULL AND NOT {is_held} LIMIT $2"
    )
}

/// Messages that were deleted longer than `$1` ago, but for those without which
/// nobody would know that a media object is to be given up.
fn forgettable(backend: DbBackend) -> String {
    let (is_old, is_held) = (is_old(backend), is_held(backend, "link.media_id"));
    let lock = if backend == DbBackend::Postgres { "FOR UPDATE OF message SKIP LOCKED" } else { "" };
    format!(
        "SELECT message.id AS id FROM message WHERE {is_old} AND NOT EXISTS (
           SELECT 1 FROM message_attachment AS link JOIN media_object ON media_object.id = link.media_id
           WHERE link.message_id = message.id AND media_object.gone IS NULL AND NOT {is_held})
         ORDER BY message.deleted LIMIT $2 {lock}"
    )
}

impl Database {
    /// Gives up at most `limit` media objects, with their jobs: those that no
    /// message ever showed and that are older than `unattached_after`, and those
    /// all of whose messages were deleted longer than `deleted_grace` ago. Each
    /// is returned to one caller only.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_release(
        &self,
        unattached_after: Duration,
        deleted_grace: Duration,
        limit: u64,
    ) -> Result<Vec<MediaId>, DbError> {
        let limit = Ord::min(limit, SWEPT_MAX);
        transact!(self, DbError::Sweep, async |tx| {
            let backend = tx.get_database_backend();
            let mut chosen = ids(tx, unattached(backend), unattached_after, limit).await?;
            let rest = limit.saturating_sub(chosen.len() as u64);
            chosen.extend(ids(tx, withheld(backend), deleted_grace, rest).await?);
            // Only now nobody attaches one of them or restores a message that
            // shows it; what was done until now is seen by the next statement.
            let locked = lock_free(tx, Column::Id.is_in(chosen)).await?;
            let free = not_held(tx, &locked, deleted_grace).await?;
            give_up(tx, &free).await?;
            Ok(free.into_iter().map(MediaId::from_i64).collect())
        })
    }

    /// At most `limit` media objects that are given up, by id, those after a
    /// certain one; and since when.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_gone(&self, after: Option<MediaId>, limit: u64) -> Result<Vec<(MediaId, Millis)>, DbError> {
        let mut query = Entity::find().filter(Column::Gone.is_not_null()).order_by_asc(Column::Id).limit(limit);
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after.as_i64()));
        }
        let query = query.select_only().columns([Column::Id, Column::Gone]).into_tuple::<(i64, i64)>();
        let rows = self.read(DbError::Sweep, async { Ok(query.all(&self.pool).await?) }).await?;
        Ok(rows.into_iter().map(|(id, gone)| (MediaId::from_i64(id), Millis(gone))).collect())
    }

    /// Removes the row of a media object that was given up at least `older` ago.
    /// False if it is not there, or not for so long.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn media_forget(&self, id: MediaId, older: Duration) -> Result<bool, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let forgotten = Entity::delete_many()
                .filter(Column::Id.eq(id.as_i64()))
                .filter(Expr::col(Column::Gone).lte(clock::before(tx.get_database_backend(), older)))
                .exec(tx)
                .await?;
            Ok(forgotten.rows_affected == 1)
        })
    }

    /// Removes at most `limit` messages that were deleted longer than
    /// `deleted_grace` ago; returns how many. One that is the last to name a
    /// media object stays until that is given up: [`Self::media_release`] comes
    /// first.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn messages_forget(&self, deleted_grace: Duration, limit: u64) -> Result<u64, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let sql = forgettable(tx.get_database_backend());
            let old = ids(tx, sql, deleted_grace, Ord::min(limit, SWEPT_MAX)).await?;
            let of_these = message::Column::Id.is_in(old);
            Ok(message::Entity::delete_many().filter(of_these).exec(tx).await?.rows_affected)
        })
    }
}

async fn ids(tx: &DatabaseTransaction, sql: String, older: Duration, limit: u64) -> Result<Vec<i64>, Cause> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    query(tx, sql, [clock::millis(older).into(), limit.into()]).await
}

async fn query(
    tx: &DatabaseTransaction,
    sql: String,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<i64>, Cause> {
    let rows = tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// Of these media objects, those that are not given up and that nobody else has
/// locked; locked, in the order of their ids.
pub(crate) async fn lock_free(tx: &DatabaseTransaction, these: Expr) -> Result<Vec<i64>, Cause> {
    let free = Entity::find().select_only().column(Column::Id).filter(these).filter(Column::Gone.is_null());
    let free = free.order_by_asc(Column::Id).limit(SWEPT_MAX);
    Ok(free.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked).into_tuple().all(tx).await?)
}

/// Of these media objects, those that no message needs.
async fn not_held(tx: &DatabaseTransaction, media: &[i64], deleted_grace: Duration) -> Result<Vec<i64>, Cause> {
    if media.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (0..media.len()).map(|index| format!("${}", index + 2)).collect();
    let is_held = is_held(tx.get_database_backend(), "media_object.id");
    let sql = format!("SELECT id FROM media_object WHERE id IN ({}) AND NOT {is_held} ORDER BY id", places.join(", "));
    let values = [clock::millis(deleted_grace)].into_iter().chain(media.iter().copied());
    query(tx, sql, values.map(Value::from)).await
}

/// Hides media objects that are locked from every reader, and ends the work on
/// them.
pub(crate) async fn give_up(tx: &DatabaseTransaction, media: &[i64]) -> Result<(), Cause> {
    if media.is_empty() {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::Gone, clock::now(tx.get_database_backend()))
        .filter(Column::Id.is_in(media.iter().copied()))
        .exec(tx)
        .await?;
    history::cut_short(tx, media).await?;
    let of_these = job::Column::MediaId.is_in(media.iter().copied());
    job::Entity::delete_many().filter(of_these).exec(tx).await?;
    Ok(())
}

//! Rows of sessions that drifted away from the sessions themselves.

use crate::{
    cause::Cause,
    clock,
    database::Database,
    departure::{self, Ended},
    entity::{
        room,
        session::{self, Column},
    },
    error::DbError,
    session::{in_room, insert},
    transaction::transact,
};
use heim_common::{Millis, RoomName, SessionId, session::SessionView};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

/// Sessions in one statement: databases bound how many values one may have.
const MENDED_AT_ONCE: usize = 1_000;

/// What became of [`Database::sessions_mend`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Rows that went: sessions that left, to be announced. Whether they were
    /// managers is not told.
    pub went: Vec<(RoomName, SessionView)>,
    /// Sessions that have no row, because their room is deleted or has another
    /// epoch: they must leave.
    pub refused: Vec<(RoomName, SessionId)>,
}

impl Database {
    /// Makes rows agree with what is true: `gone` go; `here`, each with its
    /// room's epoch when it joined, are there until their lease runs out, unless
    /// they must not be.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn sessions_mend(
        &self,
        gone: &[SessionId],
        here: &[(RoomName, SessionView, i64)],
        lease: Duration,
        now: Millis,
    ) -> Result<Mended, DbError> {
        let expires = clock::after(self.backend(), lease);
        transact!(self, DbError::KeepSessions, async |tx| {
            let epochs = epochs(tx, here).await?;
            let may_stay = |room: &RoomName, epoch: i64| epochs.get(room.as_str()) == Some(&epoch);
            let (stay, refused): (Vec<_>, Vec<_>) = here.iter().partition(|(room, _, epoch)| may_stay(room, *epoch));
            for some in stay.chunks(MENDED_AT_ONCE) {
                let some = some.iter().map(|(room, session, _)| (room, session));
                tx.execute(&insert(some, &expires, now)).await?;
            }
            let mut went = Vec::new();
            for some in gone.chunks(MENDED_AT_ONCE) {
                let ids = some.iter().map(SessionId::as_str);
                let rows = session::Entity::delete_many().filter(Column::Id.is_in(ids)).exec_with_returning(tx).await?;
                departure::note(tx, &rows, Ended::Now).await?;
                went.extend(rows);
            }
            Ok(Mended {
                went: went.into_iter().map(in_room).collect::<Result<_, Cause>>()?,
                refused: refused.into_iter().map(|(room, view, _)| (room.clone(), view.session_id.clone())).collect(),
            })
        })
    }
}

/// The epochs of the rooms that are not deleted, which stay as they are until
/// the transaction ends.
async fn epochs(
    tx: &DatabaseTransaction,
    here: &[(RoomName, SessionView, i64)],
) -> Result<HashMap<String, i64>, Cause> {
    use room::{Column, Entity};
    let names: BTreeSet<&str> = here.iter().map(|(room, _, _)| room.as_str()).collect();
    let names: Vec<_> = names.into_iter().collect();
    let mut epochs = HashMap::new();
    for some in names.chunks(MENDED_AT_ONCE) {
        let rows = Entity::find().filter(Column::Name.is_in(some.iter().copied())).order_by_asc(Column::Name);
        let rows = rows.lock_shared().all(tx).await?;
        epochs.extend(rows.into_iter().filter(|row| row.deleted.is_none()).map(|row| (row.name, row.epoch)));
    }
    Ok(epochs)
}

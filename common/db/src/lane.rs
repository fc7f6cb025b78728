//! Lanes that an operator has paused: nothing of them is dispatched or claimed.
//! What runs goes on.

use crate::{
    clock,
    database::Database,
    entity::lane_pause::{Column, Entity},
    error::DbError,
    transaction::transact,
};
use heim_common::{Millis, job::Lane};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{OnConflict, Query, SelectStatement},
};
use std::collections::BTreeMap;

impl Database {
    /// The lanes that are paused, and since when.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lanes_paused(&self) -> Result<BTreeMap<Lane, Millis>, DbError> {
        self.read(DbError::Dispatch, async {
            let rows = Entity::find().all(&self.pool).await?;
            // A lane of a later release is that release's to heed.
            let known = rows.into_iter().filter_map(|row| Some((row.lane.parse().ok()?, Millis(row.since))));
            Ok(known.collect())
        })
        .await
    }

    /// Pauses a lane. From the moment this returns, no job of it is claimed. False
    /// if it was paused already.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lane_pause(&self, lane: Lane) -> Result<bool, DbError> {
        transact!(self, DbError::Dispatch, async |tx| {
            let insert = Query::insert()
                .into_table(Entity)
                .columns([Column::Lane, Column::Since])
                .values_panic([lane.as_str().into(), clock::now(tx.get_database_backend())])
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .to_owned();
            Ok(tx.execute(&insert).await?.rows_affected() == 1)
        })
    }

    /// Lets a lane go on. False if it was not paused.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lane_resume(&self, lane: Lane) -> Result<bool, DbError> {
        transact!(self, DbError::Dispatch, async |tx| {
            let gone = Entity::delete_many().filter(Column::Lane.eq(lane.as_str())).exec(tx).await?;
            Ok(gone.rows_affected == 1)
        })
    }
}

/// The words of the lanes that are paused.
pub(crate) fn paused() -> SelectStatement {
    Entity::find().select_only().column(Column::Lane).into_query()
}

//! Worker numbers: the ten bits by which the ids of running coordinators differ.

use crate::{
    clock, column,
    database::Database,
    entity::coordinator::{Column, Entity},
    error::DbError,
    lock::{self, Order},
    transaction::transact,
};
use heim_common::id::WORKER_NUMBERS;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use std::{collections::HashSet, time::Duration};

impl Database {
    /// Takes a worker number that nobody holds; `None` if all are held.
    ///
    /// Numbers that were never used come first, then the ones that are free for
    /// longest: a process that has lost its number without knowing it, or whose
    /// clock is ahead, is least likely to make ids under them.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lease_number(&self, era: &str, lease: Duration) -> Result<Option<u16>, DbError> {
        let backend = self.backend();
        transact!(self, DbError::LeaseNumber, async |tx| {
            lock::order(tx, Order::WorkerNumber).await?;
            let Some(number) = free_number(tx).await? else { return Ok(None) };
            let insert = Query::insert()
                .into_table(Entity)
                .columns([Column::Number, Column::Era, Column::LeaseUntil])
                .values_panic([number.into(), era.into(), clock::after(backend, lease)])
                .on_conflict(
                    OnConflict::column(Column::Number).update_columns([Column::Era, Column::LeaseUntil]).to_owned(),
                )
                .to_owned();
            tx.execute(&insert).await?;
            Ok(Some(column::of("coordinator", "number").number(number)?))
        })
    }

    /// Holds on to a number. False if another era has it: the caller must not
    /// make another id.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn renew_number(&self, number: u16, era: &str, lease: Duration) -> Result<bool, DbError> {
        self.set_lease(number, era, clock::after(self.backend(), lease)).await
    }

    /// Gives a number back.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn release_number(&self, number: u16, era: &str) -> Result<(), DbError> {
        // Free at once, and yet the last that is given out again.
        self.set_lease(number, era, clock::before(self.backend(), Duration::from_millis(1))).await?;
        Ok(())
    }

    async fn set_lease(&self, number: u16, era: &str, until: Expr) -> Result<bool, DbError> {
        transact!(self, DbError::LeaseNumber, async |tx| {
            let set = Entity::update_many()
                .col_expr(Column::LeaseUntil, until.clone())
                .filter(Column::Number.eq(i64::from(number)))
                .filter(Column::Era.eq(era))
                .exec(tx)
                .await?;
            Ok(set.rows_affected == 1)
        })
    }
}

async fn free_number(tx: &DatabaseTransaction) -> Result<Option<i64>, DbErr> {
    let used: HashSet<i64> =
        Entity::find().select_only().column(Column::Number).into_tuple().all(tx).await?.into_iter().collect();
    if let Some(fresh) = (0..i64::from(WORKER_NUMBERS)).find(|number| !used.contains(number)) {
        return Ok(Some(fresh));
    }
    Entity::find()
        .select_only()
        .column(Column::Number)
        .filter(Expr::col(Column::LeaseUntil).lt(clock::now(tx.get_database_backend())))
        .order_by_asc(Column::LeaseUntil)
        .limit(1)
        .into_tuple()
        .one(tx)
        .await
}

//! What operators have done, by hand or by a program: written just before it is
//! done, and how much it was when it is over. A row without a number tells of what
//! was begun and not seen to its end.

use crate::{
    clock, column,
    database::Database,
    entity::audit::{Column, Entity, Model},
    error::DbError,
    transaction::transact,
};
use heim_common::Millis;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, Query},
};
use serde::Serialize;
use std::time::Duration;

/// Longest word of a row, in bytes.
const WORD_BYTES_MAX: usize = 500;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Act<'a> {
    /// By whom: `shell:…`, or `token`.
    pub who: &'a str,
    /// What, as `job retry`.
    pub action: &'a str,
    /// On what, in words of the command.
    pub subject: &'a str,
    /// Whether it is only to be said what would be done.
    pub dry_run: bool,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRow {
    /// Its place among all of them.
    pub seq: i64,
    /// When, by the database's clock.
    pub at: Millis,
    /// By whom.
    pub who: String,
    /// What.
    pub action: String,
    /// On what.
    pub subject: String,
    /// Whether it was only said what would be done.
    pub dry_run: bool,
    /// How many it was done to; missing where it was not seen to its end.
    pub affected: Option<i64>,
}

impl Database {
    /// Notes what is about to be done; returns the row's number.
    ///
    /// # Errors
    /// If the database does not answer: then it must not be done.
    pub async fn audit_begin(&self, act: &Act<'_>) -> Result<i64, DbError> {
        let Act { who, action, subject, dry_run } = *act;
        transact!(self, DbError::Steer, async |tx| {
            let insert = Query::insert()
                .into_table(Entity)
                .columns([Column::At, Column::Who, Column::Action, Column::Subject, Column::DryRun])
                .values_panic([
                    clock::now(tx.get_database_backend()),
                    column::line(who, WORD_BYTES_MAX).into(),
                    column::line(action, WORD_BYTES_MAX).into(),
                    column::line(subject, WORD_BYTES_MAX).into(),
                    dry_run.into(),
                ])
                .returning_col(Column::Seq)
                .to_owned();
            let row = tx.query_one(&insert).await?;
            Ok(row.map(|row| row.try_get("", "seq")).transpose()?.unwrap_or_default())
        })
    }

    /// Notes that it is over, and to how many it was done.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn audit_end(&self, seq: i64, affected: u64) -> Result<(), DbError> {
        transact!(self, DbError::Steer, async |tx| {
            Entity::update_many()
                .col_expr(Column::Affected, Expr::value(column::size(affected)))
                .filter(Column::Seq.eq(seq))
                .exec(tx)
                .await?;
            Ok(())
        })
    }

    /// At most `limit` of what was done, the newest first, before a certain one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn audits(&self, before: Option<i64>, limit: u64) -> Result<Vec<AuditRow>, DbError> {
        let mut query = Entity::find().order_by_desc(Column::Seq).limit(limit);
        if let Some(before) = before {
            query = query.filter(Column::Seq.lt(before));
        }
        let read = |Model { seq, at, who, action, subject, dry_run, affected }| AuditRow {
            seq,
            at: Millis(at),
            who,
            action,
            subject,
            dry_run,
            affected,
        };
        let rows = self.read(DbError::Inspect, async { Ok(query.all(&self.pool).await?) }).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Forgets what was done longer than `kept` ago.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn audits_trim(&self, kept: Duration) -> Result<u64, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let old = Expr::col(Column::At).lt(clock::before(tx.get_database_backend(), kept));
            Ok(Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
        })
    }
}

//! What does not fit together between the store and the rows. It is noted when
//! it is first seen, and nothing is done about it before it was so for long: who
//! was still at work has ended then, and who restored a backup or opened the
//! wrong folder has noticed.

use crate::{
    clock,
    database::Database,
    entity::stray::{Column, Entity, Model},
    error::DbError,
    transaction::transact,
};
use heim_common::Millis;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};
use serde::Serialize;
use std::{collections::HashSet, time::Duration};

/// Names in one statement: databases bound how many values one may have.
const NOTED_AT_ONCE: usize = 512;

/// In what way something does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrayKind {
    /// An object that no row names.
    Orphan,
    /// A write that nobody ended, or an empty folder.
    Unfinished,
    /// A row whose object is not in the store.
    Missing,
}

/// Something that does not fit, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StrayRow {
    /// The object, the write, or the row.
    pub name: String,
    /// In what way.
    pub kind: String,
    /// Since when it is known.
    pub seen: Millis,
    /// When it was last found so.
    pub looked: Millis,
}

impl StrayKind {
    /// The word in rows.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Orphan => "orphan",
            Self::Unfinished => "unfinished",
            Self::Missing => "missing",
        }
    }
}

impl Database {
    /// Notes that these were found, each of this kind; returns those that were
    /// found first at least `kept` ago, and at every look since.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn strays_note(
        &self,
        kind: StrayKind,
        names: &[String],
        kept: Duration,
    ) -> Result<HashSet<String>, DbError> {
        // In one order, so that two who note the same do not wait in a circle.
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        let mut old = HashSet::new();
        for some in names.chunks(NOTED_AT_ONCE) {
            let these = Column::Name.is_in(some);
            old.extend(transact!(self, DbError::Sweep, async |tx| {
                let now = || clock::now(tx.get_database_backend());
                let mut insert = Query::insert()
                    .into_table(Entity)
                    .columns([Column::Name, Column::Kind, Column::Seen, Column::Looked])
                    .on_conflict(OnConflict::column(Column::Name).value(Column::Looked, now()).to_owned())
                    .to_owned();
                for name in some {
                    insert.values_panic([name.as_str().into(), kind.as_str().into(), now(), now()]);
                }
                tx.execute(&insert).await?;
                let is_old = Expr::col(Column::Seen).lte(clock::before(tx.get_database_backend(), kept));
                let query = Entity::find().select_only().column(Column::Name).filter(these.clone()).filter(is_old);
                Ok(query.into_tuple::<String>().all(tx).await?)
            })?);
        }
        Ok(old)
    }

    /// Forgets these: they are gone, or fit again.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn strays_forget(&self, names: &[String]) -> Result<(), DbError> {
        for some in names.chunks(NOTED_AT_ONCE) {
            let these = Column::Name.is_in(some);
            transact!(self, DbError::Sweep, async |tx| {
                Entity::delete_many().filter(these.clone()).exec(tx).await?;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Forgets those of a kind that nobody has found since: for one who has
    /// looked everywhere after that moment.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn strays_trim(&self, kind: StrayKind, since: Millis) -> Result<(), DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let of_kind = Column::Kind.eq(kind.as_str());
            Entity::delete_many().filter(of_kind).filter(Column::Looked.lt(since.0)).exec(tx).await?;
            Ok(())
        })
    }

    /// At most `limit` of what is noted, by name, after a certain one; of all kinds,
    /// or of one.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn strays_page(
        &self,
        kind: Option<StrayKind>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<StrayRow>, DbError> {
        let mut query = Entity::find().order_by_asc(Column::Name).limit(limit);
        if let Some(kind) = kind {
            query = query.filter(Column::Kind.eq(kind.as_str()));
        }
        if let Some(after) = after {
            query = query.filter(Column::Name.gt(after));
        }
        let read =
            |Model { name, kind, seen, looked }| StrayRow { name, kind, seen: Millis(seen), looked: Millis(looked) };
        let rows = self.read(DbError::Inspect, async { Ok(query.all(&self.pool).await?) }).await?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// How many of a kind are noted.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn strays_count(&self, kind: StrayKind) -> Result<u64, DbError> {
        let query = Entity::find().filter(Column::Kind.eq(kind.as_str()));
        self.read(DbError::Sweep, async { Ok(query.count(&self.pool).await?) }).await
    }
}

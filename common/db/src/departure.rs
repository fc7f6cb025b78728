//! When agents left rooms: for a moment they may still see what they saw, so
//! that a reconnect shows no broken picture.

use crate::{
    cause::Cause,
    clock,
    database::Database,
    entity::{
        departure::{Column, Entity},
        session,
    },
    error::DbError,
    transaction::transact,
};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    sea_query::{Alias, Expr, ExprTrait, OnConflict, Query},
};
use std::{collections::BTreeMap, time::Duration};

/// Departures in one statement: databases bound how many values one may have.
const NOTED_AT_ONCE: usize = 1_000;

/// When sessions ended whose rows are taken away.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended {
    /// Now.
    Now,
    /// When their lease ran out.
    WithTheLease,
}

impl Database {
    /// Forgets departures that are older than that; returns how many.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn departures_trim(&self, older: Duration) -> Result<u64, DbError> {
        let old = Expr::col(Column::Departed).lt(clock::before(self.backend(), older));
        transact!(self, DbError::KeepSessions, async |tx| {
            Ok(Entity::delete_many().filter(old.clone()).exec(tx).await?.rows_affected)
        })
    }
}

/// Notes in the transaction that took these sessions away that their agents
/// left. Those who are still there by another session have just been seen.
pub(crate) async fn note(tx: &DatabaseTransaction, gone: &[session::Model], ended: Ended) -> Result<(), Cause> {
    // Each agent once, in an order in which transactions do not wait for one
    // another in a circle.
    let mut agents: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for row in gone {
        let latest = agents.entry((&row.room, &row.agent_id)).or_insert(row.expires);
        *latest = Ord::max(row.expires, *latest);
    }
    let agents: Vec<_> = agents.into_iter().collect();
    for some in agents.chunks(NOTED_AT_ONCE) {
        let mut insert = Query::insert()
            .into_table(Entity)
            .columns([Column::Room, Column::AgentId, Column::Departed])
            .on_conflict(
                OnConflict::columns([Column::Room, Column::AgentId]).value(Column::Departed, later()).to_owned(),
            )
            .to_owned();
        for &((room, agent), expires) in some {
            let departed = match ended {
                Ended::Now => clock::now(tx.get_database_backend()),
                Ended::WithTheLease => expires.into(),
            };
            insert.values_panic([room.into(), agent.into(), departed]);
        }
        tx.execute(&insert).await?;
    }
    Ok(())
}

/// The later of the departure that is noted and the one that is to be.
fn later() -> Expr {
    let noted = || Expr::col((Entity, Column::Departed));
    let new = || Expr::col((Alias::new("excluded"), Column::Departed));
    Expr::case(new().gt(noted()), new()).finally(noted()).into()
}

//! The schema of heim-media: one set of numbered migrations for `SQLite` and
//! PostgreSQL. Rows are read and written by the database crate alone.
//!
//! A release only ever expands the schema; what the release before it still
//! reads is taken away one release later. So an older process may run against a
//! newer schema, and [`pending`] takes no offence at migrations that it does
//! not know.
//!
//! Ids are heim snowflakes in a `bigint`, times are Unix milliseconds in a
//! `bigint`, words of closed lists are text.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` elides the schema manager's, and its methods must match"
)]

use sea_orm_migration::prelude::*;
use std::collections::BTreeSet;

mod column;
mod m0001_rooms;
mod m0002_media;
mod m0003_messages;
mod m0004_jobs;
mod m0005_events;
mod m0006_private_rooms;
mod m0007_sealed_messages;
mod m0008_media_keys;
mod m0009_lanes;
mod m0010_strays;
mod m0011_patient_jobs;
mod m0012_announced_edits;
mod m0013_descriptions;
mod m0014_operators;
mod m0015_oldest_jobs;
mod m0016_traces;
mod m0017_lane_days;

/// The table in which applied migrations are noted.
const APPLIED: &str = "seaql_migrations";

struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_rooms::Migration),
            Box::new(m0002_media::Migration),
            Box::new(m0003_messages::Migration),
            Box::new(m0004_jobs::Migration),
            Box::new(m0005_events::Migration),
            Box::new(m0006_private_rooms::Migration),
            Box::new(m0007_sealed_messages::Migration),
            Box::new(m0008_media_keys::Migration),
            Box::new(m0009_lanes::Migration),
            Box::new(m0010_strays::Migration),
            Box::new(m0011_patient_jobs::Migration),
            Box::new(m0012_announced_edits::Migration),
            Box::new(m0013_descriptions::Migration),
            Box::new(m0014_operators::Migration),
            Box::new(m0015_oldest_jobs::Migration),
            Box::new(m0016_traces::Migration),
            Box::new(m0017_lane_days::Migration),
        ]
    }
}

/// The names of the migrations that the database still lacks, in order.
///
/// # Errors
/// If the database does not answer.
pub async fn pending<C: ConnectionTrait>(connection: &C) -> Result<Vec<String>, DbErr>
where
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let applied = applied(connection).await?;
    Ok(names().filter(|name| !applied.contains(name)).collect())
}

/// The names of the migrations that the database has and this release does not know,
/// in order.
///
/// # Errors
/// If the database does not answer.
pub async fn later<C: ConnectionTrait>(connection: &C) -> Result<Vec<String>, DbErr>
where
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let mut applied = applied(connection).await?;
    for name in names() {
        applied.remove(&name);
    }
    Ok(applied.into_iter().collect())
}

fn names() -> impl Iterator<Item = String> {
    Migrator::migrations().into_iter().map(|migration| migration.name().to_owned())
}

async fn applied<C: ConnectionTrait>(connection: &C) -> Result<BTreeSet<String>, DbErr>
where
    for<'c> &'c C: IntoSchemaManagerConnection<'c>,
{
    let mut applied = BTreeSet::new();
    if SchemaManager::new(connection).has_table(APPLIED).await? {
        let versions = Query::select().column("version").from(APPLIED).to_owned();
        for row in connection.query_all(&versions).await? {
            applied.insert(row.try_get::<String>("", "version")?);
        }
    }
    Ok(applied)
}

/// Applies what [`pending`] lists. The caller brings a transaction, and keeps
/// other processes from migrating at the same time.
///
/// # Errors
/// If a migration fails; the caller then rolls back.
pub async fn apply(transaction: &sea_orm_migration::sea_orm::DatabaseTransaction) -> Result<(), DbErr> {
    if pending(transaction).await?.is_empty() {
        return Ok(());
    }
    Migrator::up(transaction, None).await
}

/// Brings an empty database to where an earlier release left it, with that many
/// migrations: for tests of the way from there.
///
/// # Errors
/// If a migration fails.
pub async fn apply_first(
    transaction: &sea_orm_migration::sea_orm::DatabaseTransaction,
    steps: u32,
) -> Result<(), DbErr> {
    Migrator::up(transaction, Some(steps)).await
}

//! What waits in each lane, in numbers: for whoever decides how many workers
//! there should be. What it costs does not grow with the backlog.

use crate::{clock, database::Database, error::DbError};
use heim_common::job::Lane;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::{collections::BTreeMap, time::Duration};

/// As far as jobs are counted.
pub const COUNTED_MAX: u64 = 100_000;

/// The jobs of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Jobs that wait or rest: [`COUNTED_MAX`] stands for as many or more.
    pub pending: u64,
    /// Jobs that are held by a worker.
    pub running: u64,
    /// How long the job has waited that could have been claimed first.
    pub oldest: Duration,
}

impl Database {
    /// What waits in each lane, judged by the database's clock. A lane that is
    /// paused waits as well.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn backlog(&self) -> Result<BTreeMap<Lane, Backlog>, DbError> {
        self.read(DbError::Dispatch, async {
            let sql = sql(self.backend());
            let mut found = BTreeMap::new();
            for &lane in Lane::ALL {
                let query = Statement::from_sql_and_values(self.backend(), &sql, [lane.as_str().into()]);
                let Some(row) = self.pool.query_one_raw(query).await? else { continue };
                let count = |name| row.try_get::<i64>("", name).map(i64::unsigned_abs);
                let oldest = row.try_get::<Option<i64>>("", "waits")?.unwrap_or(0);
                let oldest = Duration::from_millis(u64::try_from(oldest).unwrap_or(0));
                found.insert(lane, Backlog { pending: count("pending")?, running: count("running")?, oldest });
            }
            Ok(found)
        })
        .await
    }
}

fn sql(backend: DbBackend) -> String {
    // `SQLite` does not know how many jobs are in which state: see `dispatch.rs`.
    let by_age = match backend {
        DbBackend::Sqlite => "job INDEXED BY idx_job_oldest",
        _ => "job",
    };
    let now = clock::sql(backend);
    format!(
        "SELECT
           (SELECT count(*) FROM (SELECT 1 FROM {by_age} WHERE state = 'pending' AND lane = $1 LIMIT {COUNTED_MAX}) AS w)
             AS pending,
           (SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'running' AND lane = $1 LIMIT {COUNTED_MAX}) AS r)
             AS running,
           {now} - (SELECT min(run_after) FROM {by_age} WHERE state = 'pending' AND lane = $1) AS waits"
    )
}

//! How the lanes are doing: how deep they are, what came and went, and how long it
//! waited and took.
//!
//! Counted from the rows each time, over the time that is asked for alone: an index
//! on when jobs were made and one on when attempts ended serve it. Ends are counted, not
//! jobs: one that failed, was tried again and is done is in both numbers, each when it was so.

use crate::{cause::Cause, clock, database::Database, error::DbError};
use heim_common::{Millis, job::Lane};
use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Most parts of the time that is asked for.
const PARTS_MAX: i64 = 1_440;

/// What a lane holds at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneDepth {
    /// Jobs that wait for a worker, or rest.
    pub pending: u64,
    /// Jobs that are worked on.
    pub running: u64,
    /// How long the job has waited that could have been claimed first, in milliseconds:
    /// what [`Database::backlog`] says. None where none waits; 0 where all rest.
    pub oldest_ms: Option<u64>,
}

/// Half of all, and nineteen of twenty, took no longer; in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// Half of all.
    pub p50: u64,
    /// Nineteen of twenty.
    pub p95: u64,
}

/// What a lane did in a part of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LaneFigures {
    /// Which.
    pub lane: Lane,
    /// When the part begins.
    pub from: Millis,
    /// Jobs that came.
    pub arrived: u64,
    /// Attempts after which a job was done.
    pub done: u64,
    /// Attempts after which a job had failed for good, and jobs that were given up while
    /// nobody held them.
    pub failed: u64,
    /// Attempts after which a job waited for another.
    pub again: u64,
    /// How long jobs waited before an attempt that ended then; none where none did.
    pub wait_ms: Option<Quantiles>,
    /// How long the attempts took.
    pub run_ms: Option<Quantiles>,
}

/// Jobs that were made. `$1` is when the time begins, `$2` the length of a part, `$3`
/// when it ends.
const ARRIVED: &str = "SELECT lane, (created - $1) / $2 AS part, count(*) AS arrived FROM job
    WHERE created >= $1 AND created < $3 GROUP BY lane, part";

/// Attempts that ended, without those that were only put off. A quantile is the first
/// in order at whose place so many are, or more; what nobody held is in none.
const ENDED: &str = "WITH finished AS (
      SELECT lane, (ended - $1) / $2 AS part, verdict, waited, ended - began AS ran,
        CASE WHEN worker = '' THEN 0 ELSE 1 END AS held FROM attempt
      WHERE ended >= $1 AND ended < $3 AND verdict IS NOT NULL AND verdict <> 'snooze'
    ), placed AS (
      SELECT lane, part, verdict, waited, ran, held, count(*) OVER (PARTITION BY lane, part, held) AS all_of_it,
        row_number() OVER (PARTITION BY lane, part, held ORDER BY waited) AS by_wait,
        row_number() OVER (PARTITION BY lane, part, held ORDER BY ran) AS by_run
      FROM finished
    ) SELECT lane, part,
        count(CASE WHEN verdict = 'done' THEN 1 END) AS done,
        count(CASE WHEN verdict = 'discard' THEN 1 END) AS failed,
        count(CASE WHEN verdict = 'retry' THEN 1 END) AS again,
        min(CASE WHEN held = 1 AND by_wait * 2 >= all_of_it THEN waited END) AS wait_p50,
        min(CASE WHEN held = 1 AND by_wait * 20 >= all_of_it * 19 THEN waited END) AS wait_p95,
        min(CASE WHEN held = 1 AND by_run * 2 >= all_of_it THEN ran END) AS run_p50,
        min(CASE WHEN held = 1 AND by_run * 20 >= all_of_it * 19 THEN ran END) AS run_p95
      FROM placed GROUP BY lane, part";

impl Database {
    /// What each lane holds at this moment; lanes that hold nothing, too.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lane_depths(&self) -> Result<BTreeMap<Lane, LaneDepth>, DbError> {
        self.read(DbError::Inspect, async {
            let now = clock::sql(self.backend());
            let sql = format!(
                "SELECT lane, state, count(*) AS jobs, {now} - min(run_after) AS age FROM job
                 WHERE state IN ('pending', 'running') GROUP BY lane, state"
            );
            let mut depths: BTreeMap<_, _> = Lane::ALL.iter().map(|lane| (*lane, LaneDepth::default())).collect();
            for row in self.pool.query_all_raw(Statement::from_string(self.backend(), sql)).await? {
                let Some(depth) = lane(&row)?.and_then(|lane| depths.get_mut(&lane)) else { continue };
                let jobs = count(&row, "jobs")?;
                if row.try_get::<String>("", "state")? == "running" {
                    depth.running = jobs;
                } else {
                    (depth.pending, depth.oldest_ms) = (jobs, Some(count(&row, "age")?));
                }
            }
            Ok(depths)
        })
        .await
    }

    /// What the lanes did in the time before `until`, in parts of `part` each, the
    /// first one first. A part in which a lane did nothing is left out.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lane_figures(
        &self,
        until: Millis,
        time: Duration,
        part: Duration,
    ) -> Result<Vec<LaneFigures>, DbError> {
        let (from, part) = (until.before(time), clock::millis(part).max(clock::millis(time) / PARTS_MAX).max(1));
        self.read(DbError::Inspect, async {
            let ask = async |sql| {
                let values = [from.0.into(), part.into(), until.0.into()];
                self.pool.query_all_raw(Statement::from_sql_and_values(self.backend(), sql, values)).await
            };
            let mut all: BTreeMap<(i64, Lane), LaneFigures> = BTreeMap::new();
            for row in ask(ARRIVED).await? {
                if let Some(figures) = place(&row, &mut all, from, part)? {
                    figures.arrived = count(&row, "arrived")?;
                }
            }
            for row in ask(ENDED).await? {
                if let Some(figures) = place(&row, &mut all, from, part)? {
                    figures.done = count(&row, "done")?;
                    figures.failed = count(&row, "failed")?;
                    figures.again = count(&row, "again")?;
                    figures.wait_ms = quantiles(&row, "wait_p50", "wait_p95")?;
                    figures.run_ms = quantiles(&row, "run_p50", "run_p95")?;
                }
            }
            Ok(all.into_values().collect())
        })
        .await
    }
}

/// Where a row's figures go; none for a lane of a later release.
fn place<'a>(
    row: &QueryResult,
    all: &'a mut BTreeMap<(i64, Lane), LaneFigures>,
    from: Millis,
    part: i64,
) -> Result<Option<&'a mut LaneFigures>, Cause> {
    let Some(lane) = lane(row)? else { return Ok(None) };
    let number: i64 = row.try_get("", "part")?;
    let empty = || LaneFigures {
        lane,
        from: Millis(from.0 + number * part),
        arrived: 0,
        done: 0,
        failed: 0,
        again: 0,
        wait_ms: None,
        run_ms: None,
    };
    Ok(Some(all.entry((number, lane)).or_insert_with(empty)))
}

fn lane(row: &QueryResult) -> Result<Option<Lane>, Cause> {
    Ok(row.try_get::<String>("", "lane")?.parse().ok())
}

/// None where nothing was measured.
fn quantiles(row: &QueryResult, p50: &str, p95: &str) -> Result<Option<Quantiles>, Cause> {
    let is_there = row.try_get::<Option<i64>>("", p50)?.is_some();
    is_there.then(|| Ok(Quantiles { p50: count(row, p50)?, p95: count(row, p95)? })).transpose()
}

/// A number that a clock which went back may have made less than nothing.
fn count(row: &QueryResult, name: &str) -> Result<u64, Cause> {
    Ok(u64::try_from(row.try_get::<i64>("", name)?).unwrap_or(0))
}

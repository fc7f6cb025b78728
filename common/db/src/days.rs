//! What the lanes did day by day, for longer than attempts are kept: ends, as `figures`
//! counts them, by the day of UTC in which they were.
//!
//! A day that is over is counted once, from the attempts that ended in it, into a row of
//! `lane_day` for each lane; zeros are rows, too. Whoever counts it counts the same, because
//! no attempt is removed before its day is counted. The days after those are counted from
//! the attempts whenever somebody looks: so each end is in one day, once.

use crate::{
    cause::Cause,
    clock,
    database::Database,
    entity::lane_day::{Column, Entity},
    error::DbError,
    transaction::transact,
};
use heim_common::{Millis, job::Lane};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, Statement,
    sea_query::{OnConflict, Query},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

const DAY_MS: i64 = 86_400_000;
/// How long after its end a day is counted: what ended in it is committed by then.
const SETTLED: Duration = Duration::from_mins(10);
/// How many days are kept, and the most that are told.
pub const DAYS_MAX: u16 = 366;

/// When the first day begins that is not counted yet, by the rows.
pub(crate) const UNCOUNTED: &str = "(SELECT coalesce(max(day) + 1, 0) * 86400000 FROM lane_day)";

/// Ends by day and lane. `$1` is the first day.
const ENDED: &str = "SELECT ended / 86400000 AS day, lane, count(CASE WHEN verdict = 'done' THEN 1 END) AS done,
      count(CASE WHEN verdict = 'discard' THEN 1 END) AS failed
    FROM attempt WHERE ended >= $1 * 86400000";
const BY_DAY: &str = "GROUP BY ended / 86400000, lane";

/// How many ended well, and how many did not.
type Ends = (i64, i64);

/// What a lane did in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LaneDay {
    /// Which lane.
    pub lane: Lane,
    /// When the day begins.
    pub from: Millis,
    /// Attempts after which a job was done.
    pub done: u64,
    /// Attempts after which a job had failed for good, and jobs that were given up while
    /// nobody held them.
    pub failed: u64,
}

impl Database {
    /// What each lane did in each of the last `days` days, of which today is the last. Those
    /// before the first of which something is known are left out.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn lane_days(&self, days: u16) -> Result<Vec<LaneDay>, DbError> {
        let today = self.now().await?.0.div_euclid(DAY_MS);
        let first = today + 1 - i64::from(days.clamp(1, DAYS_MAX));
        let told = self.read(DbError::Inspect, async {
            // One statement: a day that is counted at this moment is in it once.
            let sql = format!(
                "SELECT day, lane, done, failed FROM lane_day WHERE day >= $1
                 UNION ALL {ENDED} AND ended >= {UNCOUNTED} {BY_DAY}"
            );
            let query = Statement::from_sql_and_values(self.backend(), sql, [first.into()]);
            let rows = self.pool.query_all_raw(query).await?;
            rows.iter().map(read).collect::<Result<BTreeMap<_, _>, _>>()
        });
        let told = told.await?;
        let known = told.keys().next().map_or(today, |(day, _)| Ord::min(*day, today));
        let of_day = |day: i64| Lane::ALL.iter().map(move |lane| (day, *lane));
        let all = (known..=today).flat_map(of_day).map(|(day, lane)| {
            let (done, failed) = told.get(&(day, lane.as_str().to_owned())).copied().unwrap_or_default();
            LaneDay { lane, from: Millis(day * DAY_MS), done: done.unsigned_abs(), failed: failed.unsigned_abs() }
        });
        Ok(all.collect())
    }

    /// Counts the first day that is over and not counted, and forgets those that are older
    /// than a year. False if there is none.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn day_count(&self) -> Result<bool, DbError> {
        let day = self.read(DbError::Sweep, async {
            let Some(day) = uncounted(&self.pool).await? else { return Ok(None) };
            Ok(Some((day, count(&self.pool, day).await?)))
        });
        let Some((day, lanes)) = day.await? else { return Ok(false) };
        transact!(self, DbError::Sweep, async |tx| {
            let mut insert = Query::insert()
                .into_table(Entity)
                .columns([Column::Day, Column::Lane, Column::Done, Column::Failed])
                // Whoever was first has counted all of it: nothing was removed before.
                .on_conflict(OnConflict::columns([Column::Day, Column::Lane]).do_nothing().to_owned())
                .to_owned();
            for (lane, (done, failed)) in &lanes {
                insert.values_panic([day.into(), lane.as_str().into(), (*done).into(), (*failed).into()]);
            }
            tx.execute(&insert).await?;
            Entity::delete_many().filter(Column::Day.lte(day - i64::from(DAYS_MAX))).exec(tx).await?;
            Ok(true)
        })
    }
}

/// The first day that is over and not counted.
async fn uncounted<C: ConnectionTrait>(connection: &C) -> Result<Option<i64>, Cause> {
    let backend = connection.get_database_backend();
    let sql = format!(
        "SELECT {now} AS now, (SELECT max(day) + 1 FROM lane_day) AS next,
           (SELECT min(ended) FROM attempt WHERE ended IS NOT NULL) AS ended",
        now = clock::sql(backend)
    );
    let row = connection.query_one_raw(Statement::from_string(backend, sql)).await?;
    let Some(row) = row else { return Ok(None) };
    let now: i64 = row.try_get("", "now")?;
    let (next, ended): (Option<i64>, Option<i64>) = (row.try_get("", "next")?, row.try_get("", "ended")?);
    let over_until = (now - clock::millis(SETTLED)).div_euclid(DAY_MS);
    let first = next.or_else(|| ended.map(|ended| ended.div_euclid(DAY_MS)));
    Ok(first.map(|first| first.max(over_until - i64::from(DAYS_MAX))).filter(|first| *first < over_until))
}

/// What each lane did in a day; those that did nothing, and lanes of later releases, too.
async fn count<C: ConnectionTrait>(connection: &C, day: i64) -> Result<BTreeMap<String, Ends>, Cause> {
    let sql = format!("{ENDED} AND ended < ($1 + 1) * 86400000 {BY_DAY}");
    let query = Statement::from_sql_and_values(connection.get_database_backend(), sql, [day.into()]);
    let mut all: BTreeMap<_, _> = Lane::ALL.iter().map(|lane| (lane.as_str().to_owned(), (0, 0))).collect();
    for row in connection.query_all_raw(query).await? {
        let ((_, lane), ends) = read(&row)?;
        all.insert(lane, ends);
    }
    Ok(all)
}

/// Day and lane, and what ended there.
fn read(row: &QueryResult) -> Result<((i64, String), Ends), Cause> {
    let of = (row.try_get("", "day")?, row.try_get("", "lane")?);
    Ok((of, (row.try_get("", "done")?, row.try_get("", "failed")?)))
}

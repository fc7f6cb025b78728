//! Workers: what each last said of itself, and what the operator wants of it.

use crate::{
    cause::Cause,
    clock, column,
    database::Database,
    entity::worker::{Column, Entity, Model},
    error::DbError,
    transaction::transact,
};
use heim_common::{JobId, Millis, wire::WorkerReport, worker::WorkerState};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, Query},
};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Longest name, version and word, in bytes; most jobs and walls of a report.
const WORD_BYTES_MAX: usize = 200;
const LISTED_MAX: usize = 256;
/// Most workers that are listed.
const WORKERS_MAX: u64 = 10_000;

/// A worker, as it last said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerRow {
    /// Its name, as in rows of jobs.
    pub name: String,
    /// The version of its program.
    pub version: String,
    /// The machine that it runs on.
    pub host: String,
    /// When it started, by its own clock.
    pub started: Millis,
    /// When it was last heard of, by the database's clock.
    pub heard: Millis,
    /// How long that is ago, in milliseconds.
    pub silent_ms: i64,
    /// What it does.
    pub state: WorkerState,
    /// What is wanted of it.
    pub wish: WorkerState,
    /// Jobs that it may work on at a time.
    pub concurrency: u32,
    /// The jobs that it holds.
    pub jobs: Vec<JobId>,
    /// How each wall around its pixel children stands.
    pub walls: BTreeMap<String, String>,
    /// CPU time, in percent of one core.
    pub cpu_percent: u32,
    /// Memory that its children take, in bytes.
    pub child_memory_bytes: u64,
}

impl WorkerRow {
    /// The walls that are missing around its pixel children, each with what it says of that.
    pub fn missing_walls(&self) -> impl Iterator<Item = (&str, &str)> {
        let walls = self.walls.iter().map(|(wall, how)| (wall.as_str(), how.as_str()));
        walls.filter(|(_, how)| how.starts_with("missing"))
    }
}

impl Database {
    /// Keeps what a worker says of itself; returns what is wanted of it. A worker that
    /// was drained and has started again under its name is to run.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn worker_report(&self, report: &WorkerReport) -> Result<WorkerState, DbError> {
        let WorkerReport {
            worker, version, host, started, state, concurrency, cpu_percent, child_memory_bytes, ..
        } = report;
        let word = |text: &str| column::line(text, WORD_BYTES_MAX);
        let walls = report.walls.iter().take(LISTED_MAX).map(|(wall, how)| (word(wall), word(how)));
        let jobs = report.jobs.iter().take(LISTED_MAX).collect::<Vec<_>>();
        let (jobs, walls) = (json(&jobs, "jobs")?, json(&walls.collect::<BTreeMap<_, _>>(), "walls")?);
        let told = [
            Column::Version,
            Column::Host,
            Column::Started,
            Column::Heard,
            Column::State,
            Column::Concurrency,
            Column::Jobs,
            Column::Walls,
            Column::CpuPercent,
            Column::ChildMemory,
        ];
        let drained = Expr::col((Entity, Column::Wish)).eq(WorkerState::Draining.as_str());
        let is_another = Expr::col((Entity, Column::Started)).ne(started.0);
        let wish = CaseStatement::new()
            .case(drained.and(is_another), WorkerState::Running.as_str())
            .finally(Expr::col((Entity, Column::Wish)));
        transact!(self, DbError::Claim, async |tx| {
            let insert = Query::insert()
                .into_table(Entity)
                .columns([Column::Name, Column::Wish].into_iter().chain(told))
                .values_panic([
                    word(worker).into(),
                    WorkerState::Running.as_str().into(),
                    word(version).into(),
                    word(host).into(),
                    started.0.into(),
                    clock::now(tx.get_database_backend()),
                    state.as_str().into(),
                    concurrency.to_owned().into(),
                    jobs.as_str().into(),
                    walls.as_str().into(),
                    cpu_percent.to_owned().into(),
                    column::size(*child_memory_bytes).into(),
                ])
                .on_conflict(
                    OnConflict::column(Column::Name).update_columns(told).value(Column::Wish, wish.clone()).to_owned(),
                )
                .returning_col(Column::Wish)
                .to_owned();
            let row = tx.query_one(&insert).await?.ok_or_else(|| Cause::unreadable("worker", "wish"))?;
            Ok(state_of(&row.try_get::<String>("", "wish")?))
        })
    }

    /// The workers that were heard of lately, by name.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, DbError> {
        let now = self.now().await?;
        self.read(DbError::Inspect, async {
            let rows = Entity::find().order_by_asc(Column::Name).limit(WORKERS_MAX).all(&self.pool).await?;
            rows.into_iter().map(|row| read(row, now)).collect()
        })
        .await
    }

    /// Says what is wanted of a worker, of which it hears with its next report. False
    /// if there is no such worker.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn worker_wish(&self, name: &str, wish: WorkerState) -> Result<bool, DbError> {
        transact!(self, DbError::Steer, async |tx| {
            let set = Entity::update_many()
                .col_expr(Column::Wish, Expr::value(wish.as_str()))
                .filter(Column::Name.eq(name))
                .exec(tx)
                .await?;
            Ok(set.rows_affected == 1)
        })
    }

    /// Forgets workers that were not heard of for so long.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn workers_trim(&self, silent: Duration) -> Result<u64, DbError> {
        transact!(self, DbError::Sweep, async |tx| {
            let old = Expr::col(Column::Heard).lt(clock::before(tx.get_database_backend(), silent));
            Ok(Entity::delete_many().filter(old).exec(tx).await?.rows_affected)
        })
    }
}

fn json(value: &impl Serialize, what: &'static str) -> Result<String, DbError> {
    serde_json::to_string(value).map_err(|_| DbError::Claim(Cause::unreadable("worker", what)))
}

/// A word of a later release harms nobody, here as on the wire.
fn state_of(word: &str) -> WorkerState {
    word.parse().unwrap_or_default()
}

fn read(row: Model, now: Millis) -> Result<WorkerRow, Cause> {
    let Model { name, version, host, started, heard, state, wish, concurrency, jobs, walls, cpu_percent, child_memory } =
        row;
    let of = |name| column::of("worker", name);
    Ok(WorkerRow {
        name,
        version,
        host,
        started: Millis(started),
        heard: Millis(heard),
        silent_ms: Ord::max(now.0 - heard, 0),
        state: state_of(&state),
        wish: state_of(&wish),
        concurrency: of("concurrency").number(concurrency)?,
        jobs: serde_json::from_str(&jobs).map_err(|_| of("jobs").unreadable())?,
        walls: serde_json::from_str(&walls).map_err(|_| of("walls").unreadable())?,
        cpu_percent: of("cpu_percent").number(cpu_percent)?,
        child_memory_bytes: of("child_memory").number(child_memory)?,
    })
}

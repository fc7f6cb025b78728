//! What it costs to choose a job for the transport while a million wait, beside a
//! hundred thousand and ten thousand: on both databases, with the backlog in many
//! rooms and in one. As many again rest. By turns. Prints a table, and fails where
//! a job costs more than it did while a hundred thousand waited.
//!
//! Ten thousand in a thousand rooms are a special case, and only printed: a page of
//! the index then holds the first jobs of many rooms.

#[expect(unreachable_pub, reason = "as above")]
#[path = "../../../tests/src/ports.rs"]
mod ports;
#[expect(
    unreachable_pub,
    dead_code,
    reason = "a module of the harness crate, shared by its file: that crate depends on this one"
)]
#[path = "../../../tests/src/postgres.rs"]
mod postgres;

use heim_common::job::Lane;
use heim_db::{Choice, Cursors, Database, DatabaseConfig};
use postgres::Postgres;
use sea_orm::{ConnectOptions, ConnectionTrait};
use std::{collections::BTreeMap, io::Write, path::Path, time::Instant};

/// Jobs that wait.
const BACKLOGS: [u32; 3] = [10_000, 100_000, 1_000_000];
/// The backlogs are in as many rooms each: more of them than a choice has places.
const ROOMS: [u32; 2] = [1_000, 1];
/// Jobs of one choice: a whole window.
const WINDOW: usize = 256;
const WINDOW_F64: f64 = 256.0;
/// Choices of each backlog that count; one of this and one of that by turns.
const CHOICES: usize = 31;
/// Most that the issue lets it grow.
const GROWTH_MAX: f64 = 1.2;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let grown = runtime.expect("a runtime starts").block_on(compare());
    assert!(grown.is_empty(), "the cost of a job grows with the backlog: {grown:?}");
}

/// Measures everything, and returns what has grown too much.
async fn compare() -> Vec<String> {
    let server = Postgres::start();
    let folder = tempfile::tempdir().expect("a temp folder can be made");
    let mut grown = Vec::new();
    say("database    rooms   µs of a job at 10,000   100,000   1,000,000 rows    to 10,000   to 100,000\n");
    for (database, is_postgres) in [("postgresql", true), ("sqlite", false)] {
        for rooms in ROOMS {
            let mut backlogs = Vec::new();
            for rows in BACKLOGS {
                let url = if is_postgres { server.fresh_url() } else { sqlite(folder.path(), rooms, rows) };
                backlogs.push(Backlog::of(url, rows, rooms).await);
            }
            // The first choice of each is not like the others.
            for choice in 0..=CHOICES {
                for backlog in &mut backlogs {
                    let took = backlog.choose().await;
                    backlog.took.extend((choice > 0).then_some(took));
                }
            }
            let [few, more, many] = &backlogs[..] else { unreachable!("there are three") };
            let us = [few, more, many].map(|backlog| median(backlog.took.iter().copied()) * 1e6 / WINDOW_F64);
            let to = |other: &Backlog| median(many.took.iter().zip(&other.took).map(|(many, other)| many / other));
            let (to_few, to_more) = (to(few), to(more));
            say(&format!(
                "{database:<11} {rooms:<7} {:>21.1} {:>9.1} {:>11.1} {to_few:>17.2} {to_more:>12.2}\n",
                us[0], us[1], us[2]
            ));
            if to_more > GROWTH_MAX {
                grown.push(format!("{database}, rooms {rooms}: {to_more:.2}"));
            }
        }
    }
    grown
}

fn sqlite(folder: &Path, rooms: u32, rows: u32) -> String {
    format!("sqlite:{}", folder.join(format!("{rooms}-{rows}.db")).display())
}

/// A database in which so many jobs wait, as many rest, and a window full was told.
struct Backlog {
    database: Database,
    cursors: Cursors,
    /// Seconds of each choice.
    took: Vec<f64>,
}

impl Backlog {
    async fn of(url: String, rows: u32, rooms: u32) -> Self {
        let config = DatabaseConfig { url: url.clone(), timeout_ms: 60_000, ..DatabaseConfig::default() };
        let database = Database::connect(&config).await.expect("the database opens");
        database.migrate().await.expect("it is migrated");
        fill(&url, rows, rooms).await;
        Self { database, cursors: Cursors::default(), took: Vec::new() }
    }

    /// Returns how many seconds a choice took.
    async fn choose(&mut self) -> f64 {
        let wanted = BTreeMap::from([(Lane::Interactive, WINDOW)]);
        let began = Instant::now();
        // What the dispatcher asks each time it wakes.
        self.database.lanes_paused().await.expect("the database answers");
        self.database.jobs_rested().await.expect("the database answers");
        let choice = self.database.jobs_choose(&wanted, &self.cursors).await.expect("the database answers");
        let took = began.elapsed().as_secs_f64();
        let Choice { jobs, next, more } = choice;
        assert!(more && jobs.values().map(Vec::len).sum::<usize>() == WINDOW, "a whole window");
        self.cursors = next;
        took
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Rows without media objects: nothing here looks at those.
async fn fill(url: &str, rows: u32, rooms: u32) {
    let mut options = ConnectOptions::new(url.replacen("sqlite:", "sqlite://", 1));
    options.max_connections(1).sqlx_logging(false);
    let raw = sea_orm::Database::connect(options).await.expect("the database opens");
    let is_sqlite = url.starts_with("sqlite");
    let fill = |from: u32, rows: usize, dispatched: &str, rests_until: &str| {
        let numbers = if is_sqlite {
            format!(
                "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows})
                     SELECT n FROM numbers"
            )
        } else {
            format!("SELECT n FROM generate_series(1, {rows}) AS n")
        };
        format!(
            "INSERT INTO job (id, kind, lane, room, media_id, transcodings, state, run_after, created, dispatched,
                              rests_until)
             SELECT n + {from}, 'transcode', 'interactive', 'room' || (n % {rooms}), n + {from}, '[]', 'pending', 1, 1,
                    {dispatched}, {rests_until} FROM ({numbers}) AS numbered"
        )
    };
    let (alone, settled) = if is_sqlite {
        ("PRAGMA foreign_keys = OFF", "PRAGMA wal_checkpoint(TRUNCATE)")
    } else {
        // As it does by itself before long.
        ("SET session_replication_role = replica", "VACUUM ANALYZE job")
    };
    // Those that rest have the lowest ids, so that whoever walks over them is slow.
    let statements = [
        alone.to_owned(),
        fill(0, rows as usize, "NULL", "4000000000000"),
        fill(rows, rows as usize, "NULL", "NULL"),
        fill(2 * rows, WINDOW, "1", "NULL"),
        settled.to_owned(),
    ];
    for statement in statements {
        raw.execute_unprepared(&statement).await.expect("rows are made");
    }
    raw.close().await.expect("the connection closes");
}

fn say(text: &str) {
    // Nobody reads a table that cannot be printed.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

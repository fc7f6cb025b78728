//! Which part of a fleet has spent how much CPU.

use crate::{fleet::Fleet, process::Process, usage};
use std::time::Duration;

/// CPU time, in user and kernel mode.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    coordinators: Duration,
    workers: Duration,
    children: Duration,
    redis: Duration,
    postgres: Duration,
}

impl Spent {
    /// So far.
    pub async fn by(fleet: &Fleet) -> Self {
        let sum = |processes: &[Process]| processes.iter().map(|one| usage::cpu(one.pid())).sum();
        // What ended children took is known of their parent, and is theirs.
        let children = fleet.workers.iter().map(|worker| usage::cpu_of_children(worker.pid())).sum();
        Self {
            coordinators: sum(&fleet.coordinators),
            workers: sum(&fleet.workers),
            children,
            redis: usage::cpu(usage::process_of(&fleet.redis.pid().to_string())),
            postgres: match fleet.database_url() {
                url if url.starts_with("postgres:") => usage::cpu_of_postgres(url).await,
                _ => Duration::ZERO,
            },
        }
    }

    /// Since then.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        Self {
            coordinators: self.coordinators.saturating_sub(before.coordinators),
            workers: self.workers.saturating_sub(before.workers),
            children: self.children.saturating_sub(before.children),
            redis: self.redis.saturating_sub(before.redis),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }

    /// Each part with what it has spent. A database of `SQLite` is within its coordinator.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, Duration); 5] {
        let Self { coordinators, workers, children, redis, postgres } = *self;
        [
            ("coordinators", coordinators),
            ("workers", workers),
            ("pixel children", children),
            ("PostgreSQL", postgres),
            ("Redis", redis),
        ]
    }

    /// All of it but the database, which no two deployments have alike.
    #[must_use]
    pub fn without_database(&self) -> Duration {
        self.coordinators + self.workers + self.children + self.redis
    }

    /// What each of so many jobs took of each part, in milliseconds.
    ///
    /// # Panics
    /// If there were more jobs than a `u32` counts.
    #[must_use]
    pub fn of_each(&self, jobs: usize) -> String {
        let jobs = f64::from(u32::try_from(jobs).expect("a bench has fewer jobs"));
        let of_each = self.parts().map(|(who, spent)| format!("{who} {:.2} ms", spent.as_secs_f64() * 1e3 / jobs));
        of_each.join(", ")
    }
}

//! Who has spent how much CPU.

use crate::as_f64;
use heim_tests::{fleet::Fleet, usage};
use std::{fmt, time::Duration};

/// CPU time, in user and kernel mode.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    coordinators: Duration,
    workers: Duration,
    children: Duration,
    redis: Duration,
    postgres: Duration,
}

impl Spent {
    /// So far.
    pub(crate) async fn by(fleet: &Fleet) -> Self {
        let sum = |processes: &[heim_tests::process::Process]| processes.iter().map(|one| usage::cpu(one.pid())).sum();
        // What ended children took is known of their parent, and is theirs.
        let children = fleet.workers.iter().map(|worker| usage::cpu_of_children(worker.pid())).sum();
        Self {
            coordinators: sum(&fleet.coordinators),
            workers: sum(&fleet.workers),
            children,
            redis: usage::cpu(usage::process_of(&fleet.redis.pid().to_string())),
            postgres: usage::cpu_of_postgres(fleet.database_url()).await,
        }
    }

    /// Since then.
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            coordinators: self.coordinators.saturating_sub(before.coordinators),
            workers: self.workers.saturating_sub(before.workers),
            children: self.children.saturating_sub(before.children),
            redis: self.redis.saturating_sub(before.redis),
            postgres: self.postgres.saturating_sub(before.postgres),
        }
    }

    pub(crate) fn write_of_each(&self, f: &mut fmt::Formatter<'_>, jobs: usize) -> fmt::Result {
        let Self { coordinators, workers, children, redis, postgres } = *self;
        let parts = [
            ("coordinators", coordinators),
            ("workers", workers),
            ("pixel children", children),
            ("PostgreSQL", postgres),
            ("Redis", redis),
        ];
        for (place, (who, spent)) in parts.into_iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{who} {:.2} ms", spent.as_secs_f64() * 1e3 / as_f64(jobs))?;
        }
        Ok(())
    }
}

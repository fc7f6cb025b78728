//! What is done to a fleet. Whatever was killed is started again at once.

use super::{COORDINATORS, Stage, WORKERS};
use crate::proxy::Fault;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// One harm.
#[derive(Clone, Copy, Debug)]
pub enum Harm {
    /// `kill -9`.
    KillWorker(usize),
    /// `kill -9`.
    KillCoordinator(usize),
    /// `kill -9`; it comes back empty.
    KillRedis,
    /// `kill -9` of all of its processes.
    KillPostgres,
    /// SIGSTOP for so long.
    FreezeWorker(usize, Duration),
    /// SIGSTOP for so long.
    FreezeCoordinator(usize, Duration),
    /// SIGSTOP for so long.
    FreezeRedis(Duration),
    /// Every connection is reset, for so long.
    CutRedis(Duration),
    /// Every connection is reset, for so long.
    CutPostgres(Duration),
}

/// A harm, and when.
#[derive(Clone, Copy, Debug)]
pub struct Struck {
    /// Which.
    pub harm: Harm,
    /// When it began.
    pub at: Instant,
}

/// Source: `SplitMix64`, G. Steele, D. Lea, C. Flood, 2014.
fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).expect("less than a usize")
}

impl Harm {
    pub(super) fn random(chance: &mut u64) -> Self {
        let kind = below(chance, 16);
        let (worker, coordinator) = (below(chance, WORKERS), below(chance, COORDINATORS));
        let long = Duration::from_millis(1_000 + below(chance, 5_000) as u64);
        let short = long / 2;
        match kind {
            0..4 => Self::KillWorker(worker),
            4..7 => Self::KillCoordinator(coordinator),
            7 | 8 => Self::KillRedis,
            9 | 10 => Self::KillPostgres,
            11 => Self::FreezeWorker(worker, long),
            12 => Self::FreezeCoordinator(coordinator, long),
            13 => Self::FreezeRedis(long),
            14 => Self::CutRedis(short),
            _ => Self::CutPostgres(short),
        }
    }

    /// Its kind, in words.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::KillWorker(_) => "worker killed",
            Self::KillCoordinator(_) => "coordinator killed",
            Self::KillRedis => "Redis killed",
            Self::KillPostgres => "PostgreSQL killed",
            Self::FreezeWorker(..) => "worker frozen",
            Self::FreezeCoordinator(..) => "coordinator frozen",
            Self::FreezeRedis(_) => "Redis frozen",
            Self::CutRedis(_) => "Redis cut off",
            Self::CutPostgres(_) => "PostgreSQL cut off",
        }
    }

    /// Returns when all is whole again, as far as this goes.
    pub(super) async fn strike(self, stage: &mut Stage) {
        match self {
            Self::KillWorker(place) => {
                stage.fleet.workers[place].kill9().await;
                stage.fleet.replace_worker(place).await;
            }
            Self::KillCoordinator(place) => {
                stage.fleet.coordinators[place].kill9().await;
                stage.fleet.replace_coordinator(place).await;
            }
            Self::KillRedis => stage.redis.restart(),
            Self::KillPostgres => {
                stage.postgres.kill9();
                stage.postgres.restart();
            }
            Self::FreezeWorker(place, long) => {
                stage.fleet.workers[place].freeze();
                sleep(long).await;
                stage.fleet.workers[place].thaw();
            }
            Self::FreezeCoordinator(place, long) => {
                stage.fleet.coordinators[place].freeze();
                sleep(long).await;
                stage.fleet.coordinators[place].thaw();
            }
            Self::FreezeRedis(long) => {
                stage.redis.freeze();
                sleep(long).await;
                stage.redis.thaw();
            }
            Self::CutRedis(long) => {
                stage.before_redis.set(Fault::Cut);
                sleep(long).await;
                stage.before_redis.heal();
            }
            Self::CutPostgres(long) => {
                stage.before_postgres.set(Fault::Cut);
                sleep(long).await;
                stage.before_postgres.heal();
            }
        }
    }
}

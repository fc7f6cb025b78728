//! What is left after many files: nothing. A test binary of its own, since it
//! counts what belongs to the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

#[path = "worker/corpus.rs"]
#[expect(dead_code, reason = "the other test binary uses all of it")]
mod corpus;

use corpus::{all, photo, real_child, work};
use heim_worker::{PixelsConfig, children::Pool};
use std::{num::NonZeroUsize, sync::Arc};
use tokio::task::JoinSet;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// States of the processes that this one has started.
fn child_states() -> Vec<char> {
    let own = std::process::id().to_string();
    let mut states = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let stat = std::fs::read_to_string(entry.unwrap().path().join("stat")).unwrap_or_default();
        let mut fields = stat.rsplit_once(')').unwrap_or_default().1.split_whitespace();
        if let (Some(state), Some(parent)) = (fields.next(), fields.next())
            && parent == own
        {
            states.push(state.chars().next().unwrap());
        }
    }
    states
}

#[tokio::test]
async fn fifty_files_leave_no_descriptor_and_no_zombie() {
    let good = photo("gif_earth_400_44f.gif");
    let pool = Arc::new(Pool::start(&real_child(), NonZeroUsize::new(2).unwrap(), 7, PixelsConfig::default()).unwrap());
    let before = open_files();
    let mut runs = JoinSet::new();
    for number in 0..50 {
        let (pool, work) = (pool.clone(), work(if number % 5 == 0 { b"no picture" } else { &good }));
        runs.spawn(async move {
            let run = pool.run(work).await;
            // Every tenth is dropped midway.
            if number % 10 != 1 {
                assert_eq!(all(run).await.1.is_ok(), number % 5 != 0);
            }
        });
    }
    runs.join_all().await;
    // Both slots are free again when both can be had at once.
    let last = [pool.run(work(&good)).await, pool.run(work(&good)).await];
    for run in last {
        all(run).await.1.unwrap();
    }
    let settled = async || {
        while open_files() != before || child_states().len() != 2 || child_states().contains(&'Z') {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    let bound = std::time::Duration::from_secs(10);
    let settled = tokio::time::timeout(bound, settled()).await;
    settled.unwrap_or_else(|_| panic!("{} descriptors, {before} before; children {:?}", open_files(), child_states()));
    drop(pool);
    assert!(child_states().is_empty());
}

//! The short form of `make chaos`: each harm once, five seconds apart.

use heim_tests::chaos;
use std::{collections::BTreeSet, time::Duration};

/// Of the first nine harms that follow from it, each is of another kind; the
/// worker that is frozen wakes after its lease.
const SEED: u64 = 3354;
const KINDS: usize = 9;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_doubled_or_stuck_in_chaos() {
    let report = chaos::run(Duration::ZERO, KINDS, SEED).await;
    let kinds: BTreeSet<_> = report.struck.iter().map(|struck| struck.harm.kind()).collect();
    assert_eq!(kinds.len(), KINDS, "choose another seed: {kinds:?}");
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    assert!(report.outcome.verdict.accepted >= 20, "this test tests nothing any more: {report}");
}

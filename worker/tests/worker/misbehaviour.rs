//! What a child may do to the worker: cost one attempt, and nothing else.

use crate::{
    corpus::{all, pool, work},
    misbehaving_child::{DESCRIPTION, misbehaving_child},
};
use heim_common::job::Reason;
use heim_worker::PixelsConfig;
use heim_worker::children::{ChildCommand, PixelFailure, PixelWork, Pool, PoolError, StartError};
use std::{
    num::NonZeroUsize,
    os::unix::process::ExitStatusExt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

async fn outcome(pool: &Pool, file: &str) -> Result<usize, PixelFailure> {
    let (outputs, end) = all(pool.run(work(file.as_bytes())).await).await;
    end.map(|_| outputs.len())
}

fn signal(failure: &PixelFailure) -> Option<i32> {
    if let PixelFailure::Died(death) = failure { death.status.signal() } else { None }
}

#[tokio::test]
async fn a_crash_fails_one_attempt_and_the_neighbours_finish() {
    let pool = Arc::new(pool(&misbehaving_child(), 2));
    let mut runs = JoinSet::new();
    for file in ["work 4", "abort", "work 4", "signal 4", "work 4", "exit 3", "work 4", "work 4"] {
        let pool = pool.clone();
        runs.spawn(async move { (file, outcome(&pool, file).await) });
    }
    for (file, end) in runs.join_all().await {
        match (file, end) {
            ("work 4", end) => assert_eq!(end.unwrap(), 4),
            (_, Ok(_)) => panic!("{file} went well"),
            (_, Err(failure)) => {
                assert_eq!(failure.reason(), Reason::ChildDied, "{failure}");
                let expected = [("abort", Some(6)), ("signal 4", Some(4)), ("exit 3", None)];
                assert!(expected.contains(&(file, signal(&failure))), "{file}: {failure}");
            }
        }
    }
}

#[tokio::test]
async fn what_came_before_a_crash_is_good() {
    let pool = pool(&misbehaving_child(), 1);
    let (outputs, end) = all(pool.run(work(b"work 2\nabort")).await).await;
    assert_eq!(outputs.iter().map(|output| output.width).collect::<Vec<_>>(), [160, 320]);
    assert_eq!(signal(&end.unwrap_err()), Some(6));
}

#[tokio::test]
async fn a_child_that_was_told_to_stop_does_not_speak_against_its_file() {
    let pool = pool(&misbehaving_child(), 1);
    let failure = outcome(&pool, "signal 15\nhang").await.unwrap_err();
    assert_eq!((signal(&failure), failure.reason()), (Some(15), Reason::Internal));
}

#[tokio::test]
async fn a_hang_ends_at_the_deadline() {
    let pool = pool(&misbehaving_child(), 1);
    let deadline = Duration::from_millis(300);
    let begun = Instant::now();
    let (outputs, end) = all(pool.run(PixelWork { deadline, ..work(b"work 1\nhang") }).await).await;
    let took = begun.elapsed();
    assert!(matches!(end, Err(PixelFailure::OutOfTime)), "{end:?}");
    assert_eq!(outputs.len(), 1);
    assert!(took >= deadline && took < deadline + Duration::from_millis(250), "{took:?}");
    assert_eq!(outcome(&pool, "work 4").await.unwrap(), 4);
}

#[tokio::test]
async fn dropped_work_frees_its_child_at_once() {
    let pool = pool(&misbehaving_child(), 1);
    let run = pool.run(work(b"hang")).await;
    let next = work(b"work 4");
    drop(run);
    let next = tokio::time::timeout(Duration::from_secs(5), pool.run(next)).await.expect("the child is still held");
    all(next).await.1.unwrap();
}

#[tokio::test]
async fn a_lie_is_found_out() {
    let output = |index: &str, place: &str, size: &str| {
        format!(r#"say {{"report":"output","index":{index},{place},{size},"description":null}}"#)
    };
    let (here, small) = (r#""offset":0,"len":12"#, r#""width":1,"height":1"#);
    let lies = [
        "say not JSON".to_owned(),
        "say-much 65537".to_owned(),
        r#"say {"report":"ready"}"#.to_owned(),
        r#"say {"report":"promise"}"#.to_owned(),
        format!(r#"work 3{}say {{"report":"done","description":{DESCRIPTION}}}"#, '\n'),
        r#"say {"report":"failed","reason":"original-lost","detail":""}"#.to_owned(),
        output("4", here, small),
        output("-1", here, small),
        format!("work 1\n{}", output("0", here, small)),
        output("0", here, r#""width":161,"height":1"#),
        output("0", here, r#""width":0,"height":1"#),
        output("0", r#""offset":67108860,"len":12"#, small),
        output("0", r#""offset":18446744073709551615,"len":12"#, small),
        output("0", r#""offset":0,"len":18446744073709551615"#, small),
        output("0", r#""offset":0,"len":0"#, small),
        output("0", r#""offset":4096,"len":12"#, small),
        r#"say {"report":"done","description":{"width":1,"height":1,"placeholder":"","frames":1,"alpha":false}}"#
            .to_owned(),
    ];
    let pool = pool(&misbehaving_child(), 1);
    for lie in lies {
        let failure = outcome(&pool, &format!("shrink\n{lie}\nhang")).await.unwrap_err();
        assert!(matches!(failure, PixelFailure::Lied(_)), "{lie}: {failure}");
        assert_eq!(failure.reason(), Reason::ChildDied);
    }
    assert_eq!(outcome(&pool, "work 4").await.unwrap(), 4);
}

#[tokio::test]
async fn a_child_that_dies_between_two_files_costs_neither() {
    let pool = pool(&misbehaving_child(), 1);
    // Each is given to a child that is just going, or gone, or to its successor.
    for _ in 0..20 {
        assert_eq!(outcome(&pool, "work 4\nexit 0").await.unwrap(), 4);
    }
}

/// Which process has the next file: it says so in place of a width.
async fn pid(pool: &Pool) -> u32 {
    all(pool.run(work(b"name-itself")).await).await.1.unwrap().width
}

#[tokio::test]
async fn a_child_is_replaced_after_so_many_files_and_not_before() {
    let pool = Pool::start(&misbehaving_child(), NonZeroUsize::MIN, 2, PixelsConfig::default()).unwrap();
    let first = pid(&pool).await;
    assert_eq!(pid(&pool).await, first);
    assert_eq!(outcome(&pool, "work 4").await.unwrap(), 4);
    let second = pid(&pool).await;
    let third = pid(&pool).await;
    assert!(first != second && second != third, "{first}, {second}, {third}");
    assert_eq!(pid(&pool).await, third);
}

#[tokio::test]
async fn a_child_that_refused_a_file_is_replaced() {
    let pool = pool(&misbehaving_child(), 1);
    for reason in ["unsupported-type", "unsupported-output", "too-many-pixels", "damaged", "too-costly", "internal"] {
        let before = pid(&pool).await;
        assert_eq!(pid(&pool).await, before);
        let refused = format!(r#"say {{"report":"failed","reason":"{reason}","detail":""}}"#);
        let failure = outcome(&pool, &refused).await.unwrap_err();
        assert!(matches!(&failure, PixelFailure::Refused { .. }), "{failure}");
        assert_eq!(failure.reason().as_str(), reason);
        assert_ne!(pid(&pool).await, before, "{reason}");
    }
}

#[tokio::test]
async fn words_of_a_refusal_have_a_bound() {
    let pool = pool(&misbehaving_child(), 1);
    let words = "ä".repeat(5_000);
    let file = format!(r#"say {{"report":"failed","reason":"damaged","detail":"{words}"}}"#);
    let failure = outcome(&pool, &file).await.unwrap_err();
    assert!(
        matches!(&failure, PixelFailure::Refused { reason: Reason::Damaged, detail } if detail.chars().count() == 300)
    );
    assert_eq!(outcome(&pool, "work 4").await.unwrap(), 4);
}

#[test]
fn a_pool_without_children_does_not_start() {
    let start = |program: &str| {
        let command = ChildCommand { program: program.into(), args: Vec::new() };
        Pool::start(&command, NonZeroUsize::MIN, 1, PixelsConfig::default()).unwrap_err()
    };
    assert!(matches!(start("/nowhere/heim-worker"), PoolError::Child(StartError::Spawn(_))));
    assert!(matches!(start("/bin/true"), PoolError::Child(StartError::Ended(_))));
}

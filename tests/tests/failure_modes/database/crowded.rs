//! More ask at once than there are connections, or one row is held.

use super::answered_within;
use futures_util::future::join_all;
use heim_common::wire::UploadHandle;
use heim_tests::{
    client::{Client, Entrance},
    fleet::Fleet,
    load::{Accepted, assert_kept, assert_stored, bmp},
    sql::{Locked, sql},
    truth,
    web::{Answer, Web},
};
use std::time::{Duration, Instant};

/// How long a statement, or a connection, is waited for.
const TIMEOUT_MS: u64 = 2_000;
const HELD_MS: u64 = 1_000;
/// Handles that one agent asks for without being slowed down.
const HANDLES_EACH: usize = 25;

async fn handles(base: &str, agents: usize) -> Vec<UploadHandle> {
    let agent = async |_| {
        let client = Client::join(base, "welcome", Entrance::aware()).await;
        let mut handles = Vec::new();
        for _ in 0..HANDLES_EACH {
            handles.push(client.upload_handle().await);
        }
        handles
    };
    join_all((0..agents).map(agent)).await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f44_five_hundred_clients_at_five_connections_wait_a_while_and_no_longer() {
    let fleet =
        Fleet::with(1, 0, &[("database.pool_max", "5"), ("database.timeout_ms", &TIMEOUT_MS.to_string())]).await;
    let mut waiting: Vec<_> = handles(fleet.base(0), 20).await.into_iter().zip(0..).collect();
    assert_eq!(waiting.len(), 500);
    let web = Web::default();
    let all = async |those: &[(UploadHandle, u32)]| {
        let begun = Instant::now();
        let one = async |(handle, number): &(UploadHandle, u32)| {
            let answer = web.upload(handle, bmp(*number)).await;
            (answer, begun.elapsed())
        };
        join_all(those.iter().map(one)).await
    };
    let mut longest = Duration::ZERO;
    let mut sort = |answers: Vec<(Answer, Duration)>, waiting: Vec<(UploadHandle, u32)>| {
        let (mut left, mut accepted) = (Vec::new(), Vec::new());
        for ((answer, time), (handle, number)) in answers.into_iter().zip(waiting) {
            longest = longest.max(time);
            assert!(time < answered_within(TIMEOUT_MS), "{time:?}: {answer:?}");
            if answer.status == 201 {
                accepted.push(Accepted { id: handle.id, bytes: bmp(number), tries: 1 });
            } else {
                assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
                assert_eq!(answer.header("retry-after"), "1");
                left.push((handle, number));
            }
        }
        (left, accepted)
    };

    // All connections wait for somebody who holds the table.
    let holder = Locked::in_postgres(fleet.database_url(), "LOCK TABLE media_object").await;
    let answers = all(&waiting).await;
    let (left, mut accepted) = sort(answers, waiting);
    assert!(accepted.is_empty() && left.len() == 500, "{}", left.len());
    assert_eq!(web.get(&format!("{}/healthz", fleet.base(0))).await.status, 200);
    holder.release().await;

    // Nobody holds anything: whoever comes again is served, if not the first time.
    waiting = left;
    let mut rounds = 0;
    while !waiting.is_empty() {
        rounds += 1;
        assert!(rounds <= 20, "{} of 500 were refused again and again", waiting.len());
        let answers = all(&waiting).await;
        let (left, more) = sort(answers, waiting);
        accepted.extend(more);
        waiting = left;
    }
    assert_eq!(accepted.len(), 500);
    println!("f44: answered after {longest:?} at the most, in {rounds} rounds and one without a connection");
    assert_stored(&fleet.database().await, &fleet.store(), &accepted).await;
    // There is no worker, and the end of the fleet looks for jobs that were left.
    sql(fleet.database_url(), "UPDATE job SET state = 'done'").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f45_only_the_media_object_waits_whose_row_is_held() {
    let fleet = Fleet::with(1, 1, &[("database.timeout_ms", &HELD_MS.to_string())]).await;
    let handles = handles(fleet.base(0), 1).await;
    let (held, others) = handles.split_first().expect("there are some");
    let row = format!("SELECT 1 FROM media_object WHERE id = {} FOR UPDATE", held.id.as_i64());
    let holder = Locked::in_postgres(fleet.database_url(), &row).await;
    let web = Web::default();
    let (begun, mut accepted) = (Instant::now(), Vec::new());
    let refused = async {
        let answer = web.upload(held, bmp(0)).await;
        (answer, begun.elapsed())
    };
    let served = async {
        for (handle, number) in others.iter().zip(1..) {
            let answer = web.upload(handle, bmp(number)).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            accepted.push(Accepted { id: handle.id, bytes: bmp(number), tries: 1 });
        }
        begun.elapsed()
    };
    let ((answer, waited), others_took) = tokio::join!(refused, served);
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    assert!(waited < answered_within(HELD_MS), "{waited:?}");
    // One after the other, all of them are through before the first wait is over
    // that each would have had to sit out behind the held row.
    assert!(others_took < Duration::from_secs(24), "{others_took:?}");
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &fleet.store(), &accepted).await;
    holder.release().await;
    assert_eq!(web.upload(held, bmp(0)).await.status, 201);
}

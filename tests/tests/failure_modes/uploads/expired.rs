//! Upload handles that expire: unused, and while they are used.

use crate::worker::job::events;
use heim_common::{Millis, job::Reason, media::MediaState, wire::UploadHandle};
use heim_db::Database;
use heim_tests::{
    client::Client,
    fleet::Fleet,
    load::bmp,
    numbers::Numbers,
    pair::Pair,
    process::Process,
    raw::{Raw, upload_head},
    sharing::NAMES,
    sql::number,
    sweeping::leftovers,
    until::until,
    web::Web,
};

/// How long an upload may take: so long after its end a handle is swept.
const UPLOAD_S: i64 = 4;
const SHORT: [(&str, &str); 4] = [
    ("limits.upload_handle_s", "2"),
    ("limits.body_timeout_ms", "4000"),
    ("limits.body_idle_timeout_ms", "4000"),
    ("limits.body_rate_min", "1"),
];

/// Waits until it was so long ago that the handles expired, to the millisecond: they
/// say the second in which that is.
async fn expired(database: &Database, handles: &[UploadHandle], seconds: i64) {
    let last = 1 + handles.iter().map(|handle| handle.expires).max().expect("there are some");
    until("the handles have expired", async || {
        let Millis(now) = database.now().await.expect("the database answers");
        (now > (last + seconds) * 1000).then_some(())
    })
    .await;
}

async fn refused(handles: &[UploadHandle]) {
    let web = Web::default();
    for handle in handles {
        assert_eq!(web.upload(handle, bmp(1)).await.refusal(), (403, "handle-expired".to_owned()));
    }
}

/// How often somebody has heard that there will be no picture.
fn heard(client: &Client, handle: &UploadHandle) -> usize {
    client.heard.media_events(handle.id).len()
}

/// How many handles a coordinator has swept.
async fn swept(coordinator: &Process) -> f64 {
    Numbers::of(&coordinator.ready).await.sum("heim_swept_total", &[("what", "handle")]).unwrap_or(0.0)
}

#[tokio::test]
async fn f77_handles_that_expire_unused_are_refused_and_swept_once_and_not_one_that_is_in_use() {
    let fleet = Fleet::with(2, 1, &SHORT).await;
    let (pair, database) = (Pair::enter(&fleet, "welcome").await, fleet.database().await);
    let handles = pair.uploader.upload_handles(7).await;
    let (unused, late) = (&handles[..6], &handles[6]);
    let (shown, unseen) = unused.split_at(3);
    let ids: Vec<_> = shown.iter().chain([late]).map(|handle| handle.id).collect();
    pair.uploader.send("look", &ids).await;
    let picture = bmp(2);
    let mut raw = Raw::connect(&late.url).await;
    raw.write(upload_head(late, &[("Content-Length", &picture.len().to_string())])).await;
    let (last, first) = picture.split_last().expect("it is not empty");
    raw.write(first).await;
    expired(&database, &handles, 0).await;
    refused(unused).await;
    raw.write([*last]).await;
    assert_eq!(raw.answer().await.map(|answer| answer.status), Some(201), "it began in time");
    expired(&database, &handles, UPLOAD_S).await;

    // Two that start at once begin with the same sweep.
    let start = || fleet.serving("127.0.0.1:0").start();
    let (one, two) = tokio::join!(start(), start());
    let left = "SELECT count(*) FROM media_object WHERE state = 'created'";
    until("they are swept", async || (number(fleet.database_url(), left).await == 0).then_some(())).await;
    for handle in shown {
        for client in [&pair.uploader, &pair.viewer] {
            until("everybody hears of it", async || (heard(client, handle) > 0).then_some(())).await;
            assert_eq!(client.media(handle.id).await.failure.as_deref(), Some(Reason::NeverUploaded.sentence()));
        }
    }
    let media = pair.see_it_ready(late.id).await;
    assert_eq!(media.state, MediaState::Ready);
    // What was said behind it is heard, so nothing comes any more that was before it.
    for handle in shown {
        assert_eq!((heard(&pair.uploader, handle), heard(&pair.viewer, handle)), (1, 1), "once");
        assert_eq!(events(&database, handle.id).await, 1);
    }
    // It may also have been time for those that were there before.
    let swept = until("they have counted", async || {
        let mut count = 0.0;
        for coordinator in fleet.coordinators.iter().chain([&one, &two]) {
            count += swept(coordinator).await;
        }
        (count > 5.5).then_some(count)
    })
    .await;
    assert!(swept < 6.5, "each by one of them: {swept}");
    refused(unused).await;
    assert_eq!(number(fleet.database_url(), "SELECT count(*) FROM media_object").await, 4, "{unseen:?} are gone");
    // Each coordinator tries the store now and then.
    let is_clean = async || (fleet.stored().len() == NAMES.len() && leftovers(&fleet).await.is_empty()).then_some(());
    until("the store has the picture, and nothing else", is_clean).await;
}

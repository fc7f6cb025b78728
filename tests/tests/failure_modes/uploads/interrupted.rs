//! Clients that vanish in the middle of an upload.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    raw::{Raw, upload_head},
    s3::S3,
    sharing::{finished, share_accepted},
    standalone::Standalone,
    truth,
    until::until,
    usage::{open_files, open_sockets},
    web::Web,
};
use std::time::{Duration, Instant};

const PART_BYTES: usize = 1 << 20;
const STEP_BYTES: usize = 64 << 10;
/// How soon everything is given back.
const SOON: Duration = Duration::from_secs(1);

/// What an upload that is under way holds: files of the store, and sockets.
fn held(heim: &Standalone) -> (usize, usize) {
    let store = heim.store();
    let files = open_files(&heim.process).iter().filter(|file| file.starts_with(&store)).count();
    (files, open_sockets(&heim.process))
}

#[tokio::test]
async fn f20_a_client_that_disconnects_in_mid_upload_leaves_nothing() {
    let heim = Standalone::start().await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let warm = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    finished(&ana, warm).await;
    let (kept, before) = (heim.stored(), heim.database().await.snapshot().await.unwrap());
    let handle = ana.upload_handle().await;
    let photo = corpus::read(corpus::PHOTO);
    let (_, sockets) = held(&heim);
    let mut took = Vec::new();
    for sent in (STEP_BYTES..photo.len()).step_by(STEP_BYTES) {
        let mut raw = Raw::connect(heim.base()).await;
        raw.write(upload_head(&handle, &[("Content-Length", &photo.len().to_string())])).await;
        assert!(raw.write(&photo[..sent]).await, "the server takes what comes");
        // The first part is written when it is whole.
        let files = usize::from(sent >= 3 * PART_BYTES);
        until("the upload is under way", async || {
            let (open, now) = held(&heim);
            (open >= files && now > sockets).then_some(())
        })
        .await;
        let cut = Instant::now();
        raw.cut();
        until("its files and its socket are closed", async || {
            let (files, now) = held(&heim);
            (files == 0 && now <= sockets).then_some(())
        })
        .await;
        took.push(cut.elapsed());
        until("nothing of it is in the store", async || (heim.stored() == kept).then_some(())).await;
    }
    took.sort();
    let (typical, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{} cuts: closed after {typical:?} in half of them, after {longest:?} at last", took.len());
    assert!(typical <= SOON && longest <= 5 * SOON, "{took:?}");
    let rows = truth::rows(&heim.database().await).await;
    assert_eq!(rows.lines().count(), before.lines().count() + 1, "only that of the handle: {rows}");
    assert_eq!(Web::default().upload(&handle, photo).await.status, 201, "the handle is as good as new");
    ana.send("at last", &[handle.id]).await;
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
}

/// Behind the first part, before and behind the end of the second, and before the end.
const IN_PARTS: [usize; 5] = [6 << 20, 7 << 20, 8 << 20, 9 << 20, 10_124_000];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_a_client_that_disconnects_in_mid_upload_leaves_no_parts_in_a_bucket() {
    let s3 = S3::start();
    let own = S3::settings("heim", s3.port());
    let settings: Vec<_> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let heim = Standalone::with(&settings).await;
    let ana = Client::enter(heim.base(), "welcome", Entrance::aware(), "ana").await;
    let (handle, large) = (ana.upload_handle().await, corpus::read(corpus::LARGE));
    let mut took = Vec::new();
    for sent in IN_PARTS.into_iter().cycle().take(2 * IN_PARTS.len()) {
        let mut raw = Raw::connect(heim.base()).await;
        raw.write(upload_head(&handle, &[("Content-Length", &large.len().to_string())])).await;
        assert!(raw.write(&large[..sent]).await, "the server takes what comes");
        until("an upload in parts is begun", async || (!s3.unfinished().is_empty()).then_some(())).await;
        let cut = Instant::now();
        raw.cut();
        until("it is aborted", async || s3.unfinished().is_empty().then_some(())).await;
        took.push(cut.elapsed());
    }
    took.sort();
    let (typical, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("f20: {} cuts: aborted after {typical:?} in half of them, after {longest:?} at last", took.len());
    assert!(typical <= SOON && longest <= 5 * SOON, "{took:?}");
    assert!(s3.objects().is_empty(), "{:?}", s3.objects());
    assert_eq!(Web::default().upload(&handle, large).await.status, 201, "the handle is as good as new");
    ana.send("at last", &[handle.id]).await;
    assert_eq!(finished(&ana, handle.id).await.state, MediaState::Ready);
}

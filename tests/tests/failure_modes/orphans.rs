//! What crashes leave behind in the store is found and removed.

use heim_common::{MediaId, job::Reason, media::MediaState, wire::UploadHandle};
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    raw::{Raw, upload_head},
    s3::S3,
    sharing::{NAMES, finished, share_accepted},
    sql::{number, sql},
    stored, truth,
    until::until,
    web::{Answer, Web},
};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Kills of F16, on each store.
const KILLS: usize = 10;
/// Sweeps every second, of what is a few seconds old. No upload may take longer.
const SOON: [(&str, &str); 5] = [
    ("retention.orphans_s", "1"),
    ("retention.orphans_kept_s", "6"),
    ("retention.unfinished_kept_s", "6"),
    ("limits.body_timeout_ms", "5000"),
    ("limits.body_idle_timeout_ms", "5000"),
];

/// A sweep every second, that removes nothing before it is a day old; and an
/// upload may stand still for as long as the test looks at it.
const PATIENT: [(&str, &str); 3] =
    [("retention.orphans_s", "1"), ("limits.body_idle_timeout_ms", "300000"), ("limits.body_rate_min", "1")];

fn random(below: usize) -> usize {
    let drawn = RandomState::new().build_hasher().finish() % (below as u64);
    usize::try_from(drawn).expect("it is below a usize")
}

async fn enter(fleet: &Fleet, coordinator: usize) -> Client {
    Client::enter(fleet.base(coordinator), "welcome", Entrance::aware(), "ana").await
}

/// Everything in the store: objects, what is unfinished, and empty folders.
fn everything(fleet: &Fleet, s3: Option<&S3>) -> Vec<String> {
    match s3 {
        Some(s3) => {
            [s3.objects(), s3.unfinished().into_iter().map(|(key, id)| format!("{key}#{id}")).collect()].concat()
        }
        None => [fleet.stored(), stored::empty_folders(&fleet.store())].concat(),
    }
}

/// Waits until the store holds what the rows name, and no more.
async fn becomes_clean(fleet: &Fleet, s3: Option<&S3>, accepted: usize) {
    until("nothing is in the store that no row names", async || {
        (everything(fleet, s3).len() == accepted * NAMES.len()).then_some(())
    })
    .await;
    let named = number(fleet.database_url(), "SELECT count(*) FROM media_transcoding").await;
    assert_eq!(usize::try_from(named).expect("few"), accepted * NAMES.len());
    let prefix = if s3.is_some() { "fleet/" } else { "" };
    let named = sql(fleet.database_url(), "SELECT uri FROM media_transcoding").await;
    let mut named: Vec<_> = named.lines().map(|uri| format!("{prefix}{uri}")).collect();
    named.sort();
    let mut there = everything(fleet, s3);
    there.sort();
    assert_eq!(there, named);
}

/// Begins an upload and sends so much of it. The answer is not waited for.
async fn begin(handle: &UploadHandle, bytes: &[u8], sent: usize) -> Raw {
    let mut raw = Raw::connect(&handle.url).await;
    assert!(raw.write(upload_head(handle, &[("Content-Length", &bytes.len().to_string())])).await);
    // A killed server takes no more.
    let _ = raw.write(&bytes[..sent]).await;
    raw
}

async fn reads_back(client: &Client, id: MediaId, bytes: &[u8]) {
    let media = client.media(id).await;
    assert_eq!(media.state, MediaState::Ready, "{media:?}");
    let url = &media.transcodings.get(&"original".parse().expect("a name")).expect("it is there").url;
    assert!(Web::default().get(url).await.body == bytes, "{id}: as it was uploaded");
}

async fn killed_at_random_bytes(s3: Option<&S3>, picture: &str) {
    let own = s3.map(|s3| S3::settings("fleet", s3.port())).unwrap_or_default();
    let settings: Vec<_> = own.iter().map(|(key, value)| (*key, value.as_str())).chain(SOON).collect();
    let mut fleet = Fleet::with(2, 1, &settings).await;
    let (large, small) = (corpus::read(picture), corpus::read(corpus::SMALL));
    let steady = enter(&fleet, 0).await;
    let mut accepted = Vec::new();
    for _ in 0..KILLS {
        let ana = enter(&fleet, 1).await;
        let handle = ana.upload_handle().await;
        let sent = random(large.len());
        let mut raw = begin(&handle, &large, sent).await;
        fleet.coordinators[1].kill9().await;
        assert!(raw.closed().await.is_empty(), "killed after {sent} bytes: the client sees a cut");
        let row =
            sql(fleet.database_url(), &format!("SELECT state FROM media_object WHERE id = {}", handle.id.as_i64()))
                .await;
        assert_eq!(row, "created", "killed after {sent} bytes");
        fleet.replace_coordinator(1).await;
        accepted.push(share_accepted(&steady, small.clone()).await);
    }
    for id in &accepted {
        assert_eq!(finished(&steady, *id).await.state, MediaState::Ready);
    }
    becomes_clean(&fleet, s3, accepted.len()).await;
    for id in accepted {
        reads_back(&steady, id, &small).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_coordinator_killed_at_random_bytes_of_an_upload_leaves_nothing_in_a_folder() {
    killed_at_random_bytes(None, corpus::PHOTO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_coordinator_killed_at_random_bytes_of_an_upload_leaves_nothing_in_a_bucket() {
    killed_at_random_bytes(Some(&S3::start()), corpus::LARGE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_a_coordinator_killed_between_object_and_commit_leaves_an_object_that_is_removed() {
    let mut fleet = Fleet::with(1, 1, &SOON).await;
    let doomed = fleet.serving("127.0.0.1:0").failpoints("upload-stored=kill").start().await;
    fleet.coordinators.push(doomed);
    let small = corpus::read(corpus::SMALL);
    let ana = enter(&fleet, 1).await;
    let mut handle = ana.upload_handle().await;
    let mut raw = begin(&handle, &small, small.len()).await;
    assert!(raw.closed().await.is_empty(), "no answer");
    fleet.coordinators[1].ended().await;
    let orphans = fleet.stored();
    assert!(matches!(&orphans[..], [orphan] if orphan.contains("/original.")), "{orphans:?}");
    // The handle is as good as before, and what it brings is not mixed with that.
    handle.url = handle.url.replace(fleet.base(1), fleet.base(0));
    let same = Entrance { cookie: Some(ana.cookie()), ..Entrance::aware() };
    let steady = Client::enter(fleet.base(0), "welcome", same, "ana").await;
    steady.send("look", &[handle.id]).await;
    let Answer { status, .. } = Web::default().upload(&handle, small.clone()).await;
    assert_eq!(status, 201);
    truth::settled(&fleet.database().await).await;
    becomes_clean(&fleet, None, 1).await;
    assert!(!fleet.stored().contains(&orphans[0]));
    reads_back(&steady, handle.id, &small).await;
    let metrics = Web::default().get(&format!("{}/metrics", fleet.base(0))).await;
    let metrics = String::from_utf8(metrics.body).expect("metrics are text");
    assert!(metrics.contains("heim_store_removed_total{state=\"orphaned\"} 1"), "{metrics}");
}

/// Notes a leftover as one that was first seen long ago.
async fn known_for_long(fleet: &Fleet, name: &str) {
    let note = format!(
        "INSERT INTO stray (name, kind, seen, looked) VALUES ('{name}', 'unfinished', 0, 0)
        ON CONFLICT (name) DO UPDATE SET seen = 0"
    );
    sql(fleet.database_url(), &note).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f63_files_of_unfinished_writes_go_after_a_day_and_no_live_one() {
    let fleet = Fleet::with(1, 1, &PATIENT).await;
    let photo = corpus::read(corpus::PHOTO);
    let ana = enter(&fleet, 0).await;
    let folder = fleet.store().join("media/0c1ofy/0c1ofy7941g5c");
    std::fs::create_dir_all(folder.join("empty")).expect("the store's folder is there");
    for name in ["original.0c1ofy7941g5d#1", "thumb-160.v1#12", "thumb-320.v1#1"] {
        std::fs::write(folder.join(name), "half of a pict").expect("a file can be written");
    }
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    let mut live = begin(&handle, &photo, photo.len() - 1).await;
    let is_live = |name: &&String| name.contains(&handle.id.to_string()) && name.contains('#');
    until("the live one is written", async || fleet.stored().iter().find(is_live).map(|_| ())).await;
    let old = ["original.0c1ofy7941g5d#1", "thumb-160.v1#12", "empty/"];
    for name in old {
        known_for_long(&fleet, &format!("media/0c1ofy/0c1ofy7941g5c/{name}")).await;
    }
    until("the old ones are gone", async || old.iter().all(|name| !folder.join(name).exists()).then_some(())).await;
    let noted = "SELECT count(*) FROM stray WHERE kind = 'unfinished'";
    until("the fresh and the live one are noted", async || {
        (number(fleet.database_url(), noted).await == 2).then_some(())
    })
    .await;
    assert!(folder.join("thumb-320.v1#1").exists(), "it is fresh");
    assert!(live.write(&photo[photo.len() - 1..]).await);
    assert_eq!(live.answer().await.expect("an answer").status, 201);
    finished(&ana, handle.id).await;
    reads_back(&ana, handle.id, &photo).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f63_uploads_in_parts_go_after_a_day_and_no_live_one() {
    let s3 = S3::start();
    let own = S3::settings("fleet", s3.port());
    let settings: Vec<_> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let settings = [&settings[..], &PATIENT].concat();
    let mut fleet = Fleet::with(2, 1, &settings).await;
    let large = corpus::read(corpus::LARGE);
    let mut left = Vec::new();
    // More than there are in one page of the server's listing.
    for _ in 0..4 {
        let handle = enter(&fleet, 1).await.upload_handle().await;
        let _raw = begin(&handle, &large, 6 << 20).await;
        let begun = |(key, _): &&(String, String)| key.contains(&handle.id.to_string());
        left.push(until("an upload in parts is begun", async || s3.unfinished().iter().find(begun).cloned()).await);
        fleet.coordinators[1].kill9().await;
        fleet.replace_coordinator(1).await;
    }
    let ana = enter(&fleet, 0).await;
    let handle = ana.upload_handle().await;
    ana.send("look", &[handle.id]).await;
    let mut live = begin(&handle, &large, 6 << 20).await;
    until("the live one is begun", async || (s3.unfinished().len() == 5).then_some(())).await;
    let fresh = left.pop().expect("four");
    for (key, id) in &left {
        known_for_long(&fleet, &format!("{}#{id}", key.strip_prefix("fleet/").expect("the prefix"))).await;
    }
    until("the old ones are gone", async || (s3.unfinished().len() == 2).then_some(())).await;
    assert!(s3.unfinished().contains(&fresh), "it is fresh");
    assert!(live.write(&large[6 << 20..]).await);
    assert_eq!(live.answer().await.expect("an answer").status, 201);
    finished(&ana, handle.id).await;
    reads_back(&ana, handle.id, &large).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f58_a_thumbnail_that_is_missing_is_made_again_and_a_missing_original_is_said() {
    let fleet = Fleet::with(2, 1, &SOON).await;
    let small = corpus::read(corpus::SMALL);
    let ana = enter(&fleet, 0).await;
    let id = share_accepted(&ana, small.clone()).await;
    let before = finished(&ana, id).await;
    let key = |part: &str| {
        let found = fleet.stored().into_iter().find(|file| file.contains(&id.to_string()) && file.contains(part));
        fleet.store().join(found.unwrap_or_else(|| panic!("{part} is there")))
    };
    let thumb = key("/thumb-160.");
    std::fs::remove_file(&thumb).expect("it is there");
    let url = &before.transcodings.get(&"thumb-160".parse().expect("a name")).expect("it was made").url;
    assert_eq!(Web::default().get(url).await.status, 404);
    until("it is made again", async || thumb.exists().then_some(())).await;
    until("it is ready again", async || (ana.media(id).await.state == MediaState::Ready).then_some(())).await;
    truth::settled(&fleet.database().await).await;
    reads_back(&ana, id, &small).await;

    std::fs::remove_file(key("/original.")).expect("it is there");
    let failed = until("the room is told", async || {
        let media = ana.media(id).await;
        (media.state == MediaState::Failed).then_some(media)
    })
    .await;
    assert_eq!(failed.failure.as_deref(), Some(Reason::OriginalLost.sentence()), "{failed:?}");
    let url = &before.transcodings.get(&"original".parse().expect("a name")).expect("it was there").url;
    assert_eq!(Web::default().get(url).await.refusal(), (404, "media-not-found".to_owned()));
    let kept = ana.media(id).await;
    assert_eq!(
        Web::default()
            .get(&kept.transcodings.get(&"thumb-160".parse().expect("a name")).expect("it is").url)
            .await
            .status,
        200
    );
    let events = format!("SELECT count(*) FROM event WHERE media_id = {}", id.as_i64());
    let told = number(fleet.database_url(), &events).await;
    assert_eq!(told, 5 + 1 + 1, "each once, the thumbnail twice, and the loss once");
    // It is missed for as long as a row says that it is there.
    let missed = "SELECT count(*) FROM stray WHERE kind = 'missing'";
    assert_eq!(number(fleet.database_url(), missed).await, 1);
    sql(fleet.database_url(), &format!("UPDATE media_object SET gone = 1 WHERE id = {}", id.as_i64())).await;
    until("it is missed no more", async || (number(fleet.database_url(), missed).await == 0).then_some(())).await;
}

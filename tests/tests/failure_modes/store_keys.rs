//! The keys of the object store are changed, or hold no more.

use heim_common::media::MediaState;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    load::{Load, assert_kept},
    s3::{ACCESS_KEY, S3, SECRET_KEY},
    sharing::{finished, share, share_accepted},
    truth,
    until::until,
    web::Web,
};
use std::{fs, path::Path};

const SECOND: (&str, &str) = ("second-key-of-a-test", "second secret of the test's bucket");
const THIRD: (&str, &str) = ("third-key-of-a-test", "third secret of the test's bucket");

/// Writes a file of keys beside the old one and moves it into its place.
fn write(file: &Path, (id, secret): (&str, &str)) {
    let new = file.with_extension("new");
    let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    fs::write(&new, text).and_then(|()| fs::rename(&new, file)).expect("a temp folder can be written to");
}

/// A fleet whose coordinator and worker have their keys from one file.
async fn keyed_by(file: &Path, s3: &S3) -> Fleet {
    write(file, (ACCESS_KEY, SECRET_KEY));
    let file = file.to_str().expect("temp folders have plain names");
    let own = S3::settings("fleet", s3.port()).into_iter().filter(|(key, _)| !key.ends_with("_key"));
    let own: Vec<_> = own.collect();
    let settings = own.iter().map(|(key, value)| (*key, value.as_str()));
    let settings: Vec<_> = settings.chain([("store.credentials_file", file)]).collect();
    Fleet::with(1, 1, &settings).await
}

async fn more(load: &Load, count: usize) {
    let before = load.accepted();
    until("uploads are accepted", async || (load.accepted() >= before + count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f62_keys_that_are_changed_under_load_fail_no_upload_and_no_job() {
    let (s3, folder) = (S3::start(), tempfile::tempdir().expect("a temp folder can be made"));
    let file = folder.path().join("keys");
    let fleet = keyed_by(&file, &s3).await;
    let load = Load::start(2, &[fleet.base(0)]);
    for ((before, _), after) in [((ACCESS_KEY, SECRET_KEY), SECOND), (SECOND, THIRD)] {
        more(&load, 5).await;
        s3.accept_keys(after.0, after.1);
        write(&file, after);
        // In the same moment: nobody has looked at the file yet.
        s3.revoke_keys(before);
        more(&load, 10).await;
    }
    let told = load.end().await;
    assert!(told.refused.is_empty() && told.errors.is_empty(), "{:?} {:?}", told.refused, told.errors);
    assert!(told.accepted.iter().all(|accepted| accepted.tries == 1) && told.unanswered == 0);
    let database = fleet.database().await;
    truth::settled(&database).await;
    assert_kept(&database, &s3.path("fleet"), &told.accepted).await;
    let seen = s3.seen();
    let refused = seen.iter().filter(|seen| seen.status == 403).count();
    println!("f62: {} uploads, {refused} of {} requests refused and sent once more", told.accepted.len(), seen.len());
    assert!(refused > 0 && seen.iter().all(|seen| seen.status != 403 || seen.key() != THIRD.0));
    assert!(fleet.coordinators[0].log().contains("the file of the store's keys has changed"));
    assert!(fleet.workers[0].log().contains("the file of the store's keys has changed"));
}

#[tokio::test]
async fn f62_keys_that_hold_no_more_are_503_until_the_file_has_others() {
    let (s3, folder) = (S3::start(), tempfile::tempdir().expect("a temp folder can be made"));
    let file = folder.path().join("keys");
    let fleet = keyed_by(&file, &s3).await;
    let ana = Client::enter(fleet.base(0), "welcome", Entrance::aware(), "ana").await;
    s3.revoke_keys(ACCESS_KEY);
    // Half of the next file is no keys.
    fs::write(&file, "[default]\naws_access_key_id = x\n").expect("it can be written");
    let (_, answer) = share(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(answer.refusal(), (503, "unavailable".to_owned()));
    let ready = async |status| {
        let url = format!("{}/readyz", fleet.base(0));
        until("it says so", async || (Web::default().get(&url).await.status == status).then_some(())).await;
    };
    ready(503).await;
    let log = fleet.coordinators[0].log();
    assert!(log.contains("the file of the store's keys is of no use") && !log.contains(SECRET_KEY), "{log}");
    s3.accept_keys(SECOND.0, SECOND.1);
    write(&file, SECOND);
    let id = share_accepted(&ana, corpus::read(corpus::SMALL)).await;
    assert_eq!(finished(&ana, id).await.state, MediaState::Ready);
    ready(200).await;
}

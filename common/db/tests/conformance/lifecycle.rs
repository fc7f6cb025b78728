//! Opening and migrating, and the whole life of a media object as text.

use crate::{
    given::{ATTEMPTS, LEASE, at_once, claimed, description, job_id, registration},
    place::{on_both, race},
};
use heim_common::job::Verdict;
use heim_db::{Database, DatabaseConfig, DbError, Finished, Registered, Registration};

on_both! {
    async fn migrating_again_and_at_once_is_harmless(place: &Place) {
        race(place, 8, |db, _| async move { db.migrate().await.unwrap() }).await;
        assert!(place.pending_migrations().await.unwrap().is_empty());
    }

    async fn ping_and_clock_answer(place: &Place) {
        place.ping().await.unwrap();
        place.lease_number("era", LEASE).await.unwrap();
        place.ping().await.unwrap();
        let (before, after) = (place.now().await.unwrap(), place.now().await.unwrap());
        assert!(before <= after && before.0 > 1_700_000_000_000, "{before:?} {after:?}");
    }

    async fn the_life_of_a_media_object_reads_like_this(place: &Place) {
        let claim = claimed(place, 1, "welcome", LEASE).await;
        let lease = Some((job_id(1), claim.fence));
        let described = Some(description());
        let first = Registration { lease, description: described, ..registration(1, "welcome", 0, 1) };
        let second = Registration { lease, ..registration(1, "welcome", 1, 1) };
        assert_eq!(place.transcoding_register(&first).await.unwrap(), Registered::New { seq: 2 });
        assert_eq!(place.transcoding_register(&second).await.unwrap(), Registered::New { seq: 3 });
        let finished = place.job_finish(job_id(1), claim.fence, Verdict::Done, &ATTEMPTS, &at_once).await.unwrap();
        assert_eq!(finished, Finished::Done);
        assert_eq!(
            place.snapshot().await.unwrap(),
            "\
media 1 welcome agent:anna ready image/jpeg 3000x4000 500/1000 uploaded digest placeholder color frames 1 alpha 0 at media/000000/0000000000001/original.0000000000001 told 3
transcoding 1 original v0 image/jpeg 4000x3000 500 at media/000000/0000000000001/original.0000000000001 told 1
transcoding 1 thumb-160 v1 image/webp 160x120 51 at media/000000/0000000000001/thumb-160.v1 told 2
transcoding 1 thumb-320 v1 image/webp 160x120 51 at media/000000/0000000000001/thumb-320.v1 told 3
job 1 transcode interactive welcome/1 done fence 1 failures 0 deaths 0 engine 1 worker worker finished
event 1 welcome/1 original
event 2 welcome/1 thumb-160
event 3 welcome/1 thumb-320
"
        );
    }
}

#[tokio::test]
async fn a_database_that_was_not_migrated_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("heim.db").display());
    let database = Database::connect(&DatabaseConfig { url, ..DatabaseConfig::default() }).await.unwrap();
    let pending = database.pending_migrations().await.unwrap();
    assert_eq!(pending.first().map(String::as_str), Some("m0001_rooms"));
    assert!(!database.ping().await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn urls_that_name_no_database_are_refused() {
    for url in
        ["", "heim.db", "mysql://localhost/heim", "sqlite:", "sqlite::memory:", "sqlite:a?mode=ro", "postgres:heim"]
    {
        let config = DatabaseConfig { url: url.to_owned(), ..DatabaseConfig::default() };
        let error = Database::connect(&config).await.unwrap_err();
        assert!(matches!(error, DbError::Url(_)), "{url}: {error:?}");
    }
}

//! A message or a room is deleted while its picture is on the way.

use heim_common::MediaId;
use heim_tests::{
    client::{Client, Entrance},
    corpus,
    keyed::Keyed,
    raw::{Raw, upload_head},
    sql::number,
    standalone::HOOKS,
    truth,
    until::until,
    web::{Web, answer},
};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const ROUNDS_MIN: usize = 12;
const ROUNDS_FOR: Duration = Duration::from_secs(20);

/// When it is deleted.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Before the first byte.
    Created,
    /// After this share of the bytes, in percent.
    Uploading(usize),
    /// When the upload was answered.
    Uploaded,
    /// When a worker has the job.
    Claimed,
    /// So long after the upload was answered.
    After(Duration),
}

const MOMENTS: [Moment; 8] = [
    Moment::Created,
    Moment::Uploading(10),
    Moment::Uploading(99),
    Moment::Uploaded,
    Moment::Claimed,
    Moment::After(Duration::from_millis(20)),
    Moment::After(Duration::from_millis(90)),
    Moment::After(Duration::from_millis(300)),
];

/// One picture that is deleted on its way, with its message or its whole room.
struct Round<'a> {
    keyed: &'a Keyed,
    room: String,
    of_room: bool,
    message: String,
    media: MediaId,
}

impl Round<'_> {
    async fn delete(&self) {
        if self.of_room {
            self.keyed.operator(0).delete_room(&self.room).await;
        } else {
            self.keyed.operator(0).delete_message(&self.room, &self.message).await;
        }
    }

    async fn count(&self, table: &str, which: &str) -> i64 {
        let statement = format!("SELECT count(*) FROM {table} WHERE {which} = {}", self.media.as_i64());
        number(self.keyed.fleet.database_url(), &statement).await
    }

    /// Nobody finds it any more, nobody works on it, nothing is stored of it,
    /// and whoever comes late with a transcoding is told so.
    async fn has_ended_deleted(&self) {
        until("it is gone", async || (self.count("media_object", "gone IS NULL AND id").await == 0).then_some(()))
            .await;
        assert_eq!(self.count("job", "media_id").await, 0, "nobody is to work on it");
        let told = self.count("event", "media_id").await;
        let hook = json!({ "media_id": self.media, "name": "thumb-160", "content_type": "image/webp", "size": 5 });
        let url = format!("{}/room/{}/media", self.keyed.base(0), self.room);
        let late = Web::default().request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1)).json(&hook);
        assert_eq!(answer(late).await.refusal(), (404, "media-not-found".into()));
        assert_eq!(self.count("event", "media_id").await, told, "a late hook registers nothing");
        let (of_this, stored) = (self.media.to_string(), || self.keyed.fleet.stored());
        until("its files are gone", async || (!stored().iter().any(|file| file.contains(&of_this))).then_some(()))
            .await;
    }
}

async fn round(keyed: &Keyed, number: usize, moment: Moment, picture: &[u8]) {
    let room = format!("pit{number}");
    let ana = Client::enter(keyed.base(0), &room, Entrance::aware(), "ana").await;
    let handle = ana.upload_handle().await;
    let said = ana.send("look", &[handle.id]).await;
    let message = said["id"].as_str().expect("an id").to_owned();
    let round = Round { keyed, room, of_room: number % 3 == 2, message, media: handle.id };

    let mut raw = Raw::connect(keyed.base(0)).await;
    let length = picture.len().to_string();
    assert!(raw.write(upload_head(&handle, &[("Content-Length", &length)])).await);
    let early = match moment {
        Moment::Created => Some(0),
        Moment::Uploading(percent) => Some(picture.len() * percent / 100),
        _ => None,
    };
    let there = early.unwrap_or(picture.len());
    assert!(raw.write(&picture[..there]).await);
    if early.is_some() {
        round.delete().await;
        // It may have been refused in the middle: then nobody reads the rest.
        raw.write(&picture[there..]).await;
        let status = raw.answer().await.map(|answer| answer.status);
        // A message's picture is given up by the sweep, which may come later.
        assert!(
            matches!(status, Some(404) | None) || (status == Some(201) && !round.of_room),
            "{moment:?}: {status:?}"
        );
    } else {
        let status = raw.answer().await.map(|answer| answer.status);
        assert_eq!(status, Some(201), "{moment:?}");
        match moment {
            Moment::Claimed => {
                let database = keyed.fleet.database().await;
                // It may be over by the time of the first look.
                until("a worker has it, or had it", async || {
                    let counts = database.jobs_outstanding().await.expect("the database answers");
                    (counts.running > 0 || counts.pending == 0).then_some(())
                })
                .await;
            }
            Moment::After(while_) => tokio::time::sleep(while_).await,
            _ => {}
        }
        round.delete().await;
    }
    round.has_ended_deleted().await;
}

#[tokio::test]
async fn f29_what_is_deleted_during_upload_or_transcoding_ends_deleted() {
    let settings = [("retention.sweep_ms", "100"), ("retention.deleted_s", "0")];
    let keyed = Keyed::with(1, 2, &settings).await;
    let picture = corpus::read(corpus::SLOW);
    let (began, mut rounds) = (Instant::now(), 0);
    while rounds < ROUNDS_MIN || began.elapsed() < ROUNDS_FOR {
        round(&keyed, rounds, MOMENTS[rounds % MOMENTS.len()], &picture).await;
        rounds += 1;
    }
    truth::settled(&keyed.fleet.database().await).await;
    // Workers that were still at one may have stored something since.
    until("the store is empty", async || keyed.fleet.stored().is_empty().then_some(())).await;
    for worker in &keyed.fleet.workers {
        assert!(!worker.log().contains("panicked"), "{}", worker.log());
    }
    eprintln!("{rounds} deletions");
}

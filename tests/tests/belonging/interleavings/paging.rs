//! A message that is in nobody's snapshot, and comes to light by a question while
//! its picture's transcodings are being registered: the answer may be older than
//! what was told before it.

use super::{
    heard::{What, told},
    schedule::Wish,
    sitting::{Comer, Sitting},
    stage::Stage,
};
use crate::vault::{agent, picture, turn};
use futures_util::future::join_all;
use heim_common::MediaId;
use heim_tests::{
    keyed::Keyed,
    sharing::{NAMES, THUMBNAILS, all_heard},
};
use serde_json::json;
use std::collections::BTreeSet;

const ROUNDS: usize = 12;
const VIEWERS: usize = 6;

async fn come(stage: &Stage, room: &str, name: &str, coordinator: usize) -> Sitting {
    let comer = Comer { name: name.to_owned(), coordinator, agent: None, wish: Wish::Aware, cookie: None };
    Sitting::take(stage, room, comer).await
}

/// What a session was shown of a media object, or heard of it afterwards.
fn knows(sitting: &Sitting, id: MediaId) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for told in told(&sitting.session) {
        match told.what {
            What::Message { media, .. } => names.extend(media.get(&id).into_iter().flatten().cloned()),
            What::Event { id: other, name } if other == id => assert!(names.insert(name), "{sitting:?}"),
            What::Event { .. } | What::Media { .. } => {}
        }
    }
    names
}

#[tokio::test]
async fn an_answer_that_is_older_than_an_event_is_followed_by_it() {
    let keyed = Keyed::start(2, 0).await;
    let stage = Stage::of(&keyed, false).await;
    for round in 0..ROUNDS {
        let room = stage.new_room().await;
        let ana = come(&stage, &room, "ana", round % 2).await;
        stage.operators[0].make_manager(&room, &agent(&ana.client).await).await;
        let handle = ana.client.upload_handle().await;
        assert_eq!(stage.web.upload(&handle, picture(0)).await.status, 201);
        let said = ana.client.send("hidden", &[handle.id]).await["id"].as_str().expect("an id").to_owned();
        let change = turn(&ana.client, &said, None, true).await;
        let names = (0..VIEWERS).map(|at| (at, format!("viewer {at}")));
        let viewers = join_all(names.map(async |(at, name)| come(&stage, &room, &name, at % 2).await)).await;
        let silently = json!({ "id": said, "previous_edit_id": change, "delete": false, "announce": false });
        ana.client.command("edit-message", silently).await;
        let asking = join_all(viewers.iter().enumerate().map(async |(at, viewer)| match at % 3 {
            0 => viewer.client.command("get-message", json!({ "id": said })).await,
            _ => viewer.client.command("log", json!({ "n": 10 })).await,
        }));
        let registering = join_all((0..).zip(THUMBNAILS).map(async |(at, (name, _))| {
            let answer = stage.register(at % 2, &room, handle.id, name, false).await;
            assert_eq!(answer.status, 200, "{answer:?}");
        }));
        tokio::join!(asking, registering);
        let others: Vec<_> = viewers.iter().map(|viewer| &viewer.client).collect();
        for flag in [&others[0], &others[1]] {
            for other in others.iter().filter(|other| !std::ptr::eq(**other, *flag)) {
                all_heard(flag, other).await;
            }
        }
        for viewer in &viewers {
            assert_eq!(knows(viewer, handle.id), NAMES.map(str::to_owned).into(), "{viewer:?}");
        }
    }
    super::settle(&stage.database).await;
}

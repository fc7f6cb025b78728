//! Where plays are played: two coordinators of one fleet, and what they need.

use heim_common::{MediaId, key::ObjectKey};
use heim_db::Database;
use heim_tests::{
    admitted::admitted,
    client::{Client, Entrance},
    keyed::Keyed,
    operator::Operator,
    standalone::HOOKS,
    web::{Answer, Web, answer},
};
use reqwest::Method;
use serde_json::json;
use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

const PASSCODE: &str = "the word of these plays";

/// The fleet as plays see it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) bases: [String; 2],
    pub(crate) database: Database,
    pub(crate) operators: [Operator; 2],
    pub(crate) web: Web,
    /// Whether rooms are private.
    pub(crate) private: bool,
    /// Whether transcodings are made by workers, and not by the plays.
    pub(crate) has_workers: bool,
    store: PathBuf,
    rooms: AtomicU32,
    files: AtomicU32,
}

impl Stage {
    pub(crate) async fn of(keyed: &Keyed, private: bool) -> Self {
        Self {
            bases: [keyed.base(0).to_owned(), keyed.base(1).to_owned()],
            database: keyed.fleet.database().await,
            operators: [keyed.operator(0), keyed.operator(1)],
            web: Web::default(),
            private,
            has_workers: !keyed.fleet.workers.is_empty(),
            store: keyed.fleet.store(),
            rooms: AtomicU32::new(0),
            files: AtomicU32::new(0),
        }
    }

    /// A room that nobody was in.
    pub(crate) async fn new_room(&self) -> String {
        let room = format!("play{}", self.rooms.fetch_add(1, Ordering::Relaxed));
        if self.private {
            self.operators[0].make_private(&room, PASSCODE).await;
        }
        room
    }

    /// Comes to a room, and takes a nick.
    pub(crate) async fn enter(&self, coordinator: usize, room: &str, entrance: Entrance, nick: &str) -> Client {
        let base = &self.bases[coordinator];
        if self.private {
            admitted(base, room, PASSCODE, entrance, nick).await
        } else {
            Client::enter(base, room, entrance, nick).await
        }
    }

    /// A media store that is not ours: puts a transcoding into the store, and
    /// tells it.
    pub(crate) async fn register(
        &self,
        coordinator: usize,
        room: &str,
        media: MediaId,
        name: &str,
        described: bool,
    ) -> Answer {
        let content = content(media, name);
        let key = ObjectKey::transcoding(media, &name.parse().expect("a name"), 1);
        let file = self.store.join(key.as_str());
        fs::create_dir_all(file.parent().expect("keys have folders")).expect("the store can be written");
        // Another call may look at it at this moment: it is there or not.
        let unfinished = self.store.join(format!("{}#{}", key, self.files.fetch_add(1, Ordering::Relaxed)));
        fs::write(&unfinished, &content).expect("the store can be written");
        fs::rename(&unfinished, &file).expect("the store can be written");
        let mut body = json!({ "media_id": media, "name": name, "content_type": "image/webp", "size": content.len() });
        if described {
            body["description"] =
                json!({ "width": 8, "height": 8, "placeholder": "AAECAwQF", "frames": 1, "alpha": false });
        }
        let url = format!("{}/room/{room}/media", self.bases[coordinator]);
        let request = self.web.request(Method::POST, &url).basic_auth(HOOKS.0, Some(HOOKS.1));
        answer(request.json(&body)).await
    }
}

/// What is in the file of a transcoding that a play registers.
pub(crate) fn content(media: MediaId, name: &str) -> Vec<u8> {
    format!("{name} of {media}").into_bytes()
}

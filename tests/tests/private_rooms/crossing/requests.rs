//! What an agent asks for by HTTP, with the ids and the handles of another room.

use super::world::{Room, World};
use crate::{
    operator::TOKEN,
    pictures::pixel,
    wire::{path, url},
};
use heim_common::wire::UploadHandle;
use heim_tests::{
    sharing::NAMES,
    standalone::HOOKS,
    web::{Answer, Web, answer},
};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// Somebody of a room, with the ids of another one.
pub(super) struct Stranger<'a> {
    pub(super) world: &'a World,
    /// Where it is at home.
    pub(super) own: usize,
    pub(super) agent: usize,
    pub(super) other: &'a Room,
    pub(super) web: Web,
}

impl Stranger<'_> {
    fn own(&self) -> &Room {
        &self.world.rooms[self.own]
    }

    fn base(&self) -> &str {
        self.world.fleet.base(self.agent % 2)
    }

    /// Sends a request, which must be answered just so and show nothing.
    async fn ask(&self, what: &str, request: RequestBuilder, expected: (u16, &str)) -> Answer {
        let got = answer(request).await;
        let shown = format!("{:?} {}", got.headers, String::from_utf8_lossy(&got.body));
        self.world.assert_own(self.own, what, &shown);
        if got.status >= 400 {
            assert_eq!(got.refusal(), (expected.0, expected.1.to_owned()), "{what}");
        } else {
            assert_eq!(got.status, expected.0, "{what}: {got:?}");
        }
        got
    }

    fn get(&self, url: &str) -> RequestBuilder {
        self.web.request(Method::GET, url)
    }

    /// Download URLs: one's own for what is the other's, and the other's for
    /// oneself.
    pub(super) async fn download(&self) {
        let client = &self.own().members[self.agent];
        let mine = client.media(self.own().shown.id).await;
        let me = client.event("hello-event").await["id"].as_str().expect("an id").replace('=', "%3D");
        for name in NAMES {
            let own = path(url(&mine, name));
            for target in [&self.other.shown, &self.other.hidden, &self.other.deleted] {
                let url = own.replace(&mine.id.to_string(), &target.id.to_string());
                let request = self.get(&format!("{}{url}", self.base()));
                self.ask("one's own handle for what is another's", request, (403, "bad-signature")).await;
            }
            let (place, query) = path(url(&self.other.shown, name)).split_once('?').expect("it has a query");
            let fields: Vec<_> = query.split('&').filter(|field| !field.starts_with("a=")).collect();
            let without = format!("{}{place}?{}", self.base(), fields.join("&"));
            self.ask("for another agent", self.get(&format!("{without}&a={me}")), (403, "bad-signature")).await;
            for nobody in ["%00", "%FF", "agent:", "agent:%00"] {
                let url = format!("{without}&a={nobody}");
                self.ask("for nobody", self.get(&url), (403, "bad-signature")).await;
            }
            if self.other.passcode.is_some() {
                self.ask("for no agent", self.get(&without), (403, "bad-signature")).await;
            }
            let deleted = format!("{}{}", self.base(), path(url(&self.other.deleted, name)));
            self.ask("what was deleted", self.get(&deleted), (404, "media-not-found")).await;
        }
    }

    /// Stable links. A public room's pictures are everybody's.
    pub(super) async fn follow(&self) {
        let cookie = self.own().members[self.agent].cookie();
        let open = if self.other.passcode.is_some() { (404, "media-not-found") } else { (302, "") };
        let closed = (404, "media-not-found");
        let (own, other) = (&self.own().name, &self.other.name);
        let (shown, hidden, deleted) = (self.other.shown.id, self.other.hidden.id, self.other.deleted.id);
        for name in NAMES {
            for (room, media, expected) in [
                (other, shown, open),
                (other, hidden, closed),
                (other, deleted, closed),
                (own, shown, closed),
                (own, hidden, closed),
                (own, deleted, closed),
            ] {
                let link = format!("{}/room/{room}/media/{media}/{name}", self.base());
                self.ask("a stable link", self.get(&link).header("cookie", &cookie), expected).await;
                if self.other.passcode.is_some() {
                    self.ask("a stable link without a cookie", self.get(&link), closed).await;
                }
            }
        }
    }

    /// Upload handles: each with the token of the other.
    pub(super) async fn upload(&self) {
        let mine = self.own().members[self.agent].upload_handle().await;
        let with_token = |handle: &UploadHandle, from: &UploadHandle| {
            let handle = UploadHandle { headers: from.headers.clone(), ..handle.clone() };
            self.web.uploading(&handle).body(pixel("an intruder's"))
        };
        let theirs = &self.other.pending;
        self.ask("another's upload", with_token(theirs, &mine), (403, "bad-signature")).await;
        self.ask("another's token", with_token(&mine, theirs), (403, "bad-signature")).await;
        let bare = self.web.request(Method::PUT, &theirs.url).body(pixel("an intruder's"));
        self.ask("no token", bare, (401, "authorization-required")).await;
    }

    /// Hooks: by nobody, by somebody else, and by a worker for the wrong room.
    pub(super) async fn hook(&self) {
        let (own, other, media) = (&self.own().name, &self.other.name, self.other.shown.id);
        let transcoded = json!({ "media_id": media, "name": "thumb-160", "content_type": "image/webp", "size": 1 });
        let uploaded = json!({ "content_type": "image/png", "size": 1, "sha256": "00" });
        let claim = json!({ "worker": "an intruder", "engine": 1 });
        for (path, body, for_a_worker) in [
            (format!("room/{own}/media"), &transcoded, (404, "media-not-found")),
            (format!("room/{own}/media/{media}/uploaded"), &uploaded, (404, "media-not-found")),
            (format!("room/nowhere/media/{media}/uploaded"), &uploaded, (404, "media-not-found")),
            (format!("store/jobs/{media}/claim"), &claim, (409, "not-yours")),
        ] {
            let request = || self.web.request(Method::POST, &format!("{}/{path}", self.base())).json(body);
            self.ask(&path, request(), (401, "authorization-required")).await;
            self.ask(&path, request().bearer_auth(TOKEN), (401, "authorization-required")).await;
            self.ask(&path, request().basic_auth(HOOKS.0, Some(TOKEN)), (403, "forbidden")).await;
            self.ask(&path, request().basic_auth(HOOKS.0, Some(HOOKS.1)), for_a_worker).await;
        }
        let path = format!("{}/room/{other}/media/{media}/uploaded", self.base());
        let request = self.web.request(Method::POST, &path).json(&uploaded);
        self.ask("a hook of the other room", request, (401, "authorization-required")).await;
    }

    /// The API: by nobody, by somebody else, and with what belongs elsewhere.
    pub(super) async fn administer(&self) {
        let (own, other) = (&self.own().name, &self.other.name);
        let member = self.other.members[0].event("hello-event").await["id"].as_str().expect("an id").to_owned();
        let said = self.other.said["id"].as_str().expect("an id");
        let wish = json!({ "private": true, "passcode": "an intruder's" });
        let message = format!("{other}/messages/{said}");
        let managers = format!("{other}/managers/{member}");
        let ask = |method: &Method, path: &str, body: &Value| {
            self.web.request(method.clone(), &format!("{}/api/v1/rooms/{path}", self.base())).json(body)
        };
        for (method, path, body) in [
            (Method::GET, other.clone(), Value::Null),
            (Method::PUT, other.clone(), wish),
            (Method::DELETE, other.clone(), Value::Null),
            (Method::POST, format!("{other}/keys"), Value::Null),
            (Method::PUT, managers.clone(), Value::Null),
            (Method::DELETE, managers, Value::Null),
            (Method::DELETE, message, Value::Null),
            (Method::GET, String::new(), Value::Null),
            (Method::GET, format!("{other}/nothing/of/this/kind"), Value::Null),
        ] {
            let request = || ask(&method, &path, &body);
            let token = self.other.pending.headers["Authorization"][0].clone();
            self.ask(&path, request(), (401, "authorization-required")).await;
            self.ask(&path, request().basic_auth(HOOKS.0, Some(HOOKS.1)), (401, "authorization-required")).await;
            self.ask(&path, request().bearer_auth(HOOKS.1), (403, "forbidden")).await;
            self.ask(&path, request().bearer_auth(&TOKEN[1..]), (403, "forbidden")).await;
            self.ask(&path, request().header("authorization", token), (403, "forbidden")).await;
        }
        let misplaced = format!("{own}/messages/{said}");
        let request = ask(&Method::DELETE, &misplaced, &Value::Null).bearer_auth(TOKEN);
        self.ask("a message in the wrong room", request, (404, "message-not-found")).await;
    }

    /// What everybody may ask for.
    pub(super) async fn look_around(&self) {
        let cookie = self.own().members[self.agent].cookie();
        for (path, expected) in [("healthz", 200), ("readyz", 200), ("metrics", 200), ("room/", 404), ("", 307)] {
            let request = self.get(&format!("{}/{path}", self.base())).header("cookie", &cookie);
            self.ask(path, request, (expected, "not-found")).await;
        }
        let page = self.get(&format!("{}/room/{}/", self.base(), self.other.name)).header("cookie", &cookie);
        self.ask("the room's page", page, (200, "")).await;
    }
}

//! Coordinators that go away under a page, and come back: what the page shows in
//! the end is compared with the room's log.

use super::drive;
use futures_util::future::join_all;
use heim_common::{MediaId, UserId, media::MediaState};
use heim_tests::{
    balancer::Balancer,
    client::{Client, Entrance},
    corpus,
    fleet::Fleet,
    load::bmp,
    operator::Operator,
    packets::Heard,
    ports,
    proxy::{Fault, Proxy},
    raw::authority,
    sharing::{finished, share_accepted},
    until::until,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::PathBuf;

const ROOM: &str = "welcome";
const TOKEN: &str = "a token of the administrator";
/// What is said in a page's room, the page's own words among it: see `away.mjs`.
const FIRST: &str = "do you see this?";
const SEEN: &str = "I see it";
const MISSED_YOU: &str = "are you still there?";
const LAST: &str = "that is all";
/// Who goes on speaking, and how much each says: more than heim lets one say at
/// once, so that it takes a few seconds.
const SPEAKERS: u32 = 4;
const SAID: u32 = 12;
/// What one may say at once.
const AT_ONCE: u32 = 5;
/// The shortest pause of a page before it comes back, by `coordinator/web/socket.js`;
/// the browser rounds its clock.
const PAUSE_MIN_MS: f64 = 249.0;
/// How many messages a snapshot has.
const SNAPSHOT: usize = 100;

/// What a page was seen to show.
#[derive(Deserialize)]
struct Page {
    /// Before anybody asked for what is earlier.
    missed: Vec<Shown>,
    all: Vec<Shown>,
    lives: Vec<Life>,
    /// Whether nobody loaded it again.
    #[serde(rename = "isTheSame")]
    is_the_same: bool,
}

/// A message, its pictures by id; one that is not to be seen with why.
#[derive(Debug, Deserialize, PartialEq)]
struct Shown {
    id: String,
    text: String,
    pictures: Vec<String>,
}

/// One socket.
#[derive(Debug, Deserialize)]
struct Life {
    begun: f64,
    ended: Option<f64>,
    code: Option<u16>,
}

/// Opens the page there, up to the end.
async fn page(base: &str, picture: Option<PathBuf>) -> Page {
    let url = format!("{base}/room/{ROOM}/");
    let picture = picture.map_or("none".into(), PathBuf::into_os_string);
    let printed = drive("away.mjs", vec![url.into(), picture]).await;
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

impl Page {
    /// Checks that it shows what the room has, each once and in order, and came back
    /// by itself from a connection that ended so.
    async fn assert_shows_all(&self, room: &Client, code: u16) {
        let log = room.command("log", json!({ "n": 1000 })).await;
        let log: Vec<_> = log["log"].as_array().expect("a log").iter().map(in_the_log).collect();
        assert_eq!(self.all, log);
        let of = |words: &str| log.iter().filter(|message| message.text == words).count();
        assert_eq!([SEEN, MISSED_YOU, LAST].map(of), [1; 3], "nothing is sent twice");
        let seen = log.iter().position(|message| message.text == SEEN).expect("it was said");
        assert!(self.missed.ends_with(&log[seen..]), "there was a gap: {:?}", self.missed);

        assert!(self.is_the_same, "it was loaded anew");
        let [first, second, ..] = &self.lives[..] else { panic!("it was never sent away: {:?}", self.lives) };
        assert_eq!(first.code, Some(code), "{:?}", self.lives);
        let pause = second.begun - first.ended.expect("it was lost");
        assert!(pause >= PAUSE_MIN_MS, "{pause} ms: everybody would come back at once");
    }
}

fn in_the_log(message: &Value) -> Shown {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let pictures = message["attachments"].as_array().into_iter().flatten();
    Shown {
        id: text(&message["id"]),
        text: text(&message["content"]),
        pictures: pictures.map(|media| text(&media["id"])).collect(),
    }
}

/// Waits until somebody says this.
async fn hears(client: &Client, words: &str) {
    let said = |heard: &[Heard]| heard.iter().any(|heard| heard.data()["content"] == words).then_some(());
    client.heard.wait_for(words, said).await;
}

/// Says things and shares pictures, as fast as one may.
async fn speak(speaker: &Client, number: u32) -> Vec<MediaId> {
    let mut pictures = Vec::new();
    for count in 0..SAID {
        if count % 3 == 1 {
            pictures.push(share_accepted(speaker, bmp(number * 100 + count)).await);
        } else {
            speaker.send(&format!("{number}: {count}"), &[]).await;
        }
    }
    pictures
}

/// A page behind a balancer, whose coordinator goes away as `lose` does it, while
/// the room goes on at the other one; it is started again.
async fn loses_its_coordinator(lose: impl AsyncFnOnce(&mut Fleet, usize), code: u16) {
    let mut fleet = Fleet::start(2, 1).await;
    let bases = [0, 1].map(|place| fleet.base(place).to_owned());
    let balancer = Balancer::before(&[&bases[0], &bases[1]]);
    let address = balancer.base();
    let bens = [0, 1].map(|place| Client::enter(&bases[place], ROOM, Entrance::aware(), "ben"));
    let bens = join_all(bens).await;
    let room = async {
        let place = until("the page is in the room", async || {
            let mut eras = Vec::new();
            for ben in &bens {
                eras.push(ben.event("hello-event").await["session"]["server_era"].clone());
            }
            let who = bens[0].command("who", json!({})).await;
            let cleo = who["listing"].as_array()?.iter().find(|session| session["name"] == "cleo")?.clone();
            eras.iter().position(|era| *era == cleo["server_era"])
        })
        .await;
        let (ben, other) = (&bens[1 - place], &bases[1 - place]);
        let speakers = (0..SPEAKERS).map(|_| Client::enter(other, ROOM, Entrance::aware(), "eve"));
        let speakers = join_all(speakers).await;
        ben.send(FIRST, &[]).await;
        hears(ben, SEEN).await;
        let speaking = join_all(speakers.iter().zip(0..).map(|(speaker, number)| speak(speaker, number)));
        let losing = async {
            hears(ben, "0: 2").await;
            lose(&mut fleet, place).await;
            fleet.replace_coordinator(place).await;
        };
        let (pictures, ()) = tokio::join!(speaking, losing);
        for picture in pictures.into_iter().flatten() {
            assert_eq!(finished(ben, picture).await.state, MediaState::Ready);
        }
        hears(ben, MISSED_YOU).await;
        ben.send(LAST, &[]).await;
        ben
    };
    let (page, ben) = tokio::join!(page(&address, None), room);
    page.assert_shows_all(ben, code).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f26_a_page_that_a_stopping_coordinator_sends_away_shows_everything_once() {
    let stop = async |fleet: &mut Fleet, place: usize| {
        fleet.coordinators[place].terminate();
        assert!(fleet.coordinators[place].ended().await.success(), "{}", fleet.coordinators[place].log());
    };
    loses_its_coordinator(stop, 1012).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f70_a_page_whose_coordinator_is_killed_shows_everything_once() {
    let kill = async |fleet: &mut Fleet, place: usize| fleet.coordinators[place].kill9().await;
    loses_its_coordinator(kill, 1006).await;
}

/// A page that is cut off while so much is said, one message is edited, one deleted,
/// and a picture made that the page was waiting for.
async fn is_cut_off(said: usize) {
    let mut fleet = Fleet::with(1, 0, &[("admin.token", TOKEN)]).await;
    let base = fleet.base(0).to_owned();
    let proxy = Proxy::before(authority(&base).rsplit_once(':').expect("a port").1.parse().expect("a port"));
    let ben = Client::enter(&base, ROOM, Entrance::aware(), "ben").await;
    let id: UserId = serde_json::from_value(ben.event("hello-event").await["id"].clone()).expect("an id");
    Operator::new(&base, TOKEN).make_manager(ROOM, id.as_str()).await;
    let picture = share_accepted(&ben, corpus::read(corpus::SMALL)).await;
    let (changed, deleted) = (ben.send("frist", &[]).await, ben.send("oops", &[]).await);
    ben.send(FIRST, &[]).await;
    let room = async {
        hears(&ben, SEEN).await;
        proxy.set(Fault::Cut);
        ben.event("part-event").await;
        let known = json!({ "previous_edit_id": "", "announce": true });
        for (message, mut edit) in [(&changed, json!({ "content": "first" })), (&deleted, json!({ "delete": true }))] {
            edit["id"] = message["id"].clone();
            edit.as_object_mut().expect("fields").extend(known.as_object().expect("fields").clone());
            ben.command("edit-message", edit).await;
        }
        let crowd = (0..said.div_ceil(AT_ONCE as usize)).map(|number| {
            let base = &base;
            async move {
                let one = Client::enter(base, ROOM, Entrance::aware(), "eve").await;
                for count in 0..AT_ONCE {
                    one.send(&format!("{number}: {count}"), &[]).await;
                }
            }
        });
        join_all(crowd).await;
        let other = share_accepted(&ben, corpus::read(corpus::SMALL)).await;
        fleet.add_worker().await;
        for media in [picture, other] {
            assert_eq!(finished(&ben, media).await.state, MediaState::Ready);
        }
        proxy.heal();
        hears(&ben, MISSED_YOU).await;
        ben.send(LAST, &[]).await;
    };
    let through = format!("http://127.0.0.1:{}", proxy.port());
    let (page, ()) = tokio::join!(page(&through, None), room);
    page.assert_shows_all(&ben, 1006).await;
    assert!(page.all.iter().any(|shown| shown.text == "first") && page.all.iter().all(|shown| shown.text != "oops"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_cut_off_shows_what_changed_meanwhile() {
    is_cut_off(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_was_cut_off_for_longer_than_a_snapshot_tells_of_has_no_gap() {
    is_cut_off(SNAPSHOT + SNAPSHOT / 2).await;
}

/// A page that uploads while its only coordinator is killed there, and started again
/// at the same address.
async fn uploads_while_its_coordinator_is_killed_at(point: &str) {
    let mut fleet = Fleet::start(0, 0).await;
    let listen = format!("127.0.0.1:{}", ports::free(2));
    let dying = fleet.serving(&listen).failpoints(&format!("{point}=kill")).start().await;
    fleet.coordinators.push(dying);
    fleet.add_worker().await;
    let base = fleet.base(0).to_owned();
    let room = async {
        let ben = Client::enter(&base, ROOM, Entrance::aware(), "ben").await;
        ben.send(FIRST, &[]).await;
        fleet.coordinators[0].ended().await;
        fleet.replace_coordinator(0).await;
        let ben = Client::enter(&base, ROOM, Entrance::aware(), "ben").await;
        let (picture, _) = until("the page sends what it had begun to", async || {
            let log = ben.command("log", json!({ "n": 100 })).await;
            let log = log["log"].as_array()?;
            let media = log.iter().find_map(|message| message["attachments"][0]["id"].as_str())?;
            let missed = log.iter().find(|message| message["content"] == MISSED_YOU)?;
            Some((media.parse::<MediaId>().expect("an id"), missed.clone()))
        })
        .await;
        assert_eq!(finished(&ben, picture).await.state, MediaState::Ready);
        ben.send(LAST, &[]).await;
        ben
    };
    let (page, ben) = tokio::join!(page(&base, Some(corpus::path(corpus::SMALL))), room);
    page.assert_shows_all(&ben, 1006).await;
    assert_eq!(page.all.iter().filter(|shown| !shown.pictures.is_empty()).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_a_page_uploads_again_what_a_killed_coordinator_had_not_accepted() {
    uploads_while_its_coordinator_is_killed_at("upload-stored").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f18_a_page_whose_upload_was_committed_and_not_answered_shows_it_once() {
    uploads_while_its_coordinator_is_killed_at("upload-committed").await;
}

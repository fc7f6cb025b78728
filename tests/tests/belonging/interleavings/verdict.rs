//! Reads what the database says of a play, and lets it be judged.

use super::{
    heard::{Told, told},
    history::{History, Session},
    judge::{Truth, faults, lacks},
    play::Play,
    stage::content,
};
use crate::vault::picture;
use heim_common::{MediaId, MessageId, wire::TranscodingView};
use heim_tests::truth::settled;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How long what a session lacks may be on its way: longer than the rows wait to
/// be looked at where pub/sub lost something.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// What is wrong with a play.
pub(crate) async fn of(play: &Play) -> Result<(), String> {
    if play.stage().has_workers {
        settled(&play.stage().database).await;
        note_what_workers_made(play).await;
    }
    let truth = truth(play).await;
    let began = Instant::now();
    let lacking = loop {
        let mut lacking = lacks(&play.history(), &truth);
        lacking.extend(presence(play).await);
        if lacking.is_empty() || began.elapsed() > ON_ITS_WAY {
            break lacking;
        }
        sleep(LOOK).await;
    };
    let mut faults = faults(&play.history(), &truth);
    faults.extend(lacking);
    faults.extend(handles(play, &truth).await);
    if faults.is_empty() {
        return Ok(());
    }
    Err(format!("{}:\n{}\n{}", play.room, faults.join("\n"), play.history().told()))
}

/// What workers made became available at an instant that nobody noted.
async fn note_what_workers_made(play: &Play) {
    let objects = play.history().objects.clone();
    for object in objects {
        let names = names(play, object.id).await;
        let Some((_, upload)) = object.available().into_iter().find(|(name, _)| name == "original") else { continue };
        for name in names {
            object.is_available(&name, upload);
        }
    }
}

async fn names(play: &Play, id: MediaId) -> BTreeSet<String> {
    let object = play.stage().database.media(id).await.expect("the database answers").expect("nothing is removed");
    object.transcodings.into_iter().map(|transcoding| transcoding.name.to_string()).collect()
}

async fn truth(play: &Play) -> Truth {
    let mut truth = Truth::default();
    let History { objects, messages, .. } = play.history().clone();
    for object in objects {
        truth.media.insert(object.id, names(play, object.id).await);
    }
    let room = play.room.parse().expect("a room's name");
    for said in messages {
        let id: MessageId = said.id.parse().expect("an id");
        let message = play.stage().database.message(&room, id).await.expect("the database answers");
        if message.expect("nothing is removed").deleted.is_none() {
            truth.live.insert(said.id.clone());
        }
    }
    truth
}

/// Whom each session believes to be there, against who is.
async fn presence(play: &Play) -> Vec<String> {
    let room = play.room.parse().expect("a room's name");
    let rows = play.stage().database.sessions(&room).await.expect("the database answers");
    let rows: BTreeSet<String> = rows.into_iter().map(|view| view.session_id.to_string()).collect();
    let sessions = play.history().sessions.clone();
    let wrong = sessions.iter().filter(|session| session.stayed()).filter_map(|session| {
        let mut others = rows.clone();
        others.remove(&session.id);
        let believed = believed(session);
        (believed != others).then(|| format!("{}: believes {believed:?} to be there, and not {others:?}", session.name))
    });
    wrong.collect()
}

fn believed(session: &Session) -> BTreeSet<String> {
    let mut there = BTreeSet::new();
    for heard in session.heard.all() {
        let id = || heard.data()["session_id"].as_str().expect("an id").to_owned();
        match heard.kind() {
            "snapshot-event" => {
                let listing = heard.data()["listing"].as_array().expect("a list");
                there = listing.iter().map(|view| view["session_id"].as_str().expect("an id").to_owned()).collect();
            }
            "join-event" => _ = there.insert(id()),
            "part-event" => _ = there.remove(&id()),
            _ => {}
        }
    }
    there
}

/// Every handle is made for whoever was given it, and the newest one of a
/// picture that is shown works.
async fn handles(play: &Play, truth: &Truth) -> Vec<String> {
    let History { sessions, messages, .. } = play.history().clone();
    let live = messages.iter().filter(|said| truth.live.contains(&said.id));
    let shown: BTreeSet<MediaId> = live.flat_map(|said| said.media.clone()).collect();
    let mut faults = Vec::new();
    for session in sessions {
        let all: Vec<_> = told(&session).into_iter().flat_map(|Told { handles, .. }| handles).collect();
        let agent = play.stage().private.then(|| format!("&a={}&", session.user.replace('=', "%3D")));
        let is_own = |handle: &TranscodingView| match &agent {
            Some(agent) => handle.url.contains(agent),
            None => !handle.url.contains("a="),
        };
        let strange = all.iter().find(|handle| !is_own(handle));
        faults.extend(strange.map(|handle| format!("{}: was given {}", session.name, handle.url)));
        if session.stayed()
            && let Some(handle) = all.iter().rev().find(|handle| shown.contains(&handle.media_id))
            && let Some(fault) = unserved(play, handle).await
        {
            faults.push(format!("{}: {fault}", session.name));
        }
    }
    faults
}

/// What is wrong with what a handle leads to.
async fn unserved(play: &Play, handle: &TranscodingView) -> Option<String> {
    let served = play.stage().web.get(&handle.url).await;
    let is_whole = match handle.name.as_str() {
        "original" => served.body == picture(0),
        name => play.stage().has_workers || served.body == content(handle.media_id, name),
    };
    (served.status != 200 || !is_whole).then(|| format!("{} is {served:?}", handle.url))
}

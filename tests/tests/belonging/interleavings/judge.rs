//! Holds what every session was told against what was done and what the
//! database says.

use super::{
    heard::{Names, Told, What, told},
    history::{History, Object, Question, Said, Session},
    schedule::Wish,
};
use heim_common::MediaId;
use std::{collections::BTreeSet, sync::Arc, time::Instant};

/// What the database says at the end.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// Of each media object, what is there.
    pub(crate) media: Names,
    /// The messages that are not deleted.
    pub(crate) live: BTreeSet<String>,
}

/// What is wrong for good.
pub(crate) fn faults(history: &History, truth: &Truth) -> Vec<String> {
    let mut faults = rows(history, truth);
    for session in &history.sessions {
        let told = told(session);
        let mut own = strangers(session, &told);
        own.extend(twice(history, session, &told));
        own.extend(leaks(history, session, &told));
        own.extend(messages_twice(history, session, &told));
        faults.extend(own.into_iter().map(|fault| format!("{}: {fault}", session.name)));
    }
    faults.extend(history.answers.iter().filter_map(|answer| wrong_answer(history, answer)));
    faults
}

/// What a session still lacks: it may be on its way.
pub(crate) fn lacks(history: &History, truth: &Truth) -> Vec<String> {
    let staying = history.sessions.iter().filter(|session| session.stayed());
    let lacking = staying.flat_map(|session| {
        let told = told(session);
        let mut own = neither(history, truth, session, &told);
        own.extend(unheard(history, session, &told));
        own.extend(messages_missed(history, truth, session, &told));
        own.into_iter().map(|fault| format!("{}: {fault}", session.name))
    });
    lacking.collect()
}

fn is_uploader(history: &History, session: &Session, media: MediaId) -> bool {
    object(history, media).is_some_and(|object| session.agent == Some(object.agent))
}

fn object(history: &History, media: MediaId) -> Option<&Arc<Object>> {
    history.objects.iter().find(|object| object.id == media)
}

fn showing(history: &History, media: MediaId) -> impl Iterator<Item = &Arc<Said>> {
    history.messages.iter().filter(move |said| said.media.contains(&media))
}

/// The database has what was accepted, and nothing else.
fn rows(history: &History, truth: &Truth) -> Vec<String> {
    let mut faults = Vec::new();
    for object in &history.objects {
        let accepted: BTreeSet<_> = object.available().into_iter().map(|(name, _)| name).collect();
        let there = truth.media.get(&object.id).cloned().unwrap_or_default();
        if accepted != there {
            faults.push(format!("{}: accepted {accepted:?}, and the database has {there:?}", object.id));
        }
    }
    faults
}

/// Who never asked for media hears no media event, nor who has not yet; and all
/// that anybody is told of is of this room.
fn strangers(session: &Session, told: &[Told]) -> Vec<String> {
    let since = match session.wish {
        Wish::Aware => Some(session.joined.began),
        Wish::Late => session.asked.get().copied(),
        Wish::Unaware => None,
    };
    let events = told.iter().filter(|told| matches!(told.what, What::Event { .. }));
    let early = events.filter(|told| since.is_none_or(|since| told.at < since));
    early.map(|told| format!("was told without having asked: {:?}", told.what)).collect()
}

/// No event comes twice; and whoever is not the uploader hears none of what a
/// message has shown them already.
fn twice(history: &History, session: &Session, told: &[Told]) -> Vec<String> {
    let (mut heard, mut seen) = (Names::new(), Names::new());
    let mut faults = Vec::new();
    for Told { what, .. } in told {
        match what {
            What::Message { media, .. } => {
                for (id, names) in media {
                    seen.entry(*id).or_default().extend(names.iter().cloned());
                }
            }
            What::Media { .. } => {}
            What::Event { id, name } => {
                if !heard.entry(*id).or_default().insert(name.clone()) {
                    faults.push(format!("heard twice of {name} of {id}"));
                }
                let has_seen = seen.get(id).is_some_and(|names| names.contains(name));
                if has_seen && !is_uploader(history, session, *id) {
                    faults.push(format!("saw {name} of {id} in a message, and then heard of it"));
                }
            }
        }
    }
    faults
}

/// Nobody but the uploader is told of what no message shows at that time.
fn leaks(history: &History, session: &Session, told: &[Told]) -> Vec<String> {
    let mut faults = Vec::new();
    for Told { at, what, .. } in told {
        let known = |id: &MediaId, since: Instant| {
            let is_shown =
                |said: &Arc<Said>| said.sent.began <= *at && !said.was_deleted(since.max(said.sent.began), *at);
            is_uploader(history, session, *id) || showing(history, *id).any(is_shown)
        };
        let is_known = match what {
            What::Message { deleted, media, .. } => media.keys().all(|id| !deleted && known(id, session.joined.began)),
            What::Media { id } => known(id, session.joined.began),
            What::Event { id, name } => {
                let object = object(history, *id);
                let available =
                    object.and_then(|object| object.available().into_iter().find(|(known, _)| known == name));
                // Transcodings that workers make have no instant here.
                known(id, available.map_or(session.joined.began, |(_, span)| span.began))
            }
        };
        if !is_known {
            faults.push(format!("was told of what it may not see: {what:?}"));
        }
    }
    faults
}

/// Nobody is sent a message twice, nor an event about one's own.
fn messages_twice(history: &History, session: &Session, told: &[Told]) -> Vec<String> {
    let twice = history.messages.iter().filter(|said| arrivals(said, told) > 1);
    let twice = twice.map(|said| format!("was sent {} twice", said.id));
    twice.chain(own_message_heard(history, session, told)).collect()
}

fn own_message_heard(history: &History, session: &Session, told: &[Told]) -> Option<String> {
    let own = |id: &str| history.messages.iter().any(|said| said.id == id && said.by == session.id);
    told.iter().find_map(|told| match &told.what {
        What::Message { id, kind, .. } if kind == "send-event" && own(id) => Some(format!("was told of its own {id}")),
        _ => None,
    })
}

/// How often a message came by itself, or in the snapshot.
fn arrivals(said: &Said, told: &[Told]) -> usize {
    let arrives = |told: &&Told| match &told.what {
        What::Message { id, kind, .. } => {
            *id == said.id && ["send-event", "send-reply", "snapshot-event"].contains(&kind.as_str())
        }
        _ => false,
    };
    told.iter().filter(arrives).count()
}

/// What messages show that the session was told of, and it was never told.
fn neither(history: &History, truth: &Truth, session: &Session, told: &[Told]) -> Vec<String> {
    if session.wish != Wish::Aware {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let live = history.messages.iter().filter(|said| truth.live.contains(&said.id));
    for said in live {
        let Some((last, was_deleted)) = last_view(said, told) else { continue };
        // Whoever was not told that it is there again need not know what it shows: also
        // where the news that it had been deleted came after that.
        if said.restored_in_silence().is_some_and(|restored| was_deleted || last < restored) {
            continue;
        }
        for media in &said.media {
            let has = |name: &String| told.iter().any(|told| has(told, *media, name));
            let lacking: Vec<_> = truth.media[media].iter().filter(|name| !has(name)).collect();
            if !lacking.is_empty() {
                faults.push(format!("knows {} and neither saw nor heard of {lacking:?} of {media}", said.id));
            }
        }
    }
    faults
}

/// When it was last seen, and whether as one that is deleted.
fn last_view(said: &Said, told: &[Told]) -> Option<(Instant, bool)> {
    let views = told.iter().filter_map(|told| match &told.what {
        What::Message { id, deleted, .. } if *id == said.id => Some((told.at, *deleted)),
        _ => None,
    });
    views.max_by_key(|(at, _)| *at)
}

fn has(told: &Told, wanted: MediaId, name: &str) -> bool {
    match &told.what {
        What::Message { media, .. } => media.get(&wanted).is_some_and(|names| names.contains(name)),
        What::Media { .. } => false,
        What::Event { id, name: heard } => *id == wanted && heard == name,
    }
}

/// What became of an upload while its uploader's session was there, and it was
/// not told.
fn unheard(history: &History, session: &Session, told: &[Told]) -> Vec<String> {
    let mut faults = Vec::new();
    for object in history.objects.iter().filter(|object| session.agent == Some(object.agent)) {
        for (name, span) in object.available() {
            let was_there = session.wish == Wish::Aware && session.joined.ended < span.began;
            let is_event = |told: &&Told| matches!(told.what, What::Event { .. }) && has(told, object.id, &name);
            if was_there && !told.iter().any(|told| is_event(&told)) {
                faults.push(format!("uploaded {} and never heard of {name}", object.id));
            }
        }
    }
    faults
}

/// Messages that are there, and the session does not know of.
fn messages_missed(history: &History, truth: &Truth, session: &Session, told: &[Told]) -> Vec<String> {
    let missed = |said: &&Arc<Said>| {
        let was_there = session.joined.ended < said.sent.began;
        let is_in_snapshot = said.was_live(session.joined.began, session.joined.ended);
        let always = truth.live.contains(&said.id) && said.was_live(said.sent.ended, session.joined.ended);
        (was_there || is_in_snapshot || always) && arrivals(said, told) == 0
    };
    history.messages.iter().filter(missed).map(|said| format!("never heard of message {}", said.id)).collect()
}

/// A question that was not answered as it should be, whenever exactly it was.
fn wrong_answer(history: &History, answer: &super::history::Answered) -> Option<String> {
    let (from, to) = (answer.span.began, answer.span.ended);
    let error = answer.reply.get("error").and_then(|error| error.as_str());
    let data = &answer.reply["data"];
    let is_wrong = match &answer.question {
        Question::Media(media) => {
            let is_own = object(history, *media).is_some_and(|object| Some(object.agent) == answer.agent);
            let is_live = showing(history, *media).any(|said| said.was_live(from, to));
            let began: Vec<_> = showing(history, *media).filter(|said| said.sent.began <= to).collect();
            let is_hidden = began.iter().all(|said| said.was_deleted(from, to)) && !(is_own && began.is_empty());
            match error {
                None => is_hidden,
                Some(error) => error != "media not found" || is_live || (is_own && began.is_empty()),
            }
        }
        Question::Message(id) => {
            let said = history.messages.iter().find(|said| said.id == *id)?;
            let is_deleted = !data["deleted"].is_null();
            error.is_some()
                || (is_deleted && data.get("attachments").is_some())
                || (!is_deleted && said.was_deleted(from, to))
                || (is_deleted && said.was_live(from, to))
        }
        Question::Log => {
            let log = data["log"].as_array()?;
            let is_listed = |said: &Arc<Said>| log.iter().any(|message| message["id"] == said.id.as_str());
            let is_wrong = |said: &Arc<Said>| {
                (is_listed(said) && said.was_deleted(from, to)) || (!is_listed(said) && said.was_live(from, to))
            };
            error.is_some() || history.messages.iter().any(is_wrong)
        }
    };
    is_wrong.then(|| format!("{}: a wrong answer: {answer:?}", answer.session))
}

//! Reads what is there: rows, and the folder of a store.

use super::{Entry, judge::Kept, together::Told};
use crate::{sql::sql, stored};
use heim_common::{MediaId, MessageId};
use heim_db::Database;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Events that are read at once.
const PAGE: u64 = 1_000;

/// Everything that [`super::judge::judge`] has to know.
pub async fn kept(entries: &[Entry], database: &Database, database_url: &str, store: &Path) -> Kept {
    let mut kept = Kept::default();
    let asked = entries.iter().filter_map(|entry| match entry {
        Entry::Begun { media, .. } => Some(*media),
        _ => None,
    });
    for id in asked.collect::<BTreeSet<MediaId>>() {
        if let Some(media) = database.media(id).await.expect("the database answers") {
            kept.media.insert(id, media);
        }
    }
    let mut seq = 0;
    loop {
        let page = database.events_since(seq, PAGE).await.expect("the database answers");
        let Some(last) = page.last() else { break };
        seq = last.seq;
        kept.events.extend(page.into_iter().map(|event| (event.media, event.name.to_string())));
    }
    kept.rooms = rooms(&kept.events, database_url).await;
    kept.messages = kept.rooms.values().flat_map(|told| &told.messages).copied().collect();
    let files: BTreeSet<String> = stored::files(store).into_iter().collect();
    let keys = kept.media.values().flat_map(|media| &media.transcodings).map(|one| one.key.as_str());
    kept.without_object = keys.filter(|key| !files.contains(*key)).map(|key| format!("the object {key}")).collect();
    kept
}

/// What there was to be heard in each room: the messages, and the events about
/// what they show.
async fn rooms(events: &[(MediaId, String)], database_url: &str) -> BTreeMap<String, Told> {
    const SHOWN: &str = "SELECT message.room, message.id, link.media_id FROM message \
                         LEFT JOIN message_attachment AS link ON link.message_id = message.id";
    let mut names: BTreeMap<MediaId, Vec<&String>> = BTreeMap::new();
    for (media, name) in events {
        names.entry(*media).or_default().push(name);
    }
    let mut rooms: BTreeMap<String, Told> = BTreeMap::new();
    for line in sql(database_url, SHOWN).await.lines() {
        let [room, message, media] = line.split('|').collect::<Vec<_>>()[..] else { panic!("three columns: {line}") };
        let told = rooms.entry(room.to_owned()).or_default();
        told.messages.insert(MessageId::from_i64(message.parse().expect("an id")));
        if !media.is_empty() {
            let media = MediaId::from_i64(media.parse().expect("an id"));
            let names = names.get(&media).into_iter().flatten();
            told.media.extend(names.map(|name| (media, (*name).clone())));
        }
    }
    rooms
}

//! Reads what is there: rows, and the folder of a store.

use super::{Entry, judge::Kept};
use crate::{sql::sql, stored};
use heim_common::{MediaId, MessageId};
use heim_db::Database;
use std::{collections::BTreeSet, path::Path};

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
    let messages = sql(database_url, "SELECT id FROM message").await;
    kept.messages.extend(messages.lines().map(|id| MessageId::from_i64(id.parse().expect("an id"))));
    let files = stored::files(store);
    kept.drafts = files.iter().filter(|file| file.contains('#')).count();
    let files: BTreeSet<String> = files.into_iter().filter(|file| !file.contains('#')).collect();
    let keys = kept.media.values().flat_map(|media| &media.transcodings).map(|one| one.key.as_str().to_owned());
    let keys: BTreeSet<String> = keys.collect();
    kept.without_object = keys.difference(&files).map(|key| format!("the object {key}")).collect();
    kept.without_row = files.difference(&keys).count();
    kept
}
